"""OpenAI's SDK for Python, with its strict accumulators, before providers of four dialects."""

from collections.abc import Iterator
from typing import Any

import pytest
from openai import APIError, InternalServerError, OpenAI

from tests.cells.scenarios import SEAL
from tests.conformance import spec
from tests.conformance.dialects import FINE, LOOK, PLACE, PROVIDERS, RESULTS, TEXT, THOUGHT, Place, asked, model
from tests.fakes import FakeProvider, Scene
from tests.fakes.gateway import Gateway
from tests.fakes.scene import Tokens

pytestmark = pytest.mark.parametrize("dialect", PROVIDERS)

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
WEATHER: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TIME: dict[str, Any] = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
CHAT_TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "time", "parameters": TIME}},
]
TOOLS: list[Any] = [
    {"type": "function", "name": "weather", "parameters": WEATHER, "strict": False},
    {"type": "function", "name": "time", "parameters": TIME, "strict": False},
]


@pytest.fixture
def provider(four: tuple[Gateway, FakeProvider]) -> FakeProvider:
    return four[1]


@pytest.fixture(scope="module")
def client(_four: tuple[Gateway, FakeProvider]) -> Iterator[OpenAI]:
    gateway = _four[0]
    with OpenAI(
        base_url=gateway.base_url, api_key=gateway.key, max_retries=0, _strict_response_validation=True
    ) as made:
        yield made


def test_chat(client: OpenAI, provider: FakeProvider, dialect: str) -> None:
    provider.always(Scene(tokens=Tokens(11, 5, 0, 7, 0)))
    raw = client.chat.completions.with_raw_response.create(model=model(dialect), messages=HELLO)
    if dialect != "chat":
        spec.assert_valid(raw.http_response.json(), "CreateChatCompletionResponse")
    options: Any = {"include_usage": True}
    with client.chat.completions.stream(model=model(dialect), messages=HELLO, stream_options=options) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        gathered = stream.get_final_completion()
    assert "".join(pieces) == TEXT
    for one in (raw.parse(), gathered):
        assert (one.choices[0].message.content, one.choices[0].finish_reason) == (TEXT, "stop")
        assert one.usage is not None
        assert one.usage.prompt_tokens_details is not None
        assert (one.usage.prompt_tokens, one.usage.prompt_tokens_details.cached_tokens) == (16, 5)
        assert (one.usage.completion_tokens, one.usage.total_tokens) == (7, 23)
    assert [one.text for one in asked(provider, dialect)] == ["Hello"] * 2


def test_chat_without_usage(client: OpenAI, dialect: str) -> None:
    chunks = list(client.chat.completions.create(model=model(dialect), messages=HELLO, stream=True))
    # Who did not ask for usage gets no chunk without a choice, and no usage.
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert all(chunk.usage is None for chunk in chunks)


def test_chat_tools_in_two_turns(client: OpenAI, provider: FakeProvider, dialect: str) -> None:
    provider.next(LOOK, FINE)
    asking: dict[str, Any] = {"model": model(dialect), "tools": CHAT_TOOLS, "reasoning_effort": "high"}
    with client.chat.completions.stream(messages=HELLO, **asking) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.content == "Let me look."
    assert message.model_extra is not None
    assert message.model_extra["reasoning_content"] == THOUGHT
    calls = message.tool_calls or []
    assert [call.function.name for call in calls] == ["weather", "time"]
    turn: Any = message.model_dump(exclude_none=True, exclude={"parsed": True})
    for call in turn["tool_calls"]:
        call["function"].pop("parsed_arguments", None)
        # The accumulator leaves it there, and the API refuses it.
        call.pop("index", None)
    results: list[Any] = [
        {"role": "tool", "tool_call_id": c.id, "content": t} for c, t in zip(calls, RESULTS, strict=True)
    ]
    last = client.chat.completions.create(messages=[*HELLO, turn, *results], **asking)
    assert last.choices[0].message.content == "Sunny, and noon."
    assert_second(provider, dialect)


def test_chat_parse(client: OpenAI, provider: FakeProvider, dialect: str) -> None:
    provider.next(PLACE)
    told = client.chat.completions.parse(model=model(dialect), messages=HELLO, response_format=Place)
    assert told.choices[0].message.parsed == Place(city="Paris", people=2_100_000)
    (one,) = asked(provider, dialect)
    assert set(one.schema["properties"]) == {"city", "people"}


