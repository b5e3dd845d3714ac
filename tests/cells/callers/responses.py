"""A caller of OpenAI's Responses."""

import json
from typing import Any

from tests.cells.question import SYSTEM, TOOLS, Heard, Question, Received, frames
from tests.conformance import spec

STOPS = {
    "end": "completed",
    "length": "incomplete/max_output_tokens",
    "stop_sequence": "completed",
    "tools": "completed",
    "refusal": "completed",
}
ENDS = {"response.completed", "response.incomplete", "response.failed"}


def path(_model: str, *, stream: bool) -> str:
    """Where it asks."""
    return "/v1/responses"


def headers(key: str) -> dict[str, str]:
    """What it sends beside the body."""
    return {"authorization": f"Bearer {key}"}


def body(question: Question, model: str, *, stream: bool) -> dict[str, Any]:
    """The question."""
    parts: list[dict[str, Any]] = [{"type": "input_text", "text": question.text}]
    if question.image_url:
        parts.append({"type": "input_image", "image_url": question.image_url, "detail": "auto"})
    if question.image:
        data = f"data:image/png;base64,{question.image}"
        parts.append({"type": "input_image", "image_url": data, "detail": "auto"})
    if question.pdf:
        data = f"data:application/pdf;base64,{question.pdf}"
        parts.append({"type": "input_file", "filename": "a.pdf", "file_data": data})
    asked: dict[str, Any] = {"model": model, "instructions": SYSTEM, "input": [{"role": "user", "content": parts}]}
    asked["store"] = False
    if question.tools:
        asked["tools"] = [
            {"type": "function", "name": name, "parameters": TOOLS[name], "strict": False} for name in question.tools
        ]
    if question.schema:
        asked["text"] = {"format": {"type": "json_schema", "name": "place", "schema": question.schema, "strict": True}}
    if question.cap:
        asked["max_output_tokens"] = question.cap
    if question.thinks:
        asked |= {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    return asked | ({"stream": True} if stream else {})


def again(asked: dict[str, Any], heard: Heard, results: list[str]) -> dict[str, Any]:
    """The next question: what was asked, what was answered, and what the tools said."""
    said = [
        {"type": "function_call_output", "call_id": call[0], "output": text}
        for call, text in zip(heard.calls, results, strict=True)
    ]
    return asked | {"input": [*asked["input"], *heard.turn, *said]}


def hear(got: Received, *, stream: bool) -> Heard:
    """Take an answer apart; each object and event is as OpenAI describes it."""
    if got.status != 200 or not stream:
        told = got.json
        if told.get("object") != "response":
            return Heard(error=_error(told))
        spec.assert_valid(told, "Response")
        return _heard(told)
    events = [(name, json.loads(data)) for name, data in frames(got.body) if data != "[DONE]"]
    assert all(name in {"", event["type"]} for name, event in events)
    return _gathered([event for _, event in events])


def _gathered(events: list[dict[str, Any]]) -> Heard:
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        spec.assert_event(event)
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[0]["response"]["output"] == []
    assert events[0]["response"]["usage"] is None
    *begun, last = events
    assert not [event for event in begun if event["type"] in {*ENDS, "error"}], "the end comes once"
    if last["type"] == "error":
        return Heard(error=last["message"], text=_texts(begun))
    assert last["type"] in ENDS
    assert {event["response"]["id"] for event in events if "response" in event} == {last["response"]["id"]}
    heard = _heard(last["response"])
    if heard.error:
        heard.text = _texts(begun)
        return heard
    output = last["response"]["output"]
    added = [event for event in begun if event["type"] == "response.output_item.added"]
    done = [event for event in begun if event["type"] == "response.output_item.done"]
    assert [event["output_index"] for event in added] == list(range(len(output)))
    assert [event["item"] for event in done] == output, "what is done is what the whole holds"
    assert [event["item"]["id"] for event in added] == [item["id"] for item in output]
    for event in begun:
        if "item_id" in event:
            assert event["item_id"] == output[event["output_index"]]["id"]
    assert _texts(begun) == heard.text, "the deltas make up the text"
    arguments = "".join(e["delta"] for e in begun if e["type"] == "response.function_call_arguments.delta")
    assert arguments == "".join(item["arguments"] for item in output if item["type"] == "function_call")
    return heard


def _heard(told: dict[str, Any]) -> Heard:
    error: Any = told.get("error")
    if told["status"] == "failed":
        assert error["code"]
        assert error["message"]
        return Heard(error=error["message"])
    assert error is None
    why = (told.get("incomplete_details") or {}).get("reason")
    usage = told["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    heard = Heard(stop=f"{told['status']}/{why}" if why else told["status"], turn=told["output"])
    heard.usage = {
        "taken": usage["input_tokens"],
        "given": usage["output_tokens"],
        "read": usage["input_tokens_details"]["cached_tokens"],
        "write": usage["input_tokens_details"].get("cache_write_tokens", 0),
        "thought": usage["output_tokens_details"]["reasoning_tokens"],
    }
    assert all(item["id"] for item in told["output"])
    for item in told["output"]:
        match item["type"]:
            case "message":
                heard.text += "".join(part.get("text", "") for part in item["content"])
                heard.refusal += "".join(part.get("refusal", "") for part in item["content"])
            case "reasoning":
                heard.thoughts += "".join(part["text"] for part in item["summary"] + (item.get("content") or []))
                heard.seals += [item["encrypted_content"]] if item.get("encrypted_content") else []
            case "function_call":
                heard.calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
    return heard


def _texts(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")


def _error(told: dict[str, Any]) -> str:
    inner = told["error"]
    assert {"message", "type", "param", "code"} <= set(inner)
    message: str = inner["message"]
    assert message
    return message
