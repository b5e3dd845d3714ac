"""Requests of Gemini's generateContent."""

import json
from typing import Any

from tests.cells.question import Asked
from tests.conformance import sdk_types


def read(body: dict[str, Any]) -> Asked:
    """Take a request apart; it is what Google's SDK would send, and its turns alternate."""
    sdk_types.assert_gemini(body)
    config = body.get("generationConfig") or {}
    asked = Asked(cap=config.get("maxOutputTokens"), stops=config.get("stopSequences") or [])
    asked.system = "".join(part["text"] for part in (body.get("systemInstruction") or {}).get("parts", ()))
    for tool in body.get("tools", ()):
        for declared in tool.get("functionDeclarations", ()):
            asked.tools[declared["name"]] = plain(declared.get("parametersJsonSchema") or declared.get("parameters"))
    asked.schema = plain(config.get("responseJsonSchema") or config.get("responseSchema"))
    if asked.schema:
        assert config["responseMimeType"] == "application/json"
    roles = [content["role"] for content in body["contents"]]
    assert roles == [("user", "model")[number % 2] for number in range(len(roles))]
    for content in body["contents"]:
        for part in content["parts"]:
            _part(asked, content["role"], part)
    return asked


def plain(schema: Any) -> Any:
    """A schema in JSON Schema's spelling: Gemini's own one writes types in capitals."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.lower() if key == "type" and isinstance(value, str) else plain(value)
        for key, value in schema.items()
        if key != "propertyOrdering"
    }


def _part(asked: Asked, role: str, part: dict[str, Any]) -> None:
    if "thoughtSignature" in part:
        asked.seals.append(part["thoughtSignature"])
    if part.get("thought"):
        asked.order.append("reasoning")
    elif "functionCall" in part:
        call = part["functionCall"]
        asked.calls.append((call.get("id") or call["name"], call["name"], call.get("args") or {}))
        asked.order.append("call")
    elif "functionResponse" in part:
        told = part["functionResponse"]
        response = told["response"]
        assert isinstance(response, dict)
        text = response.get("output", response.get("result"))
        asked.results.append((told.get("id") or told["name"], text if isinstance(text, str) else json.dumps(response)))
        asked.order.append("result")
    elif "inlineData" in part:
        _media(asked, part["inlineData"]["mimeType"], part["inlineData"]["data"])
    elif "fileData" in part:
        _media(asked, part["fileData"].get("mimeType", "image/png"), part["fileData"]["fileUri"])
    elif role == "user":
        asked.text += part["text"]
    elif part["text"]:
        asked.order.append("text")


def _media(asked: Asked, media_type: str, data: str) -> None:
    assert media_type in {"image/png", "application/pdf"}
    (asked.images if media_type == "image/png" else asked.pdfs).append(data)
