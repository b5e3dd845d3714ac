"""Google's Schema becomes JSON Schema; JSON Schema stays the text that it is."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from fastgw.protocols.gemini.schema_in import json_schema


def made(schema: Any) -> Any:
    return msgspec.json.decode(json_schema(msgspec.json.encode(schema)))


def test_plain_json_schema_is_the_same_text() -> None:
    text = b'{ "type":"object",  "properties":{"type":{"type":"string"},"any_of":{"type":"number"}}, "x":1.0e2}'
    assert json_schema(text) == text.decode()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "STRING"}, {"type": "string"}),
        ({"type": "TYPE_UNSPECIFIED", "description": "d"}, {"description": "d"}),
        ({"type": "STRING", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": "STRING", "nullable": False}, {"type": "string"}),
        (
            {"any_of": [{"type": "STRING"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        ({"type": "ARRAY", "items": {"type": "INTEGER"}, "max_items": "5"},
         {"type": "array", "items": {"type": "integer"}, "maxItems": 5}),
        ({"type": "STRING", "example": "x"}, {"type": "string", "examples": ["x"]}),
        ({"defs": {"A": {"type": "STRING"}}, "ref": "#/$defs/A"},
         {"$defs": {"A": {"type": "string"}}, "$ref": "#/$defs/A"}),
    ],
)  # fmt: skip
def test_each_spelling_of_google(schema: Any, expected: Any) -> None:
    assert made(schema) == expected
    Draft202012Validator.check_schema(made(schema))


def test_the_order_of_properties_is_the_one_that_was_asked_for() -> None:
    properties = {"a": {"type": "STRING"}, "b": {"type": "STRING"}, "c": {"type": "STRING"}}
    out = made({"type": "OBJECT", "properties": properties, "property_ordering": ["c", "a", "x"]})
    assert list(out["properties"]) == ["c", "a", "b"]
    assert "propertyOrdering" not in out


def test_names_of_properties_keep_their_spelling() -> None:
    out = made({"type": "OBJECT", "properties": {"max_items": {"type": "STRING"}, "nullable": {"type": "STRING"}}})
    assert out == {"type": "object", "properties": {"max_items": {"type": "string"}, "nullable": {"type": "string"}}}
