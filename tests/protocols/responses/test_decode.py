"""The top level of a request: every field is mapped, kept for its own dialect, or listed."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Format, Sampling, Text, Thinking, ToolChoice, Turn
from fastgw.protocols.hub.losses import Losses
from tests.protocols.responses.kit import decoded


def test_a_bare_text() -> None:
    conversation, losses = decoded(input="Hi", instructions="Be brief.")
    assert [(turn.role, turn.parts, turn.plain) for turn in conversation.turns] == [
        ("system", (Text("Be brief."),), True),
        ("user", (Text("Hi"),), True),
    ]
    assert (conversation.origin, losses, conversation.same) == ("responses", (), {})


def test_what_other_dialects_know_too() -> None:
    shape = {"type": "json_schema", "name": "n", "schema": {"b": 1, "a": 2}, "strict": True}
    conversation, losses = decoded(
        stream=True, temperature=0, top_p=0.5, top_logprobs=3, max_output_tokens=7, parallel_tool_calls=False,
        include=["reasoning.encrypted_content", "message.output_text.logprobs"], store=False, user="u",
        prompt_cache_key="k", service_tier="flex", tool_choice="required",
        reasoning={"effort": "xhigh", "summary": "auto"},
        text={"verbosity": "low", "format": shape},
    )  # fmt: skip
    assert conversation.sampling == Sampling(temperature=0.0, top_p=0.5, logprobs=True, top_logprobs=3)
    assert conversation.thinking == Thinking("", "xhigh", show=True, summary="auto")
    assert conversation.format == Format("json_schema", "n", '{"b":1,"a":2}', True)
    assert (conversation.output_cap, conversation.parallel_calls, conversation.stream) == (7, False, True)
    assert (conversation.stateless, conversation.seals, conversation.verbosity) == (True, True, "low")
    assert (conversation.user, conversation.cache_key, conversation.service_tier) == ("u", "k", "flex")
    assert conversation.tool_choice == ToolChoice("required")
    assert (conversation.same, losses) == ({}, ())


def test_none_of_effort_switches_reasoning_off() -> None:
    assert decoded(reasoning={"effort": "none"})[0].thinking == Thinking("off", "none")


def test_null_is_unsaid() -> None:
    names = ("temperature", "top_p", "reasoning", "text", "tools", "tool_choice", "store", "include", "metadata",
             "user", "instructions", "max_output_tokens", "truncation", "previous_response_id")  # fmt: skip
    assert decoded(**dict.fromkeys(names))[0] == decoded()[0]


SAME: list[dict[str, Any]] = [
    {"store": True},
    {"metadata": {"a": "b"}},
    {"truncation": "auto"},
    {"max_tool_calls": 3},
    {"client_metadata": {"x": "y"}},
    {"stream_options": {"include_obfuscation": False}},
    {"tool_choice": {"type": "mcp", "server_label": "s"}},
]


@pytest.mark.parametrize("given", SAME)
def test_what_only_its_own_dialect_knows_is_kept_and_lost_elsewhere(given: dict[str, Any]) -> None:
    (name,) = given
    same = decoded(**given)[0].same
    assert {key: msgspec.json.decode(raw) for key, raw in same.items()} == given
    losses = Losses()
    losses.foreign(same)
    assert losses.paths == (name,)


def test_parts_of_fields_are_lost_by_their_own_path() -> None:
    same = decoded(reasoning={"effort": "low", "context": "all_turns"}, include=["web_search_call.results"])[0].same
    assert list(same) == ["include", "reasoning.context"]


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt", "background"])
def test_what_a_provider_must_keep_is_refused_elsewhere(name: str) -> None:
    same = decoded(**{name: True if name == "background" else "x"})[0].same
    with pytest.raises(GatewayError) as caught:
        Losses().foreign(same)
    assert (caught.value.param, caught.value.status) == (name, 400)
    assert "only a provider that speaks Responses" in caught.value.message


def test_in_the_foreground_is_where_everyone_answers() -> None:
    assert decoded(background=False)[0].same == {}


def test_both_names_of_the_user() -> None:
    conversation, _ = decoded(user="a", safety_identifier="b")
    assert (conversation.user, list(conversation.same)) == ("b", ["user"])


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"include": "x"}, "include"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"input": [{"role": "robot", "content": ""}]}, "input[0].role"),
        ({"background": "yes"}, "background"),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(**given)
    assert (caught.value.param, caught.value.status) == (param, 400)


def test_an_unknown_field_of_text_is_listed() -> None:
    conversation, losses = decoded(text={"verbosity": "low", "tone": "warm"})
    assert (conversation.verbosity, losses) == ("low", ("text.tone",))


def test_turns_are_values() -> None:
    assert decoded(input=[{"role": "user", "content": "a"}])[0].turns == (Turn("user", (Text("a"),), plain=True),)
