"""Schemas as Claude takes them."""

import json
from typing import Any

import pytest

from fastgw.protocols.hub.answerable import answerable


def test_a_schema_that_fits_is_passed_byte_for_byte() -> None:
    text = '{ "type":"object", "properties":{"examples":{"type":"string"}},  "additionalProperties":false }'
    assert answerable(text) is text


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"type": "object"}, {"type": "object", "additionalProperties": False}),
        (
            {"type": "integer", "minimum": 1, "description": "n"},
            {"type": "integer", "description": "n\n\n{minimum: 1}"},
        ),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "color"}, {"type": "string", "description": '{format: "color"}'}),
        ({"oneOf": [{"type": "null"}]}, {"anyOf": [{"type": "null"}]}),
        ({"$schema": "x", "type": "array", "items": {"type": "object"}, "minItems": 1},
         {"type": "array", "items": {"type": "object", "additionalProperties": False}, "minItems": 1}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"minimum": {"type": "null"}}}}},
         {"$ref": "#/$defs/A",
          "$defs": {"A": {"properties": {"minimum": {"type": "null"}}, "additionalProperties": False}}}),
    ],
)  # fmt: skip
def test_objects_are_closed_and_what_is_unknown_is_told(given: dict[str, Any], made: dict[str, Any]) -> None:
    assert json.loads(answerable(json.dumps(given))) == made


def test_an_open_object_says_so() -> None:
    made = json.loads(answerable('{"type":"object","additionalProperties":{"type":"string"}}'))
    assert made["additionalProperties"] is False
    assert "other properties" in made["description"]


@pytest.mark.parametrize("text", ["not json", "true"])
def test_what_is_no_schema_is_left_to_the_api(text: str) -> None:
    assert answerable(text) == text
