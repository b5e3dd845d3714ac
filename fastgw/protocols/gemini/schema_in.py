"""Google's Schema as JSON Schema: upper-case types become lower case, `nullable` a type, 64-bit counts numbers.

Callers also put plain JSON Schema into `parameters`; what is none of Google's own spelling passes unchanged, as the
caller's own text.
"""

from functools import lru_cache
from typing import Any

import msgspec

from fastgw.protocols.gemini.spelling import camel

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

KEPT_MAX = 512
"""Schemas whose result is remembered, each of at most `KEPT_BYTES_MAX` bytes."""
KEPT_BYTES_MAX = 16 * 1024

_COUNTS = ("maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "$defs", "definitions", "defs", "patternProperties")
_SINGLE = ("items", "additionalProperties", "not")
_KEYWORDS = frozenset((
    *_COUNTS, *_LISTS, *_MAPS, *_SINGLE, "propertyOrdering", "type", "format", "title", "description", "nullable",
    "enum", "required", "pattern", "example", "default", "minimum", "maximum", "ref",
))  # fmt: skip
_TYPES = frozenset(("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "TYPE_UNSPECIFIED"))


def json_schema(raw: bytes | msgspec.Raw) -> str:
    """JSON Schema as text. The same text where nothing had to be changed."""
    text = bytes(raw)
    return _kept(text) if len(text) <= KEPT_BYTES_MAX else _made(text)


def _made(raw: bytes) -> str:
    given = _decode(raw)
    made = _node(given)
    return raw.decode() if made == given and _order(made) == _order(given) else _encode(made).decode()


# An agent sends the same tools with each request.
_kept = lru_cache(KEPT_MAX)(_made)


def _node(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    said = {(wide if (wide := camel(key)) in _KEYWORDS else key): value for key, value in node.items()}
    made: dict[str, Any] = {}
    for key, value in said.items():
        if key in _MAPS and isinstance(value, dict):
            made["$defs" if key == "defs" else key] = {name: _node(inner) for name, inner in value.items()}
        elif key in _LISTS and isinstance(value, list):
            made[key] = [_node(inner) for inner in value]
        elif key in _SINGLE:
            made[key] = _node(value)
        elif key == "type":
            if (kind := _type(value)) is not None:
                made[key] = kind
        elif key in _COUNTS and isinstance(value, str) and value.isdecimal():
            made[key] = int(value)
        elif key == "ref":
            made["$ref"] = value
        elif key == "example":
            made["examples"] = [value]
        elif key not in ("nullable", "propertyOrdering"):
            made[key] = value
    _put_in_order(made, said.get("propertyOrdering"))
    if said.get("nullable") is True:
        _admit_null(made)
    return made


def _type(value: Any) -> Any:
    if isinstance(value, str) and value in _TYPES:
        return None if value == "TYPE_UNSPECIFIED" else value.lower()
    if isinstance(value, list):
        return [_type(each) for each in value]
    return value


def _put_in_order(made: dict[str, Any], order: Any) -> None:
    """JSON Schema has no keyword for the order of properties but the order in which they stand."""
    properties = made.get("properties")
    if isinstance(order, list) and isinstance(properties, dict):
        first = [name for name in order if isinstance(name, str) and name in properties]
        made["properties"] = {name: properties[name] for name in dict.fromkeys((*first, *properties))}


def _admit_null(made: dict[str, Any]) -> None:
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
    elif isinstance(made.get("anyOf"), list):
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]


def _order(node: Any) -> Any:
    """What equality of dicts does not see."""
    if isinstance(node, dict):
        return [(key, _order(value)) for key, value in node.items()]
    return [_order(value) for value in node] if isinstance(node, list) else None
