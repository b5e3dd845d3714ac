"""Values for JSON schemas fit them, and no schema makes them grow without end."""

from typing import Any

import jsonschema
import msgspec
import pytest

from fastgw.sandbox.example import NODES_MAX, example

SCHEMAS: list[Any] = [
    {"type": "string"},
    {"type": "string", "minLength": 20, "maxLength": 30},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "date-time"},
    {"type": "integer", "minimum": 5},
    {"type": "number", "exclusiveMinimum": 5},
    {"type": "integer", "maximum": -3},
    {"type": ["string", "null"]},
    {"type": "boolean"},
    {"type": "null"},
    {"enum": ["a", "b"]},
    {"const": {"x": 1}},
    {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3},
    {"type": "array", "minItems": 0},
    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
    {
        "type": "object",
        "properties": {"people": {"type": "array", "items": {"$ref": "#/$defs/Person"}}, "n": {"type": "integer"}},
        "required": ["people", "n"],
        "additionalProperties": False,
        "$defs": {"Person": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_fits(schema: Any) -> None:
    jsonschema.validate(example(schema), schema)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        17,
        [],
        "x",
        {"type": 3},
        {"type": []},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.org/schema"},
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"type": "array", "minItems": 10**30, "items": {"type": "array", "minItems": 10**30, "items": {"$ref": "#"}}},
        {"type": "array", "minItems": True},
        {"type": "string", "minLength": 10**30},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {str(n): {"$ref": "#"} for n in range(50)}},
        {"type": "integer", "minimum": 1e400},
        {"type": "integer", "minimum": "x", "maximum": 1e308},
    ],
)
def test_hostile_schemas_end_soon_and_small(schema: Any) -> None:
    assert len(msgspec.json.encode(example(schema))) < 50 * NODES_MAX