def test_responses(client: OpenAI, provider: FakeProvider, dialect: str) -> None:
    provider.always(Scene(tokens=Tokens(11, 5, 0, 7, 0)))
    whole = client.responses.create(model=model(dialect), input="Hello", store=False)
    with client.responses.stream(model=model(dialect), input="Hello", store=False) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        gathered = stream.get_final_response()
    assert "".join(pieces) == TEXT
    for one in (whole, gathered):
        assert (one.status, one.output_text) == ("completed", TEXT)
        assert one.usage is not None
        assert (one.usage.input_tokens, one.usage.input_tokens_details.cached_tokens) == (16, 5)
        assert (one.usage.output_tokens, one.usage.total_tokens) == (7, 23)
    assert [one.text for one in asked(provider, dialect)] == ["Hello"] * 2


def test_responses_tools_in_two_turns(client: OpenAI, provider: FakeProvider, dialect: str) -> None:
    provider.next(LOOK, FINE)
    asking: dict[str, Any] = {"model": model(dialect), "tools": TOOLS, "store": False}
    asking |= {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    with client.responses.stream(input=HELLO, **asking) as stream:
        told = stream.get_final_response()
    assert told.output[0].type == "reasoning"
    # A seal of Gemini's lies on a call, and is carried by an item before it.
    kinds = [item.type for item in told.output if item.type != "reasoning"]
    assert kinds == ["message", "function_call", "function_call"]
    turn: list[Any] = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in told.output]
    calls = [item for item in told.output if item.type == "function_call"]
    results: list[Any] = [
        {"type": "function_call_output", "call_id": call.call_id, "output": text}
        for call, text in zip(calls, RESULTS, strict=True)
    ]
    assert client.responses.create(input=[*HELLO, *turn, *results], **asking).output_text == "Sunny, and noon."
    if dialect != "responses":
        assert_second(provider, dialect)


def test_responses_parse(client: OpenAI, provider: FakeProvider, dialect: str) -> None:
    provider.next(PLACE)
    told = client.responses.parse(model=model(dialect), input="Where?", text_format=Place, store=False)
    assert told.output_parsed == Place(city="Paris", people=2_100_000)


def test_input_tokens(client: OpenAI, dialect: str) -> None:
    told = client.responses.input_tokens.count(model=model(dialect), input="Hello")
    assert told.input_tokens > 0


def test_completions(client: OpenAI, dialect: str) -> None:
    told = client.completions.create(model=model(dialect), prompt="Hello", max_tokens=64)
    assert (told.choices[0].text, told.choices[0].finish_reason) == (TEXT, "stop")
    loose = client.with_options()
    loose._strict_response_validation = False
    chunks = list(loose.completions.create(model=model(dialect), prompt="Hello", max_tokens=64, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == TEXT


def test_models(client: OpenAI, dialect: str) -> None:
    assert model(dialect) in [one.id for one in client.models.list()]
    assert client.models.retrieve(model(dialect)).id == model(dialect)


def test_a_stream_that_breaks_off(client: OpenAI, provider: FakeProvider, dialect: str) -> None:
    provider.next(Scene(fails="cut"), Scene(fails="error"))
    with pytest.raises(APIError):
        list(client.chat.completions.create(model=model(dialect), messages=HELLO, stream=True))
    told = []
    try:
        with client.responses.stream(model=model(dialect), input="Hello") as stream:
            told = [event.type for event in stream]
    except APIError:
        told.append("error")
    assert told[-1] in {"error", "response.failed"}
    assert "response.completed" not in told


def test_an_error_before_the_answer(client: OpenAI, provider: FakeProvider, dialect: str) -> None:
    provider.always(Scene(fails="error"))
    with pytest.raises(InternalServerError):
        client.chat.completions.create(model=model(dialect), messages=HELLO)
    if dialect != "responses":
        with pytest.raises(InternalServerError):
            client.responses.create(model=model(dialect), input="Hello")


def assert_second(provider: FakeProvider, dialect: str) -> None:
    """The second question holds the calls with their results, and the seal as it was."""
    second = asked(provider, dialect)[1]
    assert [name for _, name, _ in second.calls] == ["weather", "time"]
    assert [text for _, text in second.results] == RESULTS
    assert [one[0] for one in second.results] == [one[0] for one in second.calls]
    assert second.seals == ([] if dialect == "chat" else [SEAL])
