"""JSON Schema as the subset that Gemini reads in `parameters` and `responseSchema`.

What it takes: ai.google.dev/api/caching#Schema; what it answers 400 to: busbar's notes on the live API (2026-07-30),
gemini-cli's threads 13326 and 13694. Keywords are filtered by position: below `properties` stand names, which may be
called `examples` or `const` and are never touched.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from fastgw.protocols.gemini.schema_merge import merged

_decode = msgspec.json.Decoder().decode

DEPTH_MAX = 32
NODES_MAX = 4_096
"""Of the result: references that fan out would make a small schema an endless one."""

KEPT_MAX = 512
"""Schemas whose result is remembered, each of at most `KEPT_CHARS_MAX` characters."""
KEPT_CHARS_MAX = 16 * 1024

_TYPES = {"string": "STRING", "number": "NUMBER", "integer": "INTEGER", "boolean": "BOOLEAN", "array": "ARRAY",
          "object": "OBJECT", "null": "NULL"}  # fmt: skip
_FORMATS = {"NUMBER": ("float", "double"), "INTEGER": ("int32", "int64"), "STRING": ("enum", "date-time")}
"""Others answer 400; they become words of the description."""
_BY_TYPE = {
    "minItems": "ARRAY", "maxItems": "ARRAY", "minProperties": "OBJECT", "maxProperties": "OBJECT",
    "minLength": "STRING", "maxLength": "STRING",
}  # fmt: skip
_ANNOTATIONS = frozenset((
    "$schema", "$id", "$comment", "$defs", "definitions", "$anchor", "$ref", "examples", "deprecated", "readOnly",
    "writeOnly", "enumDescriptions", "title", "description", "default", "example", "contentMediaType", "discriminator",
    "contentEncoding",
))  # fmt: skip
"""Gone without a loss: they describe, or were inlined."""
_READ = frozenset((
    *_BY_TYPE, "type", "nullable", "enum", "const", "properties", "required", "items", "prefixItems", "anyOf", "oneOf",
    "allOf", "additionalProperties", "minimum", "maximum", "pattern", "format", "propertyOrdering",
))  # fmt: skip


def subset(raw: str, lost: Callable[[str], None]) -> dict[str, Any]:
    """The schema in Google's subset. `lost` is told each keyword that could not be kept."""
    made, told = _kept(raw) if len(raw) <= KEPT_CHARS_MAX else _made(raw)
    for keyword in told:
        lost(keyword)
    return made


