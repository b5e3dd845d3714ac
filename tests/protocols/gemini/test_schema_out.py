"""JSON Schema becomes Google's subset: whatever comes in, only what Google takes goes out, and no property is lost."""

from typing import Any

import msgspec
import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.gemini.schema_out import NODES_MAX, subset

ALLOWED = {
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
    "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering",
    "default", "items", "minimum", "maximum", "additionalProperties",
}  # fmt: skip
TYPES = {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}
FORMATS = {"STRING": {"enum", "date-time"}, "NUMBER": {"float", "double"}, "INTEGER": {"int32", "int64"}}


def made(schema: Any) -> Any:
    return subset(msgspec.json.encode(schema).decode(), lambda _: None)


def lost(schema: Any) -> set[str]:
    found: set[str] = set()
    subset(msgspec.json.encode(schema).decode(), found.add)
    return found


def in_subset(node: Any) -> None:
    assert isinstance(node, dict)
    assert node.keys() <= ALLOWED
    kind: Any = node.get("type")
    assert kind is None or kind in TYPES
    if "anyOf" in node:
        assert node.keys() == {"anyOf"}
        assert len(node["anyOf"]) > 1
        for each in node["anyOf"]:
            in_subset(each)
    if "enum" in node:
        assert kind == "STRING"
        assert node["enum"]
        assert all(isinstance(value, str) and value for value in node["enum"])
    if "format" in node:
        assert node["format"] in FORMATS[kind]
    if kind == "ARRAY":
        in_subset(node["items"])
        assert node["items"]
    else:
        assert "items" not in node
    if "properties" in node:
        assert kind == "OBJECT"
        for each in node["properties"].values():
            in_subset(each)
    assert set(node.get("required", ())) <= node.get("properties", {}).keys()
    assert isinstance(node.get("additionalProperties", True), bool)
    assert isinstance(node.get("nullable", True), bool)


NAMES = st.sampled_from(["a", "examples", "const", "$ref", "not", "type", "properties", "enum", "default"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "x", "date"]), st.just([1]))
KEYWORDS = {
    "type": st.one_of(
        st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null", "STRING", "odd"]),
        st.lists(st.sampled_from(["string", "null", "integer", "array"]), max_size=3),
        VALUES,
    ),
    "enum": st.one_of(st.lists(VALUES, max_size=3), VALUES),
    "const": VALUES,
    "required": st.one_of(st.lists(NAMES, max_size=3), VALUES),
    "propertyOrdering": st.lists(NAMES, max_size=2),
    "format": st.sampled_from(["email", "date-time", "int32", 5]),
    "additionalProperties": st.one_of(st.booleans(), st.just({"type": "string"})),
    "nullable": VALUES,
    "minItems": VALUES,
    "minimum": VALUES,
    "pattern": VALUES,
    "$ref": st.sampled_from(["#", "#/$defs/a", "#/$defs/const", "#/properties/a", "#/nowhere", "https://x.test"]),
    "description": VALUES,
    "title": VALUES,
}
for name in ("$schema", "$id", "uniqueItems", "patternProperties", "not", "if", "exclusiveMinimum", "examples", "x-y"):
    KEYWORDS[name] = VALUES


def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    nested: dict[str, st.SearchStrategy[Any]] = {
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "$defs": st.dictionaries(NAMES, inner, max_size=2),
        "items": st.one_of(inner, st.lists(inner, max_size=2)),
        "prefixItems": st.lists(inner, max_size=2),
    }
    for key in ("anyOf", "oneOf", "allOf"):
        nested[key] = st.lists(inner, max_size=3)
    return st.fixed_dictionaries({}, optional={**KEYWORDS, **nested})


SCHEMAS = st.recursive(st.one_of(st.booleans(), st.fixed_dictionaries({}, optional=KEYWORDS)), deeper, max_leaves=8)


@settings(max_examples=70, deadline=None)
@given(SCHEMAS)
def test_what_goes_out_is_within_the_subset(schema: Any) -> None:
    out = made(schema)
    in_subset(out)
    types.Schema.model_validate(out)


PLAIN = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "boolean", "description": "d"}]),
    lambda inner: st.one_of(
        st.builds(
            lambda properties: {"type": "object", "properties": properties, "required": sorted(properties)},
            st.dictionaries(NAMES, inner, min_size=1, max_size=4),
        ),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(PLAIN)
def test_what_is_within_the_subset_already_loses_nothing(schema: Any) -> None:
    def upper(node: Any) -> Any:
        out = {**node, "type": node["type"].upper()}
        if "properties" in node:
            out["properties"] = {name: upper(each) for name, each in node["properties"].items()}
        if "items" in node:
            out["items"] = upper(node["items"])
        return out

    assert made(schema) == upper(schema)
    assert lost(schema) == set()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": "a"}, {"type": "STRING", "enum": ["a"]}),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": "INTEGER", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}], "description": "d"},
            {"anyOf": [{"type": "STRING", "description": "d", "nullable": True},
                       {"type": "INTEGER", "description": "d", "nullable": True}]},
        ),
        (
            {"anyOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"type": "null"}]},
            {"anyOf": [{"type": "STRING", "nullable": True}, {"type": "INTEGER", "nullable": True}]},
        ),
        ({"type": "integer", "enum": [1, 2]}, {"type": "INTEGER", "description": "One of: 1, 2"}),
        ({"enum": ["a", "", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
        ({"type": "string", "format": "email"}, {"type": "STRING", "description": "(format: email)"}),
        ({"type": "array"}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]},
            {"type": "ARRAY", "items": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}},
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]},
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]},
        ),
        (
            {"allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "number"}}, "required": ["b"]}],
             "$defs": {"A": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}}},
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"type": "NUMBER"}},
             "required": ["a", "b"]},
        ),
        (
            {"properties": {"n": {"$ref": "#/$defs/N", "description": "here"}},
             "$defs": {"N": {"type": "integer", "description": "there"}}},
            {"type": "OBJECT", "properties": {"n": {"type": "INTEGER", "description": "here"}}},
        ),
    ],
)  # fmt: skip
def test_each_construct(schema: Any, expected: Any) -> None:
    assert made(schema) == expected


def test_names_of_properties_are_no_keywords() -> None:
    properties = {name: {"type": "string"} for name in ("examples", "const", "$schema", "not", "if", "uniqueItems")}
    out = made({"type": "object", "properties": properties})
    assert out["properties"].keys() == properties.keys()
    assert lost({"type": "object", "properties": properties}) == set()


def test_a_circle_of_references_ends_in_an_open_object() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}, "name": {"type": "string"}}}
    assert made(tree)["properties"]["next"]["properties"]["next"] == {"type": "OBJECT"}
    assert lost(tree) == {"$ref"}


def test_references_that_fan_out_end() -> None:
    doubled = {f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}"} for k in "ab"}} for n in range(40)}
    out = made({"$ref": "#/$defs/d0", "$defs": doubled})
    in_subset(out)
    assert len(msgspec.json.encode(out)) < NODES_MAX * 200
    members = {"$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}] * 3}}, "$ref": "#/$defs/A"}
    in_subset(made(members))


def test_what_is_stripped_is_told() -> None:
    schema = {"type": "object", "$schema": "s", "properties": {"a": {"type": "array", "uniqueItems": True}},
              "additionalProperties": {"type": "string"}, "patternProperties": {}}  # fmt: skip
    assert lost(schema) == {"uniqueItems", "additionalProperties", "patternProperties"}
