"""Searches of the provider's own tools: in every dialect as many as are billed, whole and streamed, however cut, for a
caller of the same dialect and of another one; and no tokens."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from fastgw.protocols import searches
from fastgw.protocols.hub.events import Used
from fastgw.protocols.hub.recall import Recall
from fastgw.protocols.hub.target import SAME, Target
from fastgw.protocols.hub.translate import Translation
from fastgw.protocols.registry import CALLERS, PROVIDERS
from fastgw.usage import Usage
from tests.protocols.chat.ask import setting

TOKENS = Usage(in_text=9, out_text=4)


def _sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def _messages(made: int) -> tuple[Any, bytes]:
    usage = {"input_tokens": 9, "output_tokens": 4}
    told = usage | {"server_tool_use": {"web_search_requests": made, "web_fetch_requests": 7}}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn"}
    whole = message | {"content": [{"type": "text", "text": "a"}], "usage": told}
    block = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result"}]}
    stream = _sse(
        {"type": "message_start", "message": message | {"content": [], "usage": usage | {"server_tool_use": None}}},
        # More than are billed in the end.
        *({"type": "content_block_start", "index": i, "content_block": block} for i in range(made + 1)),
        *({"type": "content_block_stop", "index": i} for i in range(made + 1)),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": told},
        {"type": "message_stop"},
    )
    return whole, stream if made else _sse(
        {"type": "message_start", "message": message | {"content": [], "usage": told}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": told},
        {"type": "message_stop"},
    )


def _responses(made: int) -> tuple[Any, bytes]:
    def call(number: int, action: str) -> dict[str, Any]:
        return {"type": "web_search_call", "id": f"ws_{number}", "status": "completed", "action": {"type": action}}

    items = [call(i, "search") for i in range(made)] + [call(90, "open_page"), call(91, "find_in_page")]
    response = {
        "id": "r", "object": "response", "status": "completed", "error": None, "output": items,
        "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
    }  # fmt: skip
    stream = _sse(
        {"type": "response.created", "response": response | {"status": "in_progress", "output": [], "usage": None}},
        *({"type": "response.output_item.done", "output_index": i, "item": item} for i, item in enumerate(items)),
        {"type": "response.completed", "response": response},
    )
    return response, stream


def _gemini(made: int) -> tuple[Any, bytes]:
    queries = ["", *(f"query {i}" for i in range(made)), *(["query 0"] if made else [])]
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}
    text = {"content": {"parts": [{"text": "a"}], "role": "model"}, "index": 0}
    last = text | {"finishReason": "STOP", "groundingMetadata": {"webSearchQueries": queries}}
    told = {"modelVersion": "gemini-3.8-flash", "usageMetadata": usage}
    return told | {"candidates": [last]}, _sse(told | {"candidates": [text]}, told | {"candidates": [last]})


def _chat(made: int) -> tuple[Any, bytes]:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "server_tool_use_details": {"web_search_requests": made}}
    message = {"role": "assistant", "content": "a"}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    chunk = {"choices": [{"index": 0, "delta": message, "finish_reason": "stop"}]}
    return whole, _sse(chunk, {"choices": [], "usage": usage}) + b"data: [DONE]\n\n"


MADE: dict[str, Callable[[int], tuple[Any, bytes]]] = {
    "messages": _messages,
    "responses": _responses,
    "gemini": _gemini,
    "chat": _chat,
}


@pytest.mark.parametrize("made", [0, 1, 3])
@pytest.mark.parametrize("dialect", MADE)
def test_as_many_as_the_provider_bills(dialect: str, made: int) -> None:
    whole, stream = MADE[dialect](made)
    provider = PROVIDERS[dialect]
    target = Target(model="m", dialect=dialect, family="openai", abilities=SAME.abilities)
    wanted = msgspec.structs.replace(TOKENS, searches=made)
    for body in (json.dumps(whole).encode(), json.dumps(whole, indent=1).encode()):
        assert provider.read_answer(body).usage == wanted
        assert [one.usage for one in provider.decode_answer(body, target) if isinstance(one, Used)] == [wanted]
    for size in (1, 13, len(stream)):
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        tap = provider.tap(hide_usage=False)
        assert b"".join(map(tap.feed, pieces)) + tap.rest() == stream
        assert tap.usage == wanted
        reader = provider.reader(target)
        events = [one for piece in pieces for one in reader.feed(piece)] + list(reader.end())
        assert [one.usage for one in events if isinstance(one, Used)][-1] == wanted
        assert reader.complete


@pytest.mark.parametrize("dialect", ["messages", "responses", "gemini"])
def test_a_stream_that_is_cut_has_those_that_were_seen(dialect: str) -> None:
    """Who hangs up before the end does not get them for nothing."""
    stream = MADE[dialect](2)[1]
    # Without the last one or two events, which tell of what was used.
    events = stream.split(b"\n\n")
    seen = b"\n\n".join(events[: -2 if dialect == "gemini" else -3]) + b"\n\n"
    provider = PROVIDERS[dialect]
    target = Target(model="m", dialect=dialect, family="openai", abilities=SAME.abilities)
    tap = provider.tap(hide_usage=False)
    tap.feed(seen)
    translation = Translation(provider.reader(target), CALLERS["chat"].writer(setting()), Recall("ex1"))
    translation.feed(seen)
    wanted = {"messages": 3, "responses": 2, "gemini": 0}[dialect]
    assert (tap.searches, translation.searches) == (wanted, wanted)
    for one in (tap, translation):
        one.feed(stream[len(seen) :])
        assert one.searches == 2


@pytest.mark.parametrize(
    ("told", "count"),
    [
        (b"", 0), (b"null", 0), (b"7", 0), (b"[]", 0), (b"{", 0), (b"\xff", 0), (b"{}", 0),
        (b'{"web_search_requests":null}', 0), (b'{"web_search_requests":"3"}', 0), (b'{"web_search_requests":-3}', 0),
        (b'{"web_search_requests":3,"web_fetch_requests":9}', 3),
        (b'{"web_search_requests":99999999999}', searches.SEARCHES_MAX),
    ],
)  # fmt: skip
def test_a_report_of_server_tools(told: bytes, count: int) -> None:
    assert searches.reported(msgspec.Raw(told) if told else searches.ABSENT) == count
