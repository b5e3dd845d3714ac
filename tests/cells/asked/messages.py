"""Requests of Anthropic's Messages."""

from typing import Any

from tests.cells.question import Asked
from tests.conformance import sdk_types


def read(body: dict[str, Any]) -> Asked:
    """Take a request apart; it is what Anthropic's SDK would send, and its turns alternate."""
    sdk_types.assert_messages(body)
    asked = Asked(cap=body["max_tokens"], stops=body.get("stop_sequences") or [])
    asked.system = _text(body.get("system") or "")
    for tool in body.get("tools", ()):
        # Tools that the provider runs itself have no schema.
        asked.tools[tool["name"]] = tool.get("input_schema")
    form = (body.get("output_config") or {}).get("format") or {}
    asked.schema = form.get("schema")
    roles = [message["role"] for message in body["messages"]]
    assert roles == [("user", "assistant")[number % 2] for number in range(len(roles))]
    for message in body["messages"]:
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            _block(asked, message["role"], block)
    return asked


def _block(asked: Asked, role: str, block: dict[str, Any]) -> None:
    match block["type"]:
        case "text":
            assert block["text"].strip(), "no text block is empty"
            if role == "user":
                asked.text += block["text"]
            else:
                asked.order.append("text")
        case "image":
            asked.images.append(_source(block["source"], "image/png"))
        case "document":
            asked.pdfs.append(_source(block["source"], "application/pdf"))
        case "thinking":
            asked.seals.append(block["signature"])
            asked.thoughts.append(block["thinking"])
            asked.order.append("reasoning")
        case "redacted_thinking":
            asked.seals.append(block["data"])
            asked.order.append("reasoning")
        case "tool_use":
            asked.calls.append((block["id"], block["name"], block["input"]))
            asked.order.append("call")
        case "tool_result":
            asked.results.append((block["tool_use_id"], _text(block["content"])))
            asked.order.append("result")


def _source(source: dict[str, Any], media_type: str) -> str:
    if source["type"] == "url":
        return str(source["url"])
    assert source["media_type"] == media_type
    return str(source["data"])


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
