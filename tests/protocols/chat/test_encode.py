"""The settings of a question for a lane: sent, lowered, left out with a signal, or refused."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Cache, Conversation, Format, Sampling, Text
from tests.protocols.chat.ask import asked, lane, sent, turn


def fields(question: Conversation, **abilities: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    body, losses = sent(question, lane(**abilities))
    return {name: body[name] for name in body if name not in ("model", "messages")}, losses


def tuned(origin: str = "messages", **said: Any) -> Conversation:
    return asked(origin=origin, sampling=Sampling(**said))


def test_the_models_name_is_the_lanes() -> None:
    assert sent(asked(), lane())[0]["model"] == "up"
    assert "model" not in sent(asked(), lane(model_in_body=False))[0]


@pytest.mark.parametrize("asks", [True, False])
def test_usage_of_a_stream_is_asked_for_where_that_is_known(asks: bool) -> None:
    body, _ = fields(asked(stream=True), stream_usage=asks)
    assert body == {"stream": True} | ({"stream_options": {"include_usage": True}} if asks else {})


@pytest.mark.parametrize(("abilities", "expected", "losses"), [
    ({}, {"max_completion_tokens": 500}, ()),
    ({"output_cap": "max_tokens"}, {"max_tokens": 500}, ()),
    ({"output_max": 100}, {"max_completion_tokens": 100}, ("max_tokens",)),
])  # fmt: skip
def test_caps(abilities: dict[str, Any], expected: dict[str, int], losses: tuple[str, ...]) -> None:
    assert fields(asked(output_cap=500), **abilities) == (expected, losses)


@pytest.mark.parametrize(("said", "abilities", "expected", "losses"), [
    ({"temperature": 0.0, "top_p": 0.0}, {}, {"temperature": 0.0, "top_p": 0.0}, ()),
    ({"temperature": 1.5}, {"temperature_max": 1.0}, {"temperature": 1.0}, ("temperature",)),
    ({"temperature": 0.5, "top_p": 0.5}, {"temperature_and_top_p": False}, {"temperature": 0.5}, ("top_p",)),
    ({"top_p": 0.5}, {"temperature_and_top_p": False}, {"top_p": 0.5}, ()),
    ({"temperature": 0.5, "seed": 1}, {"sampling": False}, {}, ("temperature", "seed")),
    ({"top_k": 5}, {}, {}, ("top_k",)),
    ({"seed": 1}, {"seed": "random_seed"}, {"random_seed": 1}, ()),
    ({"seed": 1}, {"seed": ""}, {}, ("seed",)),
    ({"stop": ("a", "b")}, {}, {"stop": ["a", "b"]}, ()),
    ({"stop": ("a", "b")}, {"stop_max": 1}, {"stop": ["a"]}, ("stop_sequences",)),
    ({"stop": ("a",)}, {"stop_max": 0}, {}, ("stop_sequences",)),
    ({"n": 1}, {"choices": False}, {}, ()),
    ({"logprobs": True, "top_logprobs": 2}, {}, {"logprobs": True, "top_logprobs": 2}, ()),
    ({"logprobs": True, "top_logprobs": 2}, {"logprobs": False}, {}, ("logprobs", "top_logprobs")),
    ({"logit_bias": '{"5":1}'}, {}, {"logit_bias": {"5": 1}}, ()),
    ({"logit_bias": '{"5":1}'}, {"sampling": False}, {}, ("logit_bias",)),
])  # fmt: skip
def test_sampling(said: Any, abilities: Any, expected: dict[str, Any], losses: tuple[str, ...]) -> None:
    assert fields(tuned(**said), **abilities) == (expected, losses)


def test_several_answers_are_refused_where_there_is_one() -> None:
    assert fields(tuned(n=2))[0] == {"n": 2}
    with pytest.raises(GatewayError) as caught:
        fields(tuned("gemini", n=2), choices=False)
    assert caught.value.param == "generationConfig.candidateCount"


SCHEMA = Format("json_schema", "n", '{"type":"object"}', True, "d")


def test_a_schema_where_it_is_native() -> None:
    schema = {"name": "n", "description": "d", "schema": {"type": "object"}, "strict": True}
    body, losses = fields(asked(format=SCHEMA))
    assert (body["response_format"], losses) == ({"type": "json_schema", "json_schema": schema}, ())
    nameless = asked(format=Format("json_schema", schema="{}"))
    assert fields(nameless)[0]["response_format"]["json_schema"]["name"] == "answer"


@pytest.mark.parametrize("ability", ["object", "none"])
def test_a_schema_where_it_is_not_is_asked_for_in_words(ability: str) -> None:
    question = asked(turn("system", Text("s")), turn("user", Text("u")), format=SCHEMA)
    body, losses = sent(question, lane(json_schema=ability))
    assert body.get("response_format") == ({"type": "json_object"} if ability == "object" else None)
    assert [message["role"] for message in body["messages"]] == ["system", "system", "user"]
    assert '{"type":"object"}' in body["messages"][1]["content"]
    assert losses == ("output_config.format",)


def test_an_object_of_another_dialect_speaks_of_json_because_openai_demands_it() -> None:
    body, losses = sent(asked(origin="gemini", format=Format("json_object")), lane())
    assert (body["response_format"], losses) == ({"type": "json_object"}, ())
    assert "JSON" in body["messages"][0]["content"]
    assert len(sent(asked(origin="chat", format=Format("json_object")), lane())[0]["messages"]) == 1


def test_named_settings_and_a_lane_that_refuses_some() -> None:
    question = asked(verbosity="low", user="u", service_tier="flex", origin="responses")
    assert fields(question) == ({"verbosity": "low", "user": "u", "service_tier": "flex"}, ())
    long = fields(msgspec.structs.replace(question, user="u" * 150))[0]["user"]
    assert (len(long), long == fields(msgspec.structs.replace(question, user="u" * 150))[0]["user"]) == (64, True)
    assert fields(question, lacks=("user", "verbosity")) == ({"service_tier": "flex"}, ("user", "text.verbosity"))


def test_the_cache_key() -> None:
    assert fields(asked(cache_key="k"), cache_key=True)[0] == {"prompt_cache_key": "k"}
    assert fields(asked(origin="chat", cache_key="k")) == ({}, ("prompt_cache_key",))
    assert fields(asked(), cache_key=True)[0] == {}


def test_breakpoints_become_a_key_that_stays_the_same_over_the_turns_of_a_conversation() -> None:
    first = (turn("system", Text("s", Cache())), turn("user", Text("u")))
    later = (*first, turn("assistant", Text("a")), turn("user", Text("v")))
    other = (turn("system", Text("s", Cache())), turn("user", Text("w")))
    keys = [fields(asked(*turns), cache_key=True)[0]["prompt_cache_key"] for turns in (first, later, other)]
    assert keys[0] == keys[1] != keys[2]


def test_fields_of_the_callers_own_dialect() -> None:
    same = {"metadata": msgspec.Raw(b'{"a": 1}')}
    assert fields(asked(origin="chat", same=same)) == ({"metadata": {"a": 1}}, ())
    assert fields(asked(origin="messages", same=same)) == ({}, ("metadata",))
    with pytest.raises(GatewayError, match="cachedContent"):
        fields(asked(origin="gemini", same={"cachedContent": msgspec.Raw(b'"x"')}))


def test_the_lanes_own_fields_yield_to_the_callers() -> None:
    extra = {"temperature": msgspec.Raw(b"0.7"), "top_k": msgspec.Raw(b"5")}
    assert fields(tuned(temperature=0.1), extra=extra)[0] == {"temperature": 0.1, "top_k": 5}


def test_the_same_question_gives_the_same_bytes() -> None:
    question = asked(turn("system", Text("s")), turn("user", Text("u")), format=SCHEMA, sampling=Sampling(seed=1))
    assert sent(question, lane()) == sent(question, lane())