def _made(raw: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    root = _decode(raw)
    told: dict[str, None] = {}
    return _Writer(root, told.setdefault).node(root, 0, ()), tuple(told)


# An agent sends the same tools with each request; nobody changes what is kept.
_kept = lru_cache(KEPT_MAX)(_made)


class _Writer:
    def __init__(self, root: Any, lost: Callable[[str], object]) -> None:
        self._root = root
        self._lost = lost
        self._nodes = 0

    def node(self, node: Any, depth: int, inside: tuple[str, ...]) -> dict[str, Any]:
        self._nodes += 1
        if not isinstance(node, dict):
            return {}
        node, inside = self._followed(node, inside)
        if depth > DEPTH_MAX or self._nodes > NODES_MAX:
            self._lost("$ref")
            return self._leaf(node)
        node = merged(node, lambda each: self._member(each, inside))
        for keyword in node:
            if keyword not in _READ and keyword not in _ANNOTATIONS:
                self._lost(keyword)
        if isinstance(node.get("anyOf"), list) and isinstance(node.get("oneOf"), list):
            self._lost("oneOf")
        variants, null = _variants(node)
        if len(variants) > 1:
            made = [self.node(merged({"allOf": [_bare(node), each]}), depth + 1, inside) for each in variants]
            if null:
                made = [_nullable(each) for each in made]
            return {"anyOf": made}
        if variants:
            node = merged({"allOf": [_bare(node), variants[0]]})
            made_one = self.node(node, depth + 1, inside) if variants[0].keys() & _NESTED else None
            if made_one is not None:
                return _nullable(made_one) if null else made_one
        return self._plain(node, null, depth, inside)

    def _followed(self, node: dict[str, Any], inside: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The node that `$ref` means, with what stands beside the reference. A circle ends in an open object."""
        while isinstance(ref := node.get("$ref"), str):
            beside = {key: value for key, value in node.items() if key != "$ref"}
            target = None if ref in inside else _pointed(self._root, ref)
            if target is None:
                self._lost("$ref")
                kind = "object" if ref in inside else None
                return ({"type": kind, **beside} if kind and "type" not in beside else beside), inside
            inside = (*inside, ref)
            node = {**target, **beside}
        return node, inside

    def _member(self, node: dict[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
        self._nodes += 1
        return self._followed(node, inside)[0] if self._nodes <= NODES_MAX else {}

    def _leaf(self, node: dict[str, Any]) -> dict[str, Any]:
        kind = node.get("type")
        made = {"type": _TYPES[kind] if isinstance(kind, str) and kind in _TYPES else "STRING"}
        return {**made, "items": {"type": "STRING"}} if made["type"] == "ARRAY" else made

    def _plain(self, node: dict[str, Any], null: bool, depth: int, inside: tuple[str, ...]) -> dict[str, Any]:
        values, null_in_enum = _enum(node)
        kind = _kind(node, values)
        made: dict[str, Any] = {"type": kind} if kind else {}
        words = [node["description"]] if isinstance(node.get("description"), str) and node["description"] else []
        for key in ("title", "default", "example"):
            if key in node and (key != "title" or isinstance(node[key], str)):
                made[key] = node[key]
        form = node.get("format")
        if isinstance(form, str) and form:
            if form in _FORMATS.get(kind, ()):
                made["format"] = form
            else:
                words.append(f"(format: {form})")
        if kind == "STRING" and all(isinstance(value, str) for value in values):
            if choices := [value for value in values if value]:
                made["enum"] = choices
        elif values:
            words.append("One of: " + ", ".join(msgspec.json.encode(value).decode() for value in values))
        if words:
            made["description"] = " ".join(words)
        if null or null_in_enum or node.get("nullable") is True:
            made["nullable"] = True
        self._bounds(node, kind, made)
        if kind == "OBJECT":
            self._object(node, made, depth, inside)
        elif kind == "ARRAY":
            made["items"] = self._items(node, depth, inside)
        return made

    def _bounds(self, node: dict[str, Any], kind: str, made: dict[str, Any]) -> None:
        for key, of in _BY_TYPE.items():
            value = node.get(key)
            if kind == of and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                made[key] = value
        for key in ("minimum", "maximum"):
            value = node.get(key)
            if kind in ("NUMBER", "INTEGER") and isinstance(value, int | float) and not isinstance(value, bool):
                made[key] = value
        if kind == "STRING" and isinstance(node.get("pattern"), str):
            made["pattern"] = node["pattern"]

    def _object(self, node: dict[str, Any], made: dict[str, Any], depth: int, inside: tuple[str, ...]) -> None:
        properties = node.get("properties")
        if isinstance(properties, dict) and properties:
            made["properties"] = {name: self.node(each, depth + 1, inside) for name, each in properties.items()}
            for key in ("required", "propertyOrdering"):
                names = node.get(key)
                if isinstance(names, list):
                    known = [
                        name for name in dict.fromkeys(n for n in names if isinstance(n, str)) if name in properties
                    ]
                    if known:
                        made[key] = known
        open_ = node.get("additionalProperties")
        if isinstance(open_, bool):
            made["additionalProperties"] = open_
        elif open_ is not None:
            # Only the boolean form is taken (the schema form answers 400).
            self._lost("additionalProperties")

    def _items(self, node: dict[str, Any], depth: int, inside: tuple[str, ...]) -> dict[str, Any]:
        """`items` is demanded of an array. A tuple becomes a choice of its members."""
        given = node.get("items")
        several = node.get("prefixItems")
        if isinstance(given, list):
            several, given = given, None
        if isinstance(several, list) and several:
            self._lost("prefixItems")
            distinct: list[dict[str, Any]] = []
            for each in (*several, *((given,) if isinstance(given, dict) else ())):
                if (made := self.node(each, depth + 1, inside) or {"type": "STRING"}) not in distinct:
                    distinct.append(made)
            return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
        made = self.node(given, depth + 1, inside)
        return made or {"type": "STRING"}


_NESTED = {"anyOf", "oneOf", "allOf", "$ref"}


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    """The same, or null. Beside `anyOf` nothing may stand."""
    if "anyOf" in made:
        return {"anyOf": [_nullable(each) for each in made["anyOf"]]}
    return {**made, "nullable": True}


def _bare(node: dict[str, Any]) -> dict[str, Any]:
    """A node without what its variants replace."""
    left_out = ("anyOf", "oneOf", "nullable") + (("type",) if isinstance(node.get("type"), list) else ())
    return {key: value for key, value in node.items() if key not in left_out}


def _variants(node: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """The alternatives of a node, and whether null is one of them. No alternative: the node itself is all there is."""
    null = node.get("nullable") is True
    given: list[Any] = []
    for key in ("anyOf", "oneOf"):
        if isinstance(node.get(key), list):
            given = given or node[key]
    if not given and isinstance(node.get("type"), list):
        given = [{"type": kind} for kind in dict.fromkeys(k for k in node["type"] if isinstance(k, str))]
    variants: list[dict[str, Any]] = []
    for each in given:
        if isinstance(each, dict) and each.get("type") == "null":
            null = True
        elif isinstance(each, dict):
            variants.append(each)
        else:
            variants.append({})
    return variants, null


def _enum(node: dict[str, Any]) -> tuple[list[Any], bool]:
    values = node["enum"] if isinstance(node.get("enum"), list) else []
    if "const" in node and not values:
        values = [node["const"]]
    return [value for value in values if value is not None], None in values


def _kind(node: dict[str, Any], values: list[Any]) -> str:  # noqa: PLR0911  one answer for each hint
    """Google's name of the type, from what else is said where none is; empty when nothing tells."""
    said = node.get("type")
    if isinstance(said, str) and said.lower() in _TYPES:
        return _TYPES[said.lower()]
    if "properties" in node or "required" in node or "additionalProperties" in node:
        return "OBJECT"
    if "items" in node or "prefixItems" in node:
        return "ARRAY"
    if values:
        first = values[0]
        for of, kind in ((str, "STRING"), (bool, "BOOLEAN"), (int, "INTEGER"), (float, "NUMBER"), (list, "ARRAY")):
            if all(isinstance(value, of) for value in values):
                return kind
        return "OBJECT" if isinstance(first, dict) else "STRING"
    if "pattern" in node or "minLength" in node or "maxLength" in node:
        return "STRING"
    return "NUMBER" if "minimum" in node or "maximum" in node else ""


def _pointed(root: Any, ref: str) -> dict[str, Any] | None:
    """What a reference into the same document points to; None if to nothing."""
    if not ref.startswith("#"):
        return None
    node = root
    for step in ref[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, dict) and name in node:
            node = node[name]
        else:
            return None
    return node if isinstance(node, dict) else None
