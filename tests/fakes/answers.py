"""Answers as lists of steps: bytes to send as they are, things to wait for, ways to end. Nothing is checked or mended.

An answer that has no `End` leaves the connection open for the next request.
"""

import enum
import gzip
import json
import threading
from collections.abc import Iterable, Sequence
from typing import Any


class End(enum.Enum):
    """How an answer ends, other than in order."""

    CLOSE = "close"
    """FIN after what was sent."""
    RESET = "reset"
    """RST: what was sent may be lost."""
    STALL = "stall"
    """Nothing more, until the other side hangs up."""


Step = bytes | float | End | threading.Event
Headers = Iterable[tuple[str, str]]

JSON = ("content-type", "application/json")
EVENTS = ("content-type", "text/event-stream; charset=utf-8")
LEAKING: tuple[tuple[str, str], ...] = (
    ("set-cookie", "__cf_bm=secret; path=/"),
    ("server", "cloudflare"),
    ("openai-organization", "org-secret"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-request-id", "req_of_the_provider"),
    ("x-served-by", "pod-7.internal"),
    ("connection", "x-hop"),
    ("x-hop", "1"),
)
"""Headers that a provider sends and no caller may see."""

USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
}
WORDS = ("Hello", " from", " the", " fake", " provider", ".")


def head(status: int = 200, headers: Headers = (), *, length: int | None = None, chunked: bool = False) -> bytes:
    """A response's head; framing headers only as asked for."""
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers)]
    if length is not None:
        lines.append(f"content-length: {length}")
    if chunked:
        lines.append("transfer-encoding: chunked")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def piece(data: bytes) -> bytes:
    """One chunk of the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_PIECE = b"0\r\n\r\n"


def whole(body: bytes, status: int = 200, headers: Headers = (JSON,)) -> tuple[Step, ...]:
    """A response with `content-length`."""
    return (head(status, headers, length=len(body)) + body,)


def completion(
    text: str | None = "".join(WORDS), *, usage: dict[str, Any] | None = USAGE, **message: Any
) -> dict[str, Any]:
    """A unary answer of chat completions; `message` adds to the message (`tool_calls=…`)."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": None, **message},
        "logprobs": None,
        "finish_reason": "tool_calls" if "tool_calls" in message else "stop",
    }
    body: dict[str, Any] = {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "fake-1",
        "choices": [choice],
    }
    return body if usage is None else body | {"usage": usage}


def unary(body: Any = None, status: int = 200, headers: Headers = ()) -> tuple[Step, ...]:
    """A JSON answer; by default a plausible completion."""
    return whole(json.dumps(completion() if body is None else body).encode(), status, (JSON, *headers))


def data_frame(body: Any) -> bytes:
    """One event of a stream that has only data."""
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, *, finish: str | None = None, **more: Any) -> bytes:
    """One event of a stream; without `delta` and `finish` its `choices` are empty."""
    choices = [] if delta is None and finish is None else [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    frame = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_767_225_600, "model": "fake-1"}
    return data_frame(frame | {"choices": choices} | more)


DONE = b"data: [DONE]\n\n"


def events(words: Sequence[str] = WORDS, *, usage: dict[str, Any] | None = USAGE) -> list[bytes]:
    """The events of a whole stream, its end mark included."""
    made = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": word}) for word in words)]
    made.append(chunk(finish="stop"))
    if usage is not None:
        made.append(chunk(usage=usage))
    return [*made, DONE]


def sse(
    chunks: Iterable[bytes] | None = None, *, gap_s: float = 0.0, headers: Headers = (), end: End | None = None
) -> tuple[Step, ...]:
    """A stream: each of `chunks` is written by itself, `gap_s` apart. With `end` it has no last piece."""
    steps: list[Step] = [head(200, (EVENTS, *headers), chunked=True)]
    for data in events() if chunks is None else chunks:
        if gap_s and len(steps) > 1:
            steps.append(gap_s)
        steps.append(piece(data))
    steps.append(LAST_PIECE if end is None else end)
    return tuple(steps)


def error(
    status: int, message: str = "The fake provider fails.", headers: Headers = (), **more: Any
) -> tuple[Step, ...]:
    """OpenAI's error envelope; `more` goes into it (`code=…`, `type=…`, `param=…`)."""
    inner = {"message": message, "type": "server_error", "param": None, "code": None} | more
    return unary({"error": inner}, status, headers)


def error_event(message: str = "The fake provider fails.") -> bytes:
    """An error as an event of a stream."""
    return data_frame({"error": {"message": message, "type": "server_error", "code": None}})


def rate_limited(retry_after: str = "1") -> tuple[Step, ...]:
    """429 with `Retry-After`."""
    return error(429, "Slow down.", (("retry-after", retry_after),), type="requests", code="rate_limit_exceeded")


def html(status: int = 200) -> tuple[Step, ...]:
    """A page for people, as captive portals and broken proxies send it."""
    return whole(b"<!DOCTYPE html><html><body>Welcome!</body></html>", status, (("content-type", "text/html"),))


def empty_stream() -> tuple[Step, ...]:
    """A stream without an event."""
    return sse(())


def truncated_gzip() -> tuple[Step, ...]:
    """Half of a gzipped completion, framed as if it were all."""
    packed = gzip.compress(json.dumps(completion()).encode())
    return whole(packed[: len(packed) // 2], headers=(JSON, ("content-encoding", "gzip")))


def truncated_gzip_stream() -> tuple[Step, ...]:
    """The same for a stream."""
    packed = gzip.compress(b"".join(events()))
    half = piece(packed[: len(packed) // 2])
    return (head(200, (EVENTS, ("content-encoding", "gzip")), chunked=True), half, LAST_PIECE)


RESET_BEFORE_HEAD: tuple[Step, ...] = (End.RESET,)
CLOSE_BEFORE_HEAD: tuple[Step, ...] = (End.CLOSE,)
STALL_BEFORE_HEAD: tuple[Step, ...] = (End.STALL,)


def cut_event(end: End = End.RESET, *, whole_events: int = 3) -> tuple[Step, ...]:
    """A stream that ends in the middle of an event."""
    made = events()
    steps = sse([*made[:whole_events], made[whole_events][:20]], end=end)
    # The wait lets the events arrive: a reset may overtake bytes that were sent.
    return (*steps[:-1], 0.05, end)


def cut_body(end: End = End.RESET) -> tuple[Step, ...]:
    """A unary answer that ends in the middle of its body."""
    body = json.dumps(completion()).encode()
    # The wait lets the head arrive: a reset may overtake bytes that were sent.
    return (head(200, (JSON,), length=len(body)) + body[: len(body) // 2], 0.05, end)
