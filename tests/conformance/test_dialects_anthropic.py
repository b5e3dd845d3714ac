"""Anthropic's SDK for Python, with its accumulator, in both versions of the API, before providers of four dialects."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.cells.scenarios import SEAL
from tests.conformance.dialects import FINE, LOOK, PROVIDERS, RESULTS, TEXT, THOUGHT, asked, model
from tests.fakes import FakeProvider, Scene, Trouble
from tests.fakes.gateway import Gateway
from tests.fakes.scene import Tokens

pytestmark = pytest.mark.parametrize("dialect", PROVIDERS)

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
TOOLS: list[Any] = [
    {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"name": "time", "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}}},
]


@pytest.fixture
def provider(four: tuple[Gateway, FakeProvider]) -> FakeProvider:
    return four[1]


@pytest.fixture(scope="module", params=["2026-10-21", "2023-06-01"])
def client(_four: tuple[Gateway, FakeProvider], request: pytest.FixtureRequest) -> Iterator[Anthropic]:
    gateway = _four[0]
    headers = {} if request.param == "2026-10-21" else {"anthropic-version": request.param}
    with Anthropic(
        base_url=gateway.url,
        api_key=gateway.key,
        max_retries=0,
        default_headers=headers,
        _strict_response_validation=True,
    ) as made:
        yield made


def test_messages(client: Anthropic, provider: FakeProvider, dialect: str) -> None:
    provider.always(Scene(tokens=Tokens(11, 5, 0, 7, 0)))
    whole = client.messages.create(model=model(dialect), messages=HELLO, max_tokens=64)
    with client.messages.stream(model=model(dialect), messages=HELLO, max_tokens=64) as stream:
        pieces = list(stream.text_stream)
        gathered = stream.get_final_message()
    assert "".join(pieces) == TEXT
    for one in (whole, gathered):
        assert [block.type for block in one.content] == ["text"]
        assert one.content[0].type == "text"
        assert (one.content[0].text, one.stop_reason) == (TEXT, "end_turn")
        assert (one.usage.input_tokens, one.usage.cache_read_input_tokens, one.usage.output_tokens) == (11, 5, 7)
    first, second = asked(provider, dialect)
    assert (first.text, first.cap, second.text) == ("Hello", 64, "Hello")


def test_tools_in_two_turns(client: Anthropic, provider: FakeProvider, dialect: str) -> None:
    provider.next(LOOK, FINE)
    asking: dict[str, Any] = {"model": model(dialect), "tools": TOOLS, "max_tokens": 4_096}
    asking["thinking"] = {"type": "enabled", "budget_tokens": 2_048}
    with client.messages.stream(messages=HELLO, **asking) as stream:
        told = stream.get_final_message()
    # A seal of Gemini's lies on a call, and is carried by a block before it.
    kinds = [block.type for block in told.content if block.type != "redacted_thinking"]
    assert kinds == ["thinking", "text", "tool_use", "tool_use"]
    assert told.content[0].type == "thinking"
    assert told.content[0].thinking == THOUGHT
    calls = [block for block in told.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": text}
        for call, text in zip(calls, RESULTS, strict=True)
    ]
    turns: list[Any] = [{"role": "assistant", "content": told.content}, {"role": "user", "content": results}]
    last = client.messages.create(messages=[*HELLO, *turns], **asking)
    assert last.content[0].type == "text"
    assert last.content[0].text == "Sunny, and noon."
    second = asked(provider, dialect)[1]
    assert [name for _, name, _ in second.calls] == ["weather", "time"]
    assert [text for _, text in second.results] == RESULTS
    assert [one[0] for one in second.results] == [one[0] for one in second.calls]
    assert second.seals == ([] if dialect == "chat" else [SEAL])


def test_count_tokens(client: Anthropic, dialect: str) -> None:
    told = client.messages.count_tokens(model=model(dialect), messages=HELLO)
    assert told.input_tokens > 0


def test_models(client: Anthropic, dialect: str) -> None:
    first = client.models.list(limit=1)
    assert len(first.data) == 1
    assert model(dialect) in [one.id for one in client.models.list(limit=2)]
    assert client.models.retrieve(model(dialect)).id == model(dialect)


def test_errors(client: Anthropic, provider: FakeProvider, dialect: str) -> None:
    provider.always(Trouble(500))
    with pytest.raises(anthropic.InternalServerError) as failed:
        client.messages.create(model=model(dialect), messages=HELLO, max_tokens=64)
    body: Any = failed.value.body
    assert body["type"] == "error"
    provider.always(Trouble(400, "The word 'bad' is not allowed."))
    with pytest.raises(anthropic.BadRequestError, match="'bad' is not allowed"):
        client.messages.create(model=model(dialect), messages=HELLO, max_tokens=64)


def test_a_stream_that_breaks_off(client: Anthropic, provider: FakeProvider, dialect: str) -> None:
    provider.next(Scene(fails="error"))
    with (
        pytest.raises(anthropic.APIError),
        client.messages.stream(model=model(dialect), messages=HELLO, max_tokens=64) as stream,
    ):
        stream.get_final_message()


def test_the_gateways_own_errors(client: Anthropic, provider: FakeProvider, dialect: str) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model=f"{dialect}/no-such-model", messages=HELLO, max_tokens=64)
    wrong = client.with_options(api_key="sk-wrong")
    with pytest.raises(anthropic.AuthenticationError) as refused:
        wrong.messages.create(model=model(dialect), messages=HELLO, max_tokens=64)
    body: Any = refused.value.body
    assert body["error"]["type"] == "authentication_error"
    assert not provider.requests
