"""OpenAI's API description as a judge: a value is what the description says, without a field that is not in it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SPEC = Path(__file__).parents[1] / "specs" / "openai-language-2026-08.json"
ALSO = ("store", "presence_penalty", "frequency_penalty")
"""Fields of a `Response` that OpenAI sends and Open Responses (2026-04-24) demands, but OpenAI's description lacks."""
_REF = "#/components/schemas/"


def assert_valid(value: Any, name: str) -> None:
    """Hold a decoded value against the schema `name`; the message says where it is wrong."""
    wrong = [f"{error.json_path}: {_short(error)}" for error in _validator(name).iter_errors(value)]
    assert not wrong, f"not a {name}: {wrong} in {json.dumps(value)[:2_000]}"


def assert_event(event: dict[str, Any]) -> None:
    """Hold an event of a stream of Responses against the schema of its type."""
    assert event["type"] in _events(), f"there is no event {event['type']}"
    assert_valid(event, _events()[event["type"]])


def _short(error: jsonschema.ValidationError) -> str:
    if error.context:
        # Of several alternatives, the one that comes nearest tells the most.
        nearest = jsonschema.exceptions.best_match([error])
        return f"{nearest.json_path}: {nearest.message[:300]}"
    return str(error.message[:300])


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SPEC.read_bytes())
    schemas = document["components"]["schemas"]
    # Sealed reasoning is tied to its id: one made up for it is refused, none is taken, as Open Responses says too.
    schemas["ReasoningItem"]["required"].remove("id")
    # A part of an `allOf` sees only its share of the fields, so closing is left to the whole.
    parts = {name for schema in schemas.values() for name in _parts(schema)}
    own = schemas["Response"]["allOf"]
    own.append({"properties": dict.fromkeys(ALSO, True)})
    for part in own:
        if usage := part.get("properties", {}).get("usage"):
            # It is null until the response has ended, on the wire and by Open Responses.
            part["properties"]["usage"] = {"anyOf": [usage, {"type": "null"}]}
    closed = {name: schema if name in parts else _closed(schema) for name, schema in schemas.items()}
    return {"components": {"schemas": closed}}


def _parts(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for one in schema for name in _parts(one)}
    if not isinstance(schema, dict):
        return set()
    own = {one["$ref"].removeprefix(_REF) for one in schema.get("allOf", ()) if "$ref" in one}
    # What is referred to by such a part is one itself.
    return own | {name for value in schema.values() for name in _parts(value)}


def _closed(schema: Any, *, part: bool = False) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: [_closed(one, part=True) for one in value] if key == "allOf" else _closed(value)
        for key, value in schema.items()
    }
    if "oneOf" in made:
        # The description says so where several fit: a message without a type is an `EasyInputMessage` and an `Item`.
        made["anyOf"] = made.pop("oneOf")
    has_fields = isinstance(schema.get("properties"), dict) or "allOf" in schema
    if has_fields and not part and "additionalProperties" not in schema:
        made["unevaluatedProperties"] = False
    return made


@cache
def _validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(_document() | {"$ref": _REF + name})


@cache
def _events() -> dict[str, str]:
    schemas = _document()["components"]["schemas"]
    found: dict[str, str] = {}
    for one in schemas["ResponseStreamEvent"]["anyOf"]:
        name = one["$ref"].removeprefix(_REF)
        for kind in schemas[name]["properties"]["type"]["enum"]:
            found[kind] = name
    return found
