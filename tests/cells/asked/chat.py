"""Requests of OpenAI's chat completions."""

import json
from typing import Any

from tests.cells.question import Asked
from tests.conformance import spec


def read(body: dict[str, Any]) -> Asked:
    """Take a request apart; it is as OpenAI describes it, but for reasoning sent back, which others take."""
    known = json.loads(json.dumps(body))
    for message in known["messages"]:
        for extra in ("reasoning_content", "reasoning_details"):
            message.pop(extra, None)
    spec.assert_valid(known, "CreateChatCompletionRequest")
    asked = Asked(cap=body.get("max_completion_tokens", body.get("max_tokens")))
    stop = body.get("stop") or []
    asked.stops = [stop] if isinstance(stop, str) else stop
    for tool in body.get("tools", ()):
        made = tool[tool["type"]]
        asked.tools[made["name"]] = made.get("parameters")
    form = body.get("response_format") or {}
    asked.schema = (form.get("json_schema") or {}).get("schema")
    for message in body["messages"]:
        _message(asked, message)
    return asked


def _message(asked: Asked, message: dict[str, Any]) -> None:
    content = message.get("content") or []
    parts: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    match message["role"]:
        case "system" | "developer":
            asked.system += text
        case "user":
            asked.text += text
            for part in parts:
                if part["type"] == "image_url":
                    asked.images.append(_bare(part["image_url"]["url"], "image/png"))
                elif part["type"] == "file":
                    asked.pdfs.append(_bare(part["file"]["file_data"], "application/pdf"))
        case "assistant":
            asked.order += ["text"] if text else []
            for call in message.get("tool_calls") or ():
                made = call[call["type"]]
                arguments = json.loads(made["arguments"]) if "arguments" in made else made["input"]
                asked.calls.append((call["id"], made["name"], arguments))
                asked.order.append("call")
        case "tool":
            asked.results.append((message["tool_call_id"], text))
            asked.order.append("result")


def _bare(url: str, media_type: str) -> str:
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        assert head == f"data:{media_type};base64"
        return data
    return url
