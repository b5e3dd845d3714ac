"""Open Responses as a judge, the vendor-neutral description of the same dialect.

It knows five kinds of items, and wants `text.format.schema` to be null, which OpenAI's description forbids: answers
with other items, and to questions with a JSON Schema, cannot be held against it. Its `error` event has another shape.
"""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec

SPEC = Path(__file__).parents[2] / "specs" / "open-responses-2026-04-24.json"


def assert_events(events: list[dict[str, Any]]) -> None:
    """Hold each event of a stream against the schema of its type."""
    for event in events:
        assert_valid(event, _names()[event["type"]])


def assert_valid(value: Any, name: str) -> None:
    """Hold a decoded value against the schema `name`."""
    wrong = [f"{error.json_path}: {error.message[:300]}" for error in _validator(name).iter_errors(value)]
    assert not wrong, f"not a {name}: {wrong}"


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(SPEC.read_bytes())
    return document


@cache
def _validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(_document() | {"$ref": f"#/components/schemas/{name}"})


@cache
def _names() -> dict[str, str]:
    return {
        kind: name
        for name, schema in _document()["components"]["schemas"].items()
        if name.endswith("StreamingEvent")
        for kind in schema["properties"]["type"]["enum"]
    }
