"""A caller of Gemini's generateContent."""

import json
from typing import Any

from tests.cells.question import SYSTEM, TOOLS, Heard, Question, Received, frames

STOPS = {"end": "STOP", "length": "MAX_TOKENS", "stop_sequence": "STOP", "tools": "STOP", "refusal": "SAFETY"}


def path(model: str, *, stream: bool) -> str:
    """Where it asks."""
    return f"/v1beta/models/{model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"


def headers(key: str) -> dict[str, str]:
    """What it sends beside the body."""
    return {"x-goog-api-key": key}


def body(question: Question, _model: str, *, stream: bool) -> dict[str, Any]:
    """The question."""
    parts: list[dict[str, Any]] = [{"text": question.text}]
    if question.image_url:
        parts.append({"fileData": {"mimeType": "image/png", "fileUri": question.image_url}})
    if question.image:
        parts.append({"inlineData": {"mimeType": "image/png", "data": question.image}})
    if question.pdf:
        parts.append({"inlineData": {"mimeType": "application/pdf", "data": question.pdf}})
    asked: dict[str, Any] = {
        "systemInstruction": {"parts": [{"text": SYSTEM}]},
        "contents": [{"role": "user", "parts": parts}],
    }
    config: dict[str, Any] = {}
    if question.tools:
        declared = [{"name": name, "parametersJsonSchema": TOOLS[name]} for name in question.tools]
        asked["tools"] = [{"functionDeclarations": declared}]
    if question.schema:
        config |= {"responseMimeType": "application/json", "responseJsonSchema": question.schema}
    if question.cap:
        config["maxOutputTokens"] = question.cap
    if question.stops:
        config["stopSequences"] = list(question.stops)
    if question.thinks:
        config["thinkingConfig"] = {"includeThoughts": True, "thinkingBudget": 2_048}
    return asked | ({"generationConfig": config} if config else {})


def again(asked: dict[str, Any], heard: Heard, results: list[str]) -> dict[str, Any]:
    """The next question: what was asked, what was answered, and what the tools said."""
    said = [
        {"functionResponse": {"name": call[1], "response": {"output": text}} | ({"id": call[0]} if call[0] else {})}
        for call, text in zip(heard.calls, results, strict=True)
    ]
    turns = [{"role": "model", "parts": heard.turn}, {"role": "user", "parts": said}]
    return asked | {"contents": [*asked["contents"], *turns]}


def hear(got: Received, *, stream: bool) -> Heard:
    """Take an answer apart, as strictly as an SDK."""
    if got.status != 200 or not stream:
        told = got.json
        return Heard(error=_error(told)) if "error" in told else gathered([told])
    events = frames(got.body)
    assert not any(name for name, _ in events)
    assert not any(data == "[DONE]" for _, data in events)
    return gathered([json.loads(data) for _, data in events])


def gathered(chunks: list[dict[str, Any]]) -> Heard:
    """What the chunks of a stream say together."""
    heard = Heard(turn=[])
    for number, chunk in enumerate(chunks):
        if "error" in chunk:
            assert number == len(chunks) - 1
            heard.error = _error(chunk)
            return heard
        heard.stop = heard.stop or (chunk.get("promptFeedback") or {}).get("blockReason", "")
        for candidate in chunk.get("candidates") or ():
            assert candidate.get("index", 0) == 0
            assert not (heard.stop and candidate.get("finishReason")), "one finish"
            for part in (candidate.get("content") or {}).get("parts") or ():
                _add(heard, part)
            heard.stop = heard.stop or candidate.get("finishReason") or ""
        if usage := chunk.get("usageMetadata"):
            heard.usage = _usage(usage)
    return heard


def _add(heard: Heard, part: dict[str, Any]) -> None:
    heard.turn.append(part)
    if "thoughtSignature" in part:
        heard.seals.append(part["thoughtSignature"])
    if part.get("thought"):
        heard.thoughts += part.get("text", "")
    elif "functionCall" in part:
        call = part["functionCall"]
        heard.calls.append((call.get("id", ""), call["name"], call.get("args") or {}))
    else:
        heard.text += part["text"]


def _usage(usage: dict[str, Any]) -> dict[str, int]:
    thought = usage.get("thoughtsTokenCount") or 0
    said = usage.get("candidatesTokenCount") or 0
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + said + thought
    read = usage.get("cachedContentTokenCount") or 0
    return {"taken": usage["promptTokenCount"], "given": said + thought, "read": read, "thought": thought}


def _error(told: dict[str, Any]) -> str:
    inner = told["error"]
    assert isinstance(inner["code"], int)
    assert inner["status"].isupper()
    message: str = inner["message"]
    assert message
    return message
