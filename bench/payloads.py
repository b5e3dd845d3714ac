"""What is sent and answered: a chat request of about 1.5 KB, an answer of about 1 KB, stream events of about 250 bytes.

The fake provider learns the shape of a stream from the request's `user` field, because that is the one free-text field
that every gateway hands on unchanged.
"""

import re
from typing import Final

import msgspec

MODEL: Final = "gpt-4o-mini"
STAMP: Final = b'"content":"t='
"""Precedes 16 digits in every stream event: when the fake provider sent it, in microseconds of the monotonic clock."""
STAMP_DIGITS: Final = 16
DONE: Final = b"data: [DONE]\n\n"

_PLAN = re.compile(rb'"user"\s*:\s*"events=(\d+);pace=(\d+)"')
_STREAM = re.compile(rb'"stream"\s*:\s*true')

_SYSTEM = (
    "You are the assistant of a library that lends books, films and instruments to the people of a small town. "
    "Answer in plain sentences, at most five of them. When a reader asks for a recommendation, name one title, "
    "say in which room it stands, and give one reason that refers to what the reader said. Never invent titles: "
    "if the catalogue has nothing that fits, say so and offer to order it from the regional library, which takes "
    "about a week. Opening hours are from nine to seven on working days and from ten to two on Saturdays; the "
    "music room closes an hour earlier."
)
_TURNS = (
    (
        "user",
        "Good morning! I finished the novel about the lighthouse keeper that you gave me last week, and liked it.",
    ),
    (
        "assistant",
        "I am glad to hear that. Which part of it stayed with you the most: the sea, the letters, or the end?",
    ),
    (
        "user",
        "The letters, without a doubt. I like stories that are told through what people write to each other, with"
        " gaps that one has to fill in. My sister is going to visit me for the weekend and reads much faster than"
        " I do, so I would like to have something for both of us, perhaps two books that belong together. She "
        "prefers short chapters and some humour; for me it may be slow. Neither of us wants anything about war. "
        "We can come by on Friday after five, or on Saturday before noon if you are open. Could you put something"
        " aside under my name, please?",
    ),
)


def request_body(*, events: int = 0, pace: int = 0) -> bytes:
    """A chat request of about 1.5 KB; a streaming one when `events` is given.

    `events` is how many content events the stream has, `pace` how many a second; 0 means as fast as they are taken.
    """
    body: dict[str, object] = {
        "model": MODEL,
        "messages": [{"role": "system", "content": _SYSTEM}] + [{"role": r, "content": c} for r, c in _TURNS],
        "temperature": 0.7,
        "top_p": 0.95,
        "presence_penalty": 0,
        "frequency_penalty": 0,
    }
    if events:
        body |= {"stream": True, "stream_options": {"include_usage": True}, "user": f"events={events};pace={pace}"}
    return msgspec.json.encode(body)


def stream_plan(request: bytes) -> tuple[int, int] | None:
    """Events and events a second that a request asks for; None if it does not ask for a stream."""
    if _STREAM.search(request) is None:
        return None
    plan = _PLAN.search(request)
    return (int(plan[1]), int(plan[2])) if plan else (20, 50)


_USAGE = {
    "prompt_tokens": 431,
    "completion_tokens": 118,
    "total_tokens": 549,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}

ANSWER: Final = msgspec.json.encode(
    {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "With pleasure. For you I have set aside a quiet novel in letters between two "
                    "sisters who share a garden and hardly ever meet in it; it stands in the reading room. For "
                    "your sister there is its companion, told by the neighbours in chapters of two pages, and it "
                    "is funny. Both are under your name at the desk from Friday noon on; we are open until seven "
                    "that day, and on Saturday until two. Neither has a war in it.",
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_44added55e",
    }
)
"""The fake provider's unary answer, about 1 KB."""

MODELS: Final = msgspec.json.encode(
    {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1_721_172_741, "owned_by": "system"}]}
)

_CHUNK_HEAD = (
    b'data: {"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk","created":1760000000,'
    b'"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_44added55e","choices":'
)
EVENT_TEMPLATE: Final = (
    _CHUNK_HEAD
    + b'[{"index":0,"delta":{"content":"t=%016d word"},"logprobs":null,"finish_reason":null}],"usage":null}\n\n'
)
_LAST = (
    _CHUNK_HEAD + b'[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}\n\n',
    _CHUNK_HEAD + b'[],"usage":' + msgspec.json.encode(_USAGE) + b"}\n\n",
    DONE,
)
STREAM_END: Final = b"".join(_LAST)
"""What closes a stream: the finish reason, the usage, the end mark."""
EVENT_BYTES: Final = len(EVENT_TEMPLATE % 0)


def event(stamp_us: int) -> bytes:
    """One content event of `EVENT_BYTES` bytes, stamped with the moment of sending."""
    return EVENT_TEMPLATE % stamp_us
