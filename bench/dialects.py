"""The same question and answer in four dialects, for the measure of every cell: asked in the one, answered in another.

The plan of a stream stands in the text of the last message: that is what every translation hands on unchanged.
"""

import re
from typing import Any, Final

import msgspec

from bench import payloads

MODEL: Final = payloads.MODEL
NAMES: Final = ("chat", "responses", "messages", "gemini")

_PLAN = re.compile(rb"events=(\d+);pace=(\d+)")
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_TEXT = "With pleasure. Both books are set aside under your name at the desk, from Friday noon on. " * 4
_encode = msgspec.json.encode


class Script(msgspec.Struct, frozen=True):
    """What a provider of one dialect answers."""

    answer: bytes
    """A whole answer of about 1 KB."""
    head: bytes
    """Events before the first delta."""
    event: bytes
    """One delta with a place for its stamp, about 250 bytes where the dialect allows."""
    end: bytes
    """What closes the stream."""

    def stamped(self, stamp_us: int) -> bytes:
        """One delta, sent at this moment."""
        return self.event % stamp_us


class Asking(msgspec.Struct, frozen=True):
    """How a caller of one dialect asks, and how it knows an answer."""

    path: str
    path_stream: str
    stamp: bytes
    """Precedes the digits of a stamp in every delta, and in nothing else."""
    end_mark: bytes
    usage_mark: bytes


ASKING: Final[dict[str, Asking]] = {
    "chat": Asking("/v1/chat/completions", "/v1/chat/completions", payloads.STAMP, b"[DONE]", b'"completion_tokens"'),
    "responses": Asking("/v1/responses", "/v1/responses", b'"delta":"t=', b"response.completed", b'"output_tokens"'),
    "messages": Asking("/v1/messages", "/v1/messages", b'"text":"t=', b"message_stop", b'"output_tokens"'),
    "gemini": Asking(
        "/v1beta/models/{model}:generateContent",
        "/v1beta/models/{model}:streamGenerateContent?alt=sse",
        b'"text":"t=',
        b'"finishReason"',
        b'"candidatesTokenCount"',
    ),
}


def request_body(dialect: str, model: str, *, events: int = 0, pace: int = 0) -> bytes:
    """The benchmark's conversation of about 1.5 KB in a dialect; a streaming one when `events` is given."""
    asked = msgspec.json.decode(payloads.request_body())["messages"]
    system, turns = asked[0]["content"], asked[1:]
    if events:
        turns[-1]["content"] += f" (events={events};pace={pace})"
    streams = {"stream": True} if events else {}
    body: dict[str, Any]
    match dialect:
        case "chat":
            options = {"stream_options": {"include_usage": True}} if events else {}
            body = {"model": model, "messages": asked, "max_tokens": 4096, "temperature": 0.7, **streams, **options}
        case "responses":
            body = {"model": model, "instructions": system, "input": turns, "max_output_tokens": 4096, "store": False}
            body |= {"temperature": 0.7, **streams}
        case "messages":
            body = {"model": model, "system": system, "messages": turns, "max_tokens": 4096, "temperature": 0.7}
            body |= streams
        case _:
            roles = {"user": "user", "assistant": "model"}
            contents = [{"role": roles[turn["role"]], "parts": [{"text": turn["content"]}]} for turn in turns]
            body = {
                "systemInstruction": {"parts": [{"text": system}]},
                "contents": contents,
                "generationConfig": {"maxOutputTokens": 4096, "temperature": 0.7},
            }
    return _encode(body)


def plan(target: bytes, request: bytes) -> tuple[int, int] | None:
    """Events and events a second that a request asks for; None if it does not ask for a stream."""
    if b":streamGenerateContent" not in target and _STREAM.search(request) is None:
        return None
    found = _PLAN.search(request)
    return (int(found[1]), int(found[2])) if found else (20, 50)


def spoken_at(target: bytes) -> str | None:
    """The dialect of a provider's path; None for any other."""
    path = target.partition(b"?")[0]
    for ending, dialect in ((b"/chat/completions", "chat"), (b"/responses", "responses"), (b"/messages", "messages")):
        if path.endswith(ending):
            return dialect
    return "gemini" if path.endswith((b":generateContent", b":streamGenerateContent")) else None


def _named(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\n".encode() + b"data: " + _encode({"type": name, **data}) + b"\n\n"


def _responses() -> Script:
    usage = {
        "input_tokens": 431,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 118,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 549,
    }
    part = {"type": "output_text", "text": _TEXT, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    whole: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": "completed",
        "error": None,
    }
    whole |= {"incomplete_details": None, "model": payloads.MODEL, "output": [item], "usage": usage, "tools": []}
    begun: dict[str, Any] = whole | {"status": "in_progress", "output": [], "usage": None}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": []}
    head = (
        _named("response.created", {"sequence_number": 0, "response": begun})
        + _named("response.in_progress", {"sequence_number": 1, "response": begun})
        + _named(
            "response.output_item.added", {"sequence_number": 2, "output_index": 0, "item": item | {"content": []}}
        )
        + _named("response.content_part.added", {"sequence_number": 3, **at, "part": empty})
    )
    delta = _named("response.output_text.delta", {"sequence_number": 4, **at, "delta": "t=STAMP word", "logprobs": []})
    end = (
        _named("response.output_text.done", {"sequence_number": 5, **at, "text": _TEXT, "logprobs": []})
        + _named("response.content_part.done", {"sequence_number": 6, **at, "part": part})
        + _named("response.output_item.done", {"sequence_number": 7, "output_index": 0, "item": item})
        + _named("response.completed", {"sequence_number": 8, "response": whole})
    )
    return Script(_encode(whole), head, _template(delta), end)


def _messages() -> Script:
    usage = {"input_tokens": 431, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 118}
    whole: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": payloads.MODEL,
        "stop_sequence": None,
    }
    whole |= {"content": [{"type": "text", "text": _TEXT}], "stop_reason": "end_turn", "usage": usage}
    begun = whole | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    head = _named("message_start", {"message": begun}) + _named(
        "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}
    )
    delta = _named("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "t=STAMP word"}})
    end = (
        _named("content_block_stop", {"index": 0})
        + _named("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage})
        + _named("message_stop", {})
    )
    return Script(_encode(whole), head, _template(delta), end)


def _gemini() -> Script:
    usage = {"promptTokenCount": 431, "candidatesTokenCount": 118, "totalTokenCount": 549}

    def chunk(text: str, **more: Any) -> dict[str, Any]:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": payloads.MODEL, "responseId": "r"}

    delta = b"data: " + _encode(chunk("t=STAMP word")) + b"\r\n\r\n"
    end = b"data: " + _encode(chunk("", finishReason="STOP")) + b"\r\n\r\n"
    return Script(_encode(chunk(_TEXT, finishReason="STOP")), b"", _template(delta), end)


def _template(delta: bytes) -> bytes:
    return delta.replace(b"%", b"%%").replace(b"STAMP", b"%016d")


SCRIPTS: Final[dict[str, Script]] = {
    "chat": Script(payloads.ANSWER, b"", payloads.EVENT_TEMPLATE, payloads.STREAM_END),
    "responses": _responses(),
    "messages": _messages(),
    "gemini": _gemini(),
}
"""By the dialect that the provider speaks."""
