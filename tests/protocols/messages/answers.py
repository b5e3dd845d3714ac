"""Answers of a provider of Messages, as the tests write them: whole ones, and as streams."""

import json
from typing import Any

Event = dict[str, Any]


def frames(*events: Event) -> bytes:
    """The bytes of a stream."""
    return b"".join(b"event: %s\ndata: %s\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


def begun(**usage: Any) -> Event:
    """`message_start`."""
    message: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1} | usage}
    return {"type": "message_start", "message": message}


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any], stop: bool = True) -> list[Event]:
    """One block: its start, its deltas, its stop."""
    events: list[Event] = [{"type": "content_block_start", "index": index, "content_block": start}]
    events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [*events, {"type": "content_block_stop", "index": index}] if stop else events


def text(index: int, *pieces: str) -> list[Event]:
    """A text block."""
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return block(index, {"type": "text", "text": ""}, *deltas)


def thinking(index: int, words: str, signature: str) -> list[Event]:
    """A thinking block."""
    deltas = [{"type": "thinking_delta", "thinking": words}, {"type": "signature_delta", "signature": signature}]
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas)


def tool(index: int, name: str, *pieces: str, **start: Any) -> list[Event]:
    """A call."""
    made = {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": {}} | start
    return block(index, made, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def ended(reason: str = "end_turn", sequence: str | None = None, **usage: Any) -> list[Event]:
    """The reason, the usage and the end mark."""
    delta = {"stop_reason": reason, "stop_sequence": sequence}
    return [
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 30} | usage},
        {"type": "message_stop"},
    ]


def whole(*content: dict[str, Any], reason: str = "end_turn", **more: Any) -> bytes:
    """A unary answer."""
    message = begun()["message"] | {"content": list(content), "stop_reason": reason} | more
    return json.dumps(message, indent=1).encode()
