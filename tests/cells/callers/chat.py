"""A caller of OpenAI's chat completions."""

import json
from typing import Any

from tests.cells.question import SYSTEM, TOOLS, Heard, Question, Received, frames

STOPS = {"end": "stop", "length": "length", "stop_sequence": "stop", "tools": "tool_calls", "refusal": "content_filter"}


def path(_model: str, *, stream: bool) -> str:
    """Where it asks."""
    return "/v1/chat/completions"


def headers(key: str) -> dict[str, str]:
    """What it sends beside the body."""
    return {"authorization": f"Bearer {key}"}


def body(question: Question, model: str, *, stream: bool) -> dict[str, Any]:
    """The question."""
    parts: list[dict[str, Any]] = [{"type": "text", "text": question.text}]
    if question.image_url:
        parts.append({"type": "image_url", "image_url": {"url": question.image_url}})
    if question.image:
        parts.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{question.image}"}})
    if question.pdf:
        data = f"data:application/pdf;base64,{question.pdf}"
        parts.append({"type": "file", "file": {"filename": "a.pdf", "file_data": data}})
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": parts}]
    asked: dict[str, Any] = {"model": model, "messages": messages}
    if question.tools:
        asked["tools"] = [{"type": "function", "function": {"name": n, "parameters": TOOLS[n]}} for n in question.tools]
    if question.schema:
        named = {"name": "place", "schema": question.schema, "strict": True}
        asked["response_format"] = {"type": "json_schema", "json_schema": named}
    if question.cap:
        asked["max_completion_tokens"] = question.cap
    if question.stops:
        asked["stop"] = list(question.stops)
    if question.thinks:
        asked["reasoning_effort"] = "high"
    return asked | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def again(asked: dict[str, Any], heard: Heard, results: list[str]) -> dict[str, Any]:
    """The next question: what was asked, what was answered, and what the tools said."""
    said = [
        {"role": "tool", "tool_call_id": call[0], "content": text}
        for call, text in zip(heard.calls, results, strict=True)
    ]
    return asked | {"messages": [*asked["messages"], heard.turn, *said]}


def hear(got: Received, *, stream: bool) -> Heard:
    """Take an answer apart, as strictly as an SDK."""
    if got.status != 200 or not stream:
        return _whole(got)
    events = frames(got.body)
    assert not any(name for name, _ in events)
    assert events.pop()[1] == "[DONE]"
    return _gathered([json.loads(data) for _, data in events])


def _whole(got: Received) -> Heard:
    told = got.json
    if "error" in told:
        return Heard(error=_error(told))
    assert told["object"] == "chat.completion"
    assert isinstance(told["created"], int)
    assert told["id"]
    (choice,) = told["choices"]
    return _heard(choice["message"], choice["finish_reason"], told.get("usage"))


def _gathered(chunks: list[dict[str, Any]]) -> Heard:
    turn: dict[str, Any] = {}
    finish, usage, error = "", None, ""
    opened: list[int] = []
    if chunks and "error" in chunks[-1]:
        error = _error(chunks.pop())
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) <= 1
    for number, chunk in enumerate(chunks):
        assert chunk["object"] == "chat.completion.chunk"
        if not chunk["choices"]:
            usage = chunk["usage"]
            assert number == len(chunks) - 1, "usage comes last"
            continue
        (choice,) = chunk["choices"]
        assert choice["index"] == 0
        assert not finish, "nothing comes after the finish"
        delta = choice["delta"]
        assert number or delta.get("role") == "assistant", "the first chunk says who speaks"
        for call in delta.get("tool_calls") or ():
            if call["index"] not in opened:
                assert call["index"] == len(opened), "calls are numbered from 0 without a gap"
                assert call["id"] and call["function"]["name"] and call["type"] == "function"
                opened.append(call["index"])
            else:
                assert not call.get("id") and not call["function"].get("name"), "a call is named once"
        _merge(turn, delta)
        finish = choice["finish_reason"] or ""
    for call in turn.get("tool_calls") or ():
        call.pop("index")
    heard = _heard(turn, finish, usage)
    heard.error = error
    return heard


def _heard(message: dict[str, Any], finish: str, usage: dict[str, Any] | None) -> Heard:
    assert message.get("role") == "assistant"
    calls = message.get("tool_calls") or []
    told: dict[str, int] = {}
    if usage:
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        within = usage.get("prompt_tokens_details") or {}
        told = {
            "taken": usage["prompt_tokens"],
            "given": usage["completion_tokens"],
            "read": within.get("cached_tokens") or 0,
            "write": within.get("cache_write_tokens") or 0,
            "thought": (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
        }
    return Heard(
        stop=finish,
        text=message.get("content") or "",
        thoughts=message.get("reasoning_content") or "",
        refusal=message.get("refusal") or "",
        calls=[(one["id"], one["function"]["name"], json.loads(one["function"]["arguments"])) for one in calls],
        usage=told,
        turn={"content": None} | {key: value for key, value in message.items() if value is not None},
    )


def _merge(whole: dict[str, Any], delta: dict[str, Any]) -> None:
    """As OpenAI's SDK gathers deltas: texts are joined, lists by their `index`, all else is replaced."""
    for key, value in delta.items():
        known = whole.get(key)
        if known is None or key in {"index", "type", "role", "id"}:
            whole[key] = value
        elif isinstance(value, str):
            whole[key] = known + value
        elif isinstance(value, dict):
            _merge(known, value)
        elif isinstance(value, list):
            for one in value:
                same = [old for old in known if old.get("index") == one.get("index")]
                if same:
                    _merge(same[0], one)
                else:
                    known.append(one)
        elif value is not None:
            whole[key] = value


def _error(told: dict[str, Any]) -> str:
    inner = told["error"]
    assert {"message", "type", "param", "code"} <= set(inner)
    message: str = inner["message"]
    assert message
    return message
