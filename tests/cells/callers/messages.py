"""A caller of Anthropic's Messages."""

import json
from typing import Any

from tests.cells.question import SYSTEM, TOOLS, Heard, Question, Received, frames

STOPS = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tools": "tool_use",
    "refusal": "refusal",
}
ERRORS = {
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "overloaded_error",
    "timeout_error",
}


def path(_model: str, *, stream: bool) -> str:
    """Where it asks."""
    return "/v1/messages"


def headers(key: str) -> dict[str, str]:
    """What it sends beside the body."""
    return {"x-api-key": key, "anthropic-version": "2023-06-01"}


def body(question: Question, model: str, *, stream: bool) -> dict[str, Any]:
    """The question."""
    blocks: list[dict[str, Any]] = [{"type": "text", "text": question.text}]
    if question.image_url:
        blocks.append({"type": "image", "source": {"type": "url", "url": question.image_url}})
    if question.image:
        source = {"type": "base64", "media_type": "image/png", "data": question.image}
        blocks.append({"type": "image", "source": source})
    if question.pdf:
        source = {"type": "base64", "media_type": "application/pdf", "data": question.pdf}
        blocks.append({"type": "document", "source": source})
    asked: dict[str, Any] = {"model": model, "system": SYSTEM, "messages": [{"role": "user", "content": blocks}]}
    asked["max_tokens"] = question.cap or 8_192
    if question.tools:
        asked["tools"] = [{"name": name, "input_schema": TOOLS[name]} for name in question.tools]
    if question.schema:
        asked["output_config"] = {"format": {"type": "json_schema", "schema": question.schema}}
    if question.stops:
        asked["stop_sequences"] = list(question.stops)
    if question.thinks:
        asked["thinking"] = {"type": "enabled", "budget_tokens": 2_048}
    return asked | ({"stream": True} if stream else {})


def again(asked: dict[str, Any], heard: Heard, results: list[str]) -> dict[str, Any]:
    """The next question: what was asked, what was answered, and what the tools said."""
    said = [
        {"type": "tool_result", "tool_use_id": call[0], "content": text}
        for call, text in zip(heard.calls, results, strict=True)
    ]
    turns = [{"role": "assistant", "content": heard.turn}, {"role": "user", "content": said}]
    return asked | {"messages": [*asked["messages"], *turns]}


def hear(got: Received, *, stream: bool) -> Heard:
    """Take an answer apart, as strictly as an SDK."""
    if got.status != 200 or not stream:
        told = got.json
        return Heard(error=_error(told)) if told["type"] == "error" else _heard(told)
    events = []
    for name, data in frames(got.body):
        event = json.loads(data)
        assert name == event["type"], "each event is named like its type"
        if name != "ping":
            events.append(event)
    return _gathered(events)


def _gathered(events: list[dict[str, Any]]) -> Heard:
    message: dict[str, Any] = {}
    error = ""
    if events[-1]["type"] == "error":
        error = _error(events.pop())
    else:
        assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    for number, event in enumerate(events):
        assert (event["type"] == "message_start") == (number == 0), "one start, and first"
        match event["type"]:
            case "message_start":
                message = event["message"]
                assert message["content"] == []
                assert message["stop_reason"] is None
                open_at = -1
            case "content_block_start":
                assert open_at == -1, "blocks do not overlap"
                assert event["index"] == len(message["content"]), "blocks are numbered from 0 without a gap"
                open_at = event["index"]
                message["content"].append(event["content_block"] | {"_json": ""})
                assert event["content_block"].get("input", {}) == {}
            case "content_block_delta":
                assert event["index"] == open_at
                _grow(message["content"][open_at], event["delta"])
            case "content_block_stop":
                assert event["index"] == open_at
                _close(message["content"][open_at])
                open_at = -1
            case "message_delta":
                assert open_at == -1
                message |= event["delta"]
                message["usage"] = message["usage"] | {k: v for k, v in event["usage"].items() if v is not None}
            case other:
                assert other == "message_stop"
    heard = _heard(message, ended=not error)
    heard.error = error
    return heard


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            assert delta["text"], "no delta is empty"
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            block["_json"] += delta["partial_json"]
        case other:
            raise AssertionError(other)


def _close(block: dict[str, Any]) -> None:
    written = block.pop("_json")
    if block["type"] == "tool_use":
        block["input"] = json.loads(written or "{}")
    elif block["type"] == "text":
        assert block["text"], "no text block is empty"


def _heard(told: dict[str, Any], *, ended: bool = True) -> Heard:
    assert told["id"]
    assert (told["type"], told["role"]) == ("message", "assistant")
    assert {"stop_sequence", "stop_reason", "model"} <= set(told)
    usage = told["usage"]
    heard = Heard(stop=(told["stop_reason"] or "") if ended else "", sequence=told["stop_sequence"])
    heard.turn = told["content"]
    read, write = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    heard.usage = {"taken": usage["input_tokens"] + read + write, "given": usage["output_tokens"]}
    heard.usage |= {"read": read, "write": write}
    for block in told["content"]:
        match block["type"]:
            case "text":
                heard.text += block["text"]
            case "thinking":
                heard.thoughts += block["thinking"]
                heard.seals += [block["signature"]] if block["signature"] else []
            case "redacted_thinking":
                heard.seals.append(block["data"])
            case "tool_use":
                heard.calls.append((block["id"], block["name"], block["input"]))
            case other:
                raise AssertionError(other)
    return heard


def _error(told: dict[str, Any]) -> str:
    assert told["type"] == "error"
    assert told["error"]["type"] in ERRORS
    message: str = told["error"]["message"]
    assert message
    return message
