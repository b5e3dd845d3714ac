"""A question of another dialect as a request: what the lane takes is said, the rest is listed or refused."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Cache, Format, Sampling, Text, Thinking, Tool, Turn
from tests.conformance import spec
from tests.protocols.responses.kit import asked, decoded, encoded


def test_the_least() -> None:
    made = encoded(asked())
    assert made.pop("losses") == ()
    spec.assert_valid(made, "CreateResponse")
    assert made == {
        "model": "gpt", "input": [{"type": "message", "role": "user", "content": "Hello"}], "store": False,
        "include": ["reasoning.encrypted_content"],
    }  # fmt: skip


def test_sampling_that_this_dialect_has_not_is_listed_by_the_callers_names() -> None:
    sampling = Sampling(temperature=0.0, top_p=0.5, top_k=3, seed=1, frequency_penalty=0.1, presence_penalty=0.2,
                        logit_bias="{}", stop=("a",), n=1)  # fmt: skip
    made = encoded(asked(sampling=sampling, origin="gemini"))
    assert (made["temperature"], made["top_p"]) == (0.0, 0.5)
    assert made["losses"] == (
        "generationConfig.topK", "generationConfig.seed", "generationConfig.frequencyPenalty",
        "generationConfig.presencePenalty", "logit_bias", "generationConfig.stopSequences",
    )  # fmt: skip


def test_several_answers_are_refused() -> None:
    with pytest.raises(GatewayError) as caught:
        encoded(asked(sampling=Sampling(n=2)))
    assert (caught.value.param, caught.value.status) == ("n", 400)


@pytest.mark.parametrize(
    ("abilities", "said", "losses"),
    [
        ({}, {"temperature": 1.5, "top_p": 0.5}, ()),
        ({"sampling": False}, {}, ("temperature", "top_p")),
        ({"temperature_max": 1.0}, {"temperature": 1.0, "top_p": 0.5}, ("temperature",)),
        ({"temperature_and_top_p": False}, {"temperature": 1.5}, ("top_p",)),
    ],
)
def test_abilities_of_sampling(abilities: dict[str, Any], said: dict[str, float], losses: tuple[str, ...]) -> None:
    made = encoded(asked(sampling=Sampling(temperature=1.5, top_p=0.5)), **abilities)
    assert {name: made[name] for name in ("temperature", "top_p") if name in made} == said
    assert made["losses"] == losses


def test_log_probabilities() -> None:
    conversation = asked(sampling=Sampling(logprobs=True, top_logprobs=4))
    made = encoded(conversation)
    assert made["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]
    assert made["top_logprobs"] == 4
    assert encoded(conversation, logprobs=False)["losses"] == ("logprobs", "top_logprobs")
    own = asked(sampling=Sampling(logprobs=True), origin="responses")
    assert encoded(own, logprobs=False)["losses"] == ("include",)


@pytest.mark.parametrize(
    ("cap", "abilities", "said", "losses"),
    [
        (100, {}, 100, ()),
        (100, {"output_max": 50}, 50, ("max_completion_tokens",)),
        (1, {}, 16, ("max_completion_tokens",)),
        (0, {}, None, ("max_completion_tokens",)),
    ],
)
def test_the_cap(cap: int, abilities: dict[str, Any], said: int | None, losses: tuple[str, ...]) -> None:
    made = encoded(asked(output_cap=cap), **abilities)
    assert (made.get("max_output_tokens"), made["losses"]) == (said, losses)


@pytest.mark.parametrize(
    ("thinking", "abilities", "said", "losses"),
    [
        (Thinking(effort="high"), {}, {"effort": "high"}, ()),
        (Thinking(effort="max"), {}, {"effort": "xhigh"}, ("reasoning_effort",)),
        (Thinking("on", budget_tokens=8_000, show=True), {}, {"effort": "medium", "summary": "auto"}, ()),
        (Thinking("on", budget_tokens=-1), {}, None, ()),
        (Thinking("adaptive", summary="detailed"), {}, {"summary": "detailed"}, ()),
        (Thinking("off"), {}, {"effort": "none"}, ()),
        (Thinking("off"), {"reasoning_off": False, "efforts": ("low",)}, {"effort": "low"}, ("reasoning_effort",)),
        (Thinking(effort="high"), {"reasoning": "none"}, None, ("reasoning_effort",)),
        (Thinking("off"), {"reasoning": "none"}, None, ()),
    ],
)  # fmt: skip
def test_reasoning(thinking: Thinking, abilities: dict[str, Any], said: Any, losses: tuple[str, ...]) -> None:
    made = encoded(asked(thinking=thinking), **abilities)
    assert (made.get("reasoning"), made["losses"]) == (said, losses)
    assert ("include" in made) == (abilities.get("reasoning") != "none")


SHAPE = Format("json_schema", "n", '{"type":"object","properties":{"b":{},"a":{}}}', True, "d")


def test_structured_output_is_flat() -> None:
    made = encoded(asked(format=SHAPE, verbosity="low"))
    del made["losses"]
    spec.assert_valid(made, "CreateResponse")
    assert made["text"] == {"verbosity": "low", "format": {
        "type": "json_schema", "name": "n", "strict": True, "description": "d",
        "schema": {"type": "object", "properties": {"b": {}, "a": {}}}}}  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "able", "said"),
    [
        (SHAPE, "object", {"type": "json_object"}),
        (SHAPE, "none", None),
        (Format("json_object"), "none", None),
        (Format("text"), "none", {"type": "text"}),
    ],
)
def test_forms_that_the_lane_lacks(shape: Format, able: str, said: Any) -> None:
    made = encoded(asked(format=shape), json_schema=able)
    assert made.get("text", {}).get("format") == said
    assert made["losses"] == (() if shape.kind == "text" else ("response_format",))


@pytest.mark.parametrize(
    ("tier", "said", "losses"), [("flex", "flex", ()), ("standard_only", "default", ()), ("x", None, ("service_tier",))]
)
def test_service_tiers(tier: str, said: str | None, losses: tuple[str, ...]) -> None:
    made = encoded(asked(service_tier=tier))
    assert (made.get("service_tier"), made["losses"]) == (said, losses)


def test_users_with_long_names_get_a_short_one_that_stays() -> None:
    assert encoded(asked(user="u" * 64))["safety_identifier"] == "u" * 64
    made = encoded(asked(user="u" * 65))["safety_identifier"]
    assert len(made) == 64
    assert (
        made == encoded(asked(user="u" * 65))["safety_identifier"] != encoded(asked(user="v" * 65))["safety_identifier"]
    )


def test_breakpoints_become_a_key_that_depends_on_what_is_cached() -> None:
    def question(system: str, user: str) -> Any:
        return asked(Turn("system", (Text(system, Cache()),)), Turn("user", (Text(user),)), origin="messages")

    keys = [
        encoded(question(*texts), cache_key=True)["prompt_cache_key"] for texts in (("s", "a"), ("s", "b"), ("t", "a"))
    ]
    assert keys[0] == keys[1] != keys[2]
    assert encoded(question("s", "a"))["losses"] == ("cache_control",)
    assert encoded(asked(tools=(Tool("function", "f", cache=Cache()),)))["losses"] == ("cache_control",)


def test_a_cache_key_of_the_callers() -> None:
    assert encoded(asked(cache_key="k"), cache_key=True)["prompt_cache_key"] == "k"
    assert encoded(asked(cache_key="k"))["losses"] == ("prompt_cache_key",)


def test_the_same_question_makes_the_same_bytes_and_fields_of_the_lane_yield() -> None:
    extra = {"store": msgspec.Raw(b"true"), "x": msgspec.Raw(b"1")}
    made = encoded(asked(stream=True), extra=extra)
    assert (made["store"], made["x"], made["stream"]) == (False, 1, True)
    assert "model" not in encoded(asked(), model_in_body=False)


def test_fields_of_another_dialect_are_listed_or_refused() -> None:
    assert encoded(asked(same={"prediction": msgspec.Raw(b"{}")}))["losses"] == ("prediction",)
    with pytest.raises(GatewayError):
        encoded(asked(same={"cachedContent": msgspec.Raw(b'"x"')}, origin="gemini"))


def test_parallel_calls() -> None:
    tools = (Tool("function", "f"),)
    assert encoded(asked(tools=tools, parallel_calls=False))["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in encoded(asked(parallel_calls=False))
    assert encoded(asked(tools=tools, parallel_calls=False), parallel_flag=False)["losses"] == ("parallel_tool_calls",)


def test_an_own_question_keeps_whether_it_is_kept() -> None:
    assert "store" not in encoded(decoded()[0])
    assert encoded(decoded(store=True)[0])["store"] is True
    assert encoded(decoded(store=False)[0])["store"] is False
