"""The official SDK as a caller: `responses.stream` adds up what is written, with strict validation."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.hub.events import BlockStart, Delta, Event, Kind, Start, StopReason, Used
from fastgw.protocols.responses.dialect import DIALECT
from fastgw.usage import Usage
from tests.protocols.responses.kit import answer, block, setting

TOOLS: list[Any] = [
    {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "patch"},
]
EVENTS: list[Event] = [
    *answer(
        block(0, Kind.REASONING, "Hm", "."),
        block(1, Kind.TEXT, "Let me", " look: ä€😀"),
        block(2, Kind.TOOL_CALL, '{"a"', ":1}", id="toolu_1", name="f"),
        block(3, Kind.TOOL_CALL, '{"input":"*** x"}', id="toolu_2", name="patch"),
        stop=StopReason.TOOLS,
    ),
    Used(Usage(in_text=5, out_text=3)),
]


def asking(body: bytes, kind: str) -> OpenAI:
    """A client whose every question is answered with `body`."""
    headers = {"content-type": kind}
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, headers=headers, content=body))
    http = httpx2.Client(transport=transport)
    return OpenAI(api_key="k", base_url="http://gw.test/v1", http_client=http, _strict_response_validation=True)


@pytest.fixture
def stream() -> Iterator[bytes]:
    writer = DIALECT.writer(setting(tools=TOOLS))
    yield writer.write(EVENTS) + writer.end()


def check(response: Any) -> None:
    reasoning, message, call, custom = response.output
    assert reasoning.summary[0].text == "Hm."
    assert message.content[0].text == response.output_text == "Let me look: ä€😀"
    assert (call.name, call.arguments, call.call_id) == ("f", '{"a":1}', "call_1")
    assert (custom.name, custom.input, custom.call_id) == ("patch", "*** x", "call_2")
    assert (response.status, response.usage.total_tokens) == ("completed", 8)


def test_a_stream(stream: bytes) -> None:
    with (
        asking(stream, "text/event-stream") as client,
        client.responses.stream(model="m", input="Hello", tools=TOOLS) as events,
    ):
        texts = [event.delta for event in events if event.type == "response.output_text.delta"]
        check(events.get_final_response())
    assert texts == ["Let me", " look: ä€😀"]


def test_a_whole_answer() -> None:
    body = DIALECT.encode_answer(EVENTS, setting(tools=TOOLS))
    with asking(body, "application/json") as client:
        check(client.responses.create(model="m", input="Hello", tools=TOOLS))


def test_a_failure_in_the_middle() -> None:
    writer = DIALECT.writer(setting())
    said = writer.write([Start(), BlockStart(0, Kind.TEXT), Delta(0, "cut")])
    said += writer.fail(GatewayError(ErrorKind.UPSTREAM_CUT, "The provider stopped."))
    with asking(said, "text/event-stream") as client, client.responses.stream(model="m", input="Hello") as events:
        last = list(events)[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None and last.response.error.message == "The provider stopped."
