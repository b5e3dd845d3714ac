"""Values that fit a JSON schema: arguments of tool calls and structured answers. Bounded, whatever the schema says."""

from typing import Any

NODES_MAX = 2_000
"""Values made for one schema: references can multiply without end."""
DEPTH_MAX = 16
LENGTH_MAX = 1_000
NUMBER_MAX = 2**53
"""Larger bounds are no numbers that every JSON reader understands, and are ignored."""

_FORMATS = {
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "sandbox@example.org",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "duration": "PT1H",
}


def example(schema: Any) -> Any:
    """A value that fits the common parts of JSON Schema (types, enum, const, refs, anyOf, bounds); else null."""
    return _Maker(schema).make(schema, 0)


class _Maker:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._nodes = 0

    def make(self, schema: Any, depth: int) -> Any:
        self._nodes += 1
        if not isinstance(schema, dict) or depth > DEPTH_MAX or self._nodes > NODES_MAX:
            return None
        if "const" in schema:
            return schema["const"]
        if isinstance(values := schema.get("enum"), list) and values:
            return values[0]
        if isinstance(target := schema.get("$ref"), str):
            return self.make(self._find(target), depth + 1)
        for word in ("anyOf", "oneOf", "allOf"):
            if isinstance(ways := schema.get(word), list) and ways:
                return self.make(ways[0], depth + 1)
        return self._by_type(schema, depth)

    def _by_type(self, schema: dict[str, Any], depth: int) -> Any:  # noqa: PLR0911  one way out for each type
        kind = schema.get("type", "object" if "properties" in schema else None)
        if isinstance(kind, list):
            kind = kind[0] if kind else None
        match kind:
            case "string":
                return _text(schema)
            case "integer":
                return int(_number(schema))
            case "number":
                return _number(schema)
            case "boolean":
                return True
            case "array":
                return self._array(schema, depth)
            case "object":
                return self._object(schema, depth)
            case _:
                return None

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        count = _count(schema.get("minItems"), 1)
        return [self.make(schema.get("items"), depth + 1) for _ in range(min(count, NODES_MAX - self._nodes + 1))]

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            return {}
        return {str(name): self.make(value, depth + 1) for name, value in list(properties.items())[:NODES_MAX]}

    def _find(self, target: str) -> Any:
        if not target.startswith("#"):
            return None
        found = self._root
        for step in target.lstrip("#").strip("/").split("/")[:DEPTH_MAX]:
            if not isinstance(found, dict):
                return None
            found = found.get(step) if step else found
        return found


def _text(schema: dict[str, Any]) -> str:
    known = _FORMATS.get(str(schema.get("format")), "sandbox")
    least, most = _count(schema.get("minLength"), 0), _count(schema.get("maxLength"), LENGTH_MAX)
    return known.ljust(least, "x")[:most]


def _number(schema: dict[str, Any]) -> int | float:
    low, high = _bound(schema, "minimum", 1), _bound(schema, "maximum", -1)
    if low is not None:
        return low
    return 1 if high is None else min(high, 1)


def _bound(schema: dict[str, Any], word: str, step: int) -> int | float | None:
    """The number nearest to a bound that is inside it."""
    for name, away in ((word, 0), (f"exclusive{word.capitalize()}", step)):
        value = schema.get(name)
        if isinstance(value, int | float) and abs(value) <= NUMBER_MAX:
            return value + away
    return None


def _count(value: Any, default: int) -> int:
    return max(0, min(value, LENGTH_MAX)) if isinstance(value, int) else default
