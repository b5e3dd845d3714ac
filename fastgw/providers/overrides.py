"""What an operator says about a lane (`abilities = {…}` of a provider), checked and typed as `Abilities` has it."""

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from fastgw.protocols.hub.target import Abilities

_FIELDS = {field.name: field.type for field in msgspec.structs.fields(Abilities)}


def typed(abilities: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Abilities` that these values of a TOML file stand for.

    Raises `msgspec.ValidationError` for what `mistake` would name.
    """
    return {name: _value(name, value) for name, value in abilities.items()}


def mistake(name: str, value: Any) -> tuple[str, str] | None:
    """What is wrong with one ability as it was written, and the remedy; None if nothing is."""
    if name not in _FIELDS:
        near = difflib.get_close_matches(name, _FIELDS, n=1, cutoff=0.6)
        return "Unknown ability.", f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(_FIELDS))}."
    try:
        _value(name, value)
    except msgspec.ValidationError as error:
        return str(error).split(" - at `", 1)[0].rstrip(".") + ".", f"It is {getattr(Abilities(), name)!r} by default."
    return None


def _value(name: str, value: Any) -> Any:
    if name == "extra":
        if not isinstance(value, Mapping):
            raise msgspec.ValidationError("Expected `object`")
        return {key: msgspec.Raw(msgspec.json.encode(item)) for key, item in value.items()}
    return msgspec.convert(value, _FIELDS[name])
