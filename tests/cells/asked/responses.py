"""Requests of OpenAI's Responses."""

import json
from typing import Any

from tests.cells.question import Asked
from tests.conformance import spec


def read(body: dict[str, Any]) -> Asked:
    """Take a request apart; it is as OpenAI describes it."""
    spec.assert_valid(body, "CreateResponse")
    asked = Asked(system=body.get("instructions") or "", cap=body.get("max_output_tokens"))
    for tool in body.get("tools", ()):
        asked.tools[tool["name"]] = tool.get("parameters")
    form = (body.get("text") or {}).get("format") or {}
    asked.schema = form.get("schema")
    given = body["input"]
    items: list[dict[str, Any]] = [{"role": "user", "content": given}] if isinstance(given, str) else given
    for item in items:
        match item.get("type", "message"):
            case "message":
                _message(asked, item)
            case "reasoning":
                asked.seals += [item["encrypted_content"]] if item.get("encrypted_content") else []
                asked.thoughts.append("".join(part["text"] for part in item["summary"]))
                asked.order.append("reasoning")
            case "function_call":
                asked.calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
                asked.order.append("call")
            case "custom_tool_call":
                asked.calls.append((item["call_id"], item["name"], item["input"]))
                asked.order.append("call")
            case "function_call_output" | "custom_tool_call_output":
                asked.results.append((item["call_id"], _text(item["output"])))
                asked.order.append("result")
    return asked


def _message(asked: Asked, item: dict[str, Any]) -> None:
    content = item["content"]
    parts: list[Any] = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
    text = _text(parts)
    match item["role"]:
        case "system" | "developer":
            asked.system += text
        case "assistant":
            asked.order += ["text"] if text else []
        case _:
            asked.text += text
            for part in parts:
                if part["type"] == "input_image":
                    asked.images.append(_bare(part["image_url"], "image/png"))
                elif part["type"] == "input_file":
                    asked.pdfs.append(_bare(part["file_data"], "application/pdf"))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] in {"input_text", "output_text"})


def _bare(url: str, media_type: str) -> str:
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        assert head == f"data:{media_type};base64"
        return data
    return url
