"""Streams as providers really send them, odd but meant well: every caller of another dialect hears the same."""

import json
from typing import Any

import pytest

from tests.cells.callers import CALLERS
from tests.cells.conftest import MODELS, Ground
from tests.cells.question import Question
from tests.fakes import answers
from tests.fakes.answers import DONE, data_frame

pytestmark = pytest.mark.asyncio(loop_scope="package")

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
SECOND = {"id": "call_2", "type": "function", "function": {"name": "time", "arguments": '{"zone":"CET"}'}}


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": choices} | more


def chat(*chunks: dict[str, Any]) -> list[bytes]:
    return [*(data_frame(one) for one in chunks), DONE]


def call(piece: dict[str, Any], **more: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [piece | more]})


def messages(*events: dict[str, Any]) -> list[bytes]:
    return [f"event: {one['type']}\n".encode() + data_frame(one) for one in events]


def responses(*events: dict[str, Any]) -> list[bytes]:
    numbered = [event | {"sequence_number": number} for number, event in enumerate(events)]
    return [f"event: {one['type']}\n".encode() + data_frame(one) for one in numbered]


def gemini(*chunks: dict[str, Any]) -> list[bytes]:
    return [data_frame(one) for one in chunks]


STARTED: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
}
TOOL_ITEM: dict[str, Any] = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "weather",
}
TOOL_ITEM |= {"arguments": '{"city":"Paris"}'}
TIME_ITEM = TOOL_ITEM | {"id": "fc_2", "call_id": "call_2", "name": "time", "arguments": '{"zone":"CET"}'}
TEXT_ITEM: dict[str, Any] = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
TEXT_ITEM |= {"content": [{"type": "output_text", "text": "Hello there.", "annotations": []}]}
TOLD = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}


def response(status: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m"}
    return whole | {"output": list(items), "error": None, "incomplete_details": None} | more


def candidate(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}} | more]}


