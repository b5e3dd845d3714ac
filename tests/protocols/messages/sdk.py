"""Anthropic's own SDK as the judge of answers: its accumulator of streams, its types, strictly."""

import json
from typing import Any

from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.parsed_message import ParsedMessage
from pydantic import TypeAdapter

from fastgw.protocols.sse import named, payload, split_events

_EVENTS: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)


def accumulated(data: bytes) -> Message:
    """The message that the SDK makes of a stream. Each event is of its types, as the JSON says it."""
    snapshot: ParsedMessage[None] | None = None
    buffers: dict[int, bytes] = {}
    for event in split_events(data):
        content = payload(event)
        assert named(event).decode() == json.loads(content)["type"], "each event is named like its type"
        read = _EVENTS.validate_json(content, strict=True)
        snapshot = accumulate_event(event=read, current_snapshot=snapshot, json_bufs=buffers)
    assert snapshot is not None
    return Message.model_validate(snapshot.model_dump(), strict=True)


def message(data: bytes) -> Message:
    """A whole answer, of the SDK's types."""
    return Message.model_validate_json(data, strict=True)


def events(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream as JSON."""
    return [json.loads(payload(event)) for event in split_events(data)]


def assert_invariants(data: bytes) -> None:
    """What clients rely on beyond the types: order, dense indices, nothing empty, nothing overlapping."""
    said = events(data)
    kinds = [event["type"] for event in said]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert [kinds.count(kind) for kind in ("message_start", "message_delta", "message_stop")] == [1, 1, 1]
    assert said[0]["message"]["content"] == []
    assert said[0]["message"]["usage"]["output_tokens"] in (0, 1)
    opened: dict[str, Any] | None = None
    deltas: list[dict[str, Any]] = []
    index = 0
    for event in said[1:-2]:
        assert event["index"] == index
        if event["type"] == "content_block_start":
            assert opened is None
            opened, deltas = event["content_block"], []
            assert opened is not None
            if opened["type"] == "tool_use":
                assert opened["input"] == {}
            if opened["type"] == "thinking":
                assert (opened["thinking"], opened["signature"]) == ("", "")
        elif event["type"] == "content_block_delta":
            assert opened is not None
            deltas.append(event["delta"])
        else:
            assert event["type"] == "content_block_stop"
            assert opened is not None
            _assert_block(opened, deltas)
            opened = None
            index += 1
    assert opened is None


def _assert_block(opened: dict[str, Any], deltas: list[dict[str, Any]]) -> None:
    kinds = [delta["type"] for delta in deltas]
    for delta in deltas:
        assert all(delta.values()), "nothing in a delta is empty"
    match opened["type"]:
        case "text":
            assert "text_delta" in kinds, "no text block is empty"
            assert set(kinds) <= {"text_delta", "citations_delta"}
        case "thinking":
            assert set(kinds[:-1]) <= {"thinking_delta"}
            assert set(kinds[-1:]) <= {"thinking_delta", "signature_delta"}
            assert kinds
        case "tool_use" | "server_tool_use":
            assert set(kinds) <= {"input_json_delta"}
        case _:
            assert not kinds
