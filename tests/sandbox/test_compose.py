"""What the sandbox says, as values."""

from typing import Any

import jsonschema
import msgspec
import pytest

from fastgw.sandbox.compose import IMAGE_TOKENS, PREFIX, Answer, compose
from fastgw.sandbox.request import BadRequest, read

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TIME = {"type": "function", "function": {"name": "time"}}


def said(content: Any = "Hello there", *, model: str = "echo", **more: Any) -> Answer:
    messages = more.pop("messages", [{"role": "user", "content": content}])
    return compose(read(msgspec.json.encode({"model": model, "messages": messages} | more)))


def test_repeats_what_was_said_and_says_what_it_is() -> None:
    answer = said("Hello there")
    assert answer.pieces == ("[sandbox] ", "Hello ", "there")
    assert (answer.model, answer.finish_reason, answer.calls) == ("echo", "stop", ())


def test_repeats_the_last_thing_that_a_person_said() -> None:
    turns = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    assert "".join(said(messages=turns).pieces) == PREFIX + "one"
    assert "".join(said(messages=[{"role": "system", "content": "rules"}]).pieces) == PREFIX + "rules"


@pytest.mark.parametrize("chunks", [1, 2, 3, 5, 7, 50])
def test_gives_the_number_of_pieces_that_was_asked_for(chunks: int) -> None:
    answer = said("one two three four", model=f"echo:chunks={chunks}")
    assert len(answer.pieces) == chunks
    assert all(answer.pieces)
    if chunks <= 5:
        assert "".join(answer.pieces) == PREFIX + "one two three four"


def test_gives_the_number_of_words_that_was_asked_for() -> None:
    assert len("".join(said("a", model="echo:words=200").pieces).split()) == 200


def test_stops_at_the_cap() -> None:
    answer = said("one two three four", max_tokens=2)
    assert (answer.pieces, answer.finish_reason) == (("[sandbox] ", "one "), "length")


def test_counts_every_choice() -> None:
    one, three = said(), said(n=3)
    assert three.completion_tokens == 3 * one.completion_tokens
    assert three.prompt_tokens == one.prompt_tokens


def test_notices_pictures() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with_picture = said([{"type": "text", "text": "Look"}, picture])
    assert "1 part that is no text" in "".join(with_picture.pieces)
    assert with_picture.prompt_tokens == said("Look").prompt_tokens + IMAGE_TOKENS


def test_calls_tools_when_the_model_does() -> None:
    answer = said(model="tools", tools=[WEATHER])
    assert [(call.name, call.arguments) for call in answer.calls] == [("weather", '{"city":"sandbox"}')]
    assert (answer.finish_reason, answer.pieces) == ("tool_calls", ())
    assert not said(model="tools").calls
    assert not said(model="tools", tools=[WEATHER], tool_choice="none").calls


def test_calls_tools_when_the_caller_insists() -> None:
    assert not said(tools=[WEATHER]).calls
    assert [call.name for call in said(tools=[WEATHER], tool_choice="required").calls] == ["weather"]
    chosen = {"type": "function", "function": {"name": "time"}}
    assert [call.name for call in said(tools=[WEATHER, TIME], tool_choice=chosen).calls] == ["time"]
    with pytest.raises(BadRequest):
        said(tools=[WEATHER], tool_choice=chosen)


def test_calls_several_tools_in_turn() -> None:
    answer = said(model="tools:tools=3", tools=[WEATHER, TIME])
    assert [call.name for call in answer.calls] == ["weather", "time", "weather"]


def test_answers_in_words_once_a_tool_has_answered() -> None:
    messages = [{"role": "user", "content": "?"}, {"role": "tool", "tool_call_id": "1", "content": "sunny"}]
    answer = said(messages=messages, model="tools", tools=[WEATHER])
    assert "".join(answer.pieces) == PREFIX + "sunny"


def test_keeps_to_a_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer = said(response_format=form)
    jsonschema.validate(msgspec.json.decode("".join(answer.pieces)), schema)
    assert msgspec.json.decode("".join(said("Hi", response_format={"type": "json_object"}).pieces)) == {"sandbox": "Hi"}


def test_refuses_what_would_be_too_long() -> None:
    with pytest.raises(BadRequest):
        said(model="echo:words=100000", n=16)
    with pytest.raises(BadRequest):
        said(model="echo:words=100000", logprobs=True, top_logprobs=20)


def test_a_knob_that_does_not_exist_is_the_callers_mistake() -> None:
    with pytest.raises(BadRequest, match="no knob"):
        said(model="echo:nonsense=1")
