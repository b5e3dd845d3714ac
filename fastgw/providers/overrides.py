"""What an operator says about a lane (`abilities = {…}` of a provider), checked and typed as `Abilities` has it."""

import difflib
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

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
        return str(error).split(" - at `", 1)[0].rstrip(".") + ".", _remedy(name)
    return None


def choices(kind: Any) -> tuple[str, ...]:
    """The words among which a field of this type, or a list of it, chooses; none if it takes others, too."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(word for inner in get_args(kind) for word in choices(inner))


def _remedy(name: str) -> str:
    if words := choices(_FIELDS[name]):
        return f"Known: {', '.join(_toml(word) for word in words)}."
    return f"It is {_toml(getattr(Abilities(), name))} by default."


def _toml(value: Any) -> str:
    """Numbers, booleans, strings, empty lists and empty tables look in TOML as they do in JSON."""
    return msgspec.json.encode(value).decode()


def _value(name: str, value: Any) -> Any:
    if name == "extra":
        if not isinstance(value, Mapping):
            raise msgspec.ValidationError("Expected `object`")
        return {key: msgspec.Raw(msgspec.json.encode(item)) for key, item in value.items()}
    if isinstance(value, int | float) and value < 0:
        raise msgspec.ValidationError("Is negative")
    return msgspec.convert(value, _FIELDS[name])
