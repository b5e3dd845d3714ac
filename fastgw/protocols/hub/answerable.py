"""JSON Schema as Claude takes it for structured output and strict tools, at Anthropic and on Bedrock.

It wants `additionalProperties: false` on every object and knows few keywords (anthropic-python 2.12
`lib/_parse/_transform.py`, 2026-11); others are answered with 400. A schema that keeps to that passes untouched. In
another one objects are closed, and what the API does not know moves into the description, where the model reads it.
"""

from typing import Any

import msgspec

_KEPT = frozenset(
    ("$defs", "$ref", "additionalProperties", "allOf", "anyOf", "const", "definitions", "description", "enum", "items",
     "properties", "required", "title", "type")
)  # fmt: skip
_FORMATS = frozenset(
    ("date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid")
)  # fmt: skip
_SILENT = frozenset(("$schema", "$id", "$comment"))
"""They say nothing to a model."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def answerable(schema: str) -> str:
    """`schema`, or one that the API takes in its place."""
    try:
        given = _decode(schema)
    except (msgspec.MsgspecError, RecursionError):
        return schema
    made = _closed(given)
    return schema if made == given else _encode(made).decode()


def _closed(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    told: list[str] = []
    for name, value in schema.items():
        if name in ("properties", "$defs", "definitions") and isinstance(value, dict):
            made[name] = {key: _closed(inner) for key, inner in value.items()}
        elif name in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
            made["anyOf" if name == "oneOf" else name] = [_closed(inner) for inner in value]
        elif name == "items":
            made[name] = _closed(value)
        elif name in _KEPT or (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1)):
            made[name] = value
        elif name not in _SILENT:
            told.append(f"{name}: {_encode(value).decode()}")
    kind = schema.get("type")
    if kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind):
        if schema.get("additionalProperties") not in (None, False):
            told.append("other properties are welcome")
        made["additionalProperties"] = False
    if told:
        words = "{" + ", ".join(told) + "}"
        made["description"] = f"{made['description']}\n\n{words}" if made.get("description") else words
    return made
