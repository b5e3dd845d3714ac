"""AWS's own description of Converse as a judge: a value is what the shape says, without a field that is not in it."""

import base64
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

SPEC = Path(__file__).parents[2] / "specs" / "bedrock-converse-2026-11.json"


@cache
def shapes() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text("utf-8"))["shapes"]
    return found


def assert_shape(value: Any, name: str, path: str = "$") -> None:
    """Hold a decoded JSON value against a shape."""
    shape = shapes()[name]
    kind = "document" if shape.get("document") else shape["type"]
    match kind:
        case "document":
            return
        case "structure":
            _structure(value, shape, f"{path}<{name}>")
        case "list":
            assert isinstance(value, list), f"{path} is no list"
            _within(len(value), shape, path)
            for index, item in enumerate(value):
                assert_shape(item, shape["member"]["shape"], f"{path}[{index}]")
        case "map":
            for key, item in value.items():
                assert_shape(item, shape["value"]["shape"], f"{path}.{key}")
        case "string":
            assert isinstance(value, str), f"{path} is no string"
            _within(len(value), shape, path)
            assert value in shape.get("enum", [value]), f"{path}: {value} is none of {shape.get('enum')}"
            assert re.fullmatch(shape.get("pattern", ".*"), value, re.DOTALL), f"{path}: {value}"
        case "blob":
            _within(len(base64.b64decode(value, validate=True)), shape, path)
        case "boolean":
            assert isinstance(value, bool), f"{path} is no boolean"
        case "integer" | "long":
            assert isinstance(value, int), f"{path} is no integer"
            _within(value, shape, path)
        case "float":
            assert isinstance(value, int | float), f"{path} is no number"
            _within(value, shape, path)
        case _:
            raise AssertionError(f"{path}: a {kind}")


def _structure(value: Any, shape: dict[str, Any], path: str) -> None:
    assert isinstance(value, dict), f"{path} is no object"
    members = shape["members"]
    if shape.get("union"):
        assert len(value) == 1, f"{path} is a union, and has {sorted(value)}"
    for key in shape.get("required", ()):
        assert key in value, f"{path}.{key} is missing"
    for key, item in value.items():
        assert key in members, f"{path} has no {key}"
        assert_shape(item, members[key]["shape"], f"{path}.{key}")


def _within(size: float, shape: dict[str, Any], path: str) -> None:
    assert shape.get("min", size) <= size <= shape.get("max", size), f"{path}: {size}"