COUNTED = {"usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}}
WEATHER_CALL = {"functionCall": {"name": "weather", "args": {"city": "Paris"}}}
TIME_CALL = {"functionCall": {"name": "time", "args": {"zone": "CET"}}}

TEXTS: dict[tuple[str, str], list[bytes]] = {
    ("chat", "finish_with_content_and_usage"): chat(
        chunk({"role": "assistant", "content": "Hello"}), chunk({"content": " there."}, "stop", usage=USAGE)
    ),
    ("chat", "usage_on_every_chunk"): chat(
        chunk({"content": "Hello"}, usage=USAGE | {"completion_tokens": 1, "total_tokens": 12}),
        chunk({"content": " there."}, usage=USAGE | {"completion_tokens": 5, "total_tokens": 16}),
        chunk({}, "stop", usage=USAGE),
    ),
    ("chat", "filter_results_first_and_noise"): chat(
        chunk(None, prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}]),
        chunk({"role": "assistant", "content": "", "reasoning_content": None, "tool_calls": None}),
        chunk({"content": "Hello there."}),
        chunk({"content": ""}, "stop"),
        chunk(None, usage=USAGE),
    ),
    ("chat", "no_end_mark"): chat(chunk({"content": "Hello there."}), chunk({}, "stop"), chunk(None, usage=USAGE))[:-1],
    ("chat", "comments_and_crlf"): [
        b": processing\r\n\r\n",
        b"data:" + json.dumps(chunk({"content": "Hello there."})).encode() + b"\r\n\r\n: still\r\n\r\n",
        b"data:" + json.dumps(chunk({}, "stop", usage=USAGE)).encode() + b"\r\n\r\ndata:[DONE]\r\n\r\n",
    ],
    ("messages", "input_only_at_the_end"): messages(
        STARTED,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hello"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " there."}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"input_tokens": 11, "output_tokens": 7},
        },
        {"type": "message_stop"},
    ),
    ("messages", "unknown_events"): messages(
        STARTED,
        {"type": "something_new", "index": 9},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello there."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "x": 1}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"input_tokens": 11, "output_tokens": 7},
        },
        {"type": "message_stop"},
    ),
    ("responses", "items_without_deltas"): responses(
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.output_item.done", "output_index": 0, "item": TEXT_ITEM},
        {"type": "response.completed", "response": response("completed", TEXT_ITEM, usage=TOLD)},
    ),
    ("responses", "only_the_end"): responses(
        {"type": "response.something.new", "x": 1},
        {"type": "response.completed", "response": response("completed", TEXT_ITEM, usage=TOLD)},
    ),
    ("gemini", "all_in_one"): gemini(candidate({"text": "Hello there."}, finishReason="STOP") | COUNTED),
    ("gemini", "total_only_and_empty_finish"): gemini(
        candidate({"text": "Hello"}),
        candidate({"text": " there."}),
        {"candidates": [{"finishReason": "STOP"}]} | COUNTED,
    ),
}
TOOLS: dict[tuple[str, str], list[bytes]] = {
    ("chat", "whole_calls_without_index_and_stop"): chat(
        chunk({"role": "assistant", "tool_calls": [CALL]}),
        chunk({"tool_calls": [SECOND]}),
        chunk({}, "stop", usage=USAGE),
    ),
    ("chat", "indices_from_one_interleaved"): chat(
        call({"index": 1, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}),
        call({"index": 2, "id": "call_2", "type": "function", "function": {"name": "time", "arguments": ""}}),
        call({"index": 1, "function": {"arguments": '{"city":'}}),
        call({"index": 2, "function": {"arguments": '{"zone":"CET"}'}}),
        call({"index": 1, "function": {"arguments": '"Paris"}'}}),
        chunk({}, "tool_calls", usage=USAGE),
    ),
    ("chat", "ids_and_names_repeated"): chat(
        call({"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city"'}}),
        call(
            {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ':"Paris"}'}}
        ),
        call(
            {
                "index": 1,
                "id": "call_2",
                "type": "function",
                "function": {"name": "time", "arguments": '{"zone":"CET"}'},
            }
        ),
        chunk({}, "tool_calls", usage=USAGE),
    ),
    ("chat", "after_the_finish"): chat(
        call(CALL, index=0), chunk({}, "tool_calls"), call(SECOND, index=1), chunk(None, usage=USAGE)
    ),
    ("responses", "arguments_only_when_done"): responses(
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": TOOL_ITEM | {"arguments": ""}},
        {
            "type": "response.function_call_arguments.done",
            "item_id": "fc_1",
            "output_index": 0,
            "arguments": '{"city":"Paris"}',
        },
        {"type": "response.output_item.done", "output_index": 0, "item": TOOL_ITEM},
        {"type": "response.output_item.done", "output_index": 1, "item": TIME_ITEM},
        {"type": "response.completed", "response": response("completed", TOOL_ITEM, TIME_ITEM, usage=TOLD)},
    ),
    ("gemini", "two_calls_in_a_chunk"): gemini(
        candidate(WEATHER_CALL, TIME_CALL, finishReason="STOP") | COUNTED,
    ),
    ("gemini", "calls_over_chunks"): gemini(
        candidate(WEATHER_CALL), candidate(TIME_CALL), candidate({"text": ""}, finishReason="STOP") | COUNTED
    ),
}


def crossed(table: dict[tuple[str, str], list[bytes]]) -> list[tuple[str, str, str]]:
    return [(caller, *key) for key in table for caller in CALLERS if caller != key[0]]


@pytest.mark.parametrize(("caller", "provider", "name"), crossed(TEXTS))
async def test_text(ground: Ground, caller: str, provider: str, name: str) -> None:
    heard = await ask(ground, caller, provider, TEXTS[provider, name])
    assert (heard.text, heard.stop) == ("Hello there.", CALLERS[caller].STOPS["end"])


@pytest.mark.parametrize(("caller", "provider", "name"), crossed(TOOLS))
async def test_tools(ground: Ground, caller: str, provider: str, name: str) -> None:
    heard = await ask(ground, caller, provider, TOOLS[provider, name])
    assert [call[1:] for call in heard.calls] == [("weather", {"city": "Paris"}), ("time", {"zone": "CET"})]
    assert heard.stop == CALLERS[caller].STOPS["tools"]
    assert len({call[0] for call in heard.calls}) == 2 or caller == "gemini"


async def ask(ground: Ground, caller: str, provider: str, stream: list[bytes]) -> Any:
    ground.provider.next(answers.sse(stream))
    model = f"{provider}/{MODELS[provider]}"
    body = CALLERS[caller].body(Question(tools=("weather", "time")), model, stream=True)
    got = await ground.ask(caller, CALLERS[caller].path(model, stream=True), body)
    assert got.status == 200, got.body
    heard = CALLERS[caller].hear(got, stream=True)
    assert not heard.error
    assert (heard.usage["taken"], heard.usage["given"]) == (11, 7)
    return heard
