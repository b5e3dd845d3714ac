"""Checks TOML data against the types of `values`, and goes on after each mistake so that all are found in one run."""

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args, get_origin

import msgspec

from fastgw.settings.mistakes import Path, did_you_mean
from fastgw.settings.schema import bare, dec_hook, given

Report = Callable[[Path, str, str], None]
"""Takes a path, what is wrong there, and the remedy."""

MISSING = object()
"""Stands for a value that was wrong and left out."""


def clean(data: Any, wanted: Any, path: Path, report: Report) -> Any:
    """`data` without its wrong parts, or `MISSING`; each wrong part is reported once.

    What is returned converts to `wanted` (a struct, a tuple or dict of structs, or a plain type).
    """
    wanted = given(wanted)
    kind = bare(wanted)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _table(data, kind, path, report)
    arguments = get_args(kind)
    if get_origin(kind) is tuple and _is_struct(arguments[0]):
        return _array(data, arguments[0], path, report)
    if get_origin(kind) is dict and _is_struct(arguments[1]):
        return _named_tables(data, arguments[1], path, report)
    try:
        msgspec.convert(data, wanted, dec_hook=dec_hook)
    except msgspec.ValidationError as error:
        message = str(error)
        report(path, _plain(message), _type_remedy(wanted))
        return MISSING
    return data


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _table(data: Any, kind: type[msgspec.Struct], path: Path, report: Report) -> Any:
    if not isinstance(data, dict):
        report(path, "Is not a table.", "Write it as a [table] with keys below it.")
        return MISSING
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    kept = {}
    for key, value in data.items():
        if key not in fields:
            report((*path, key), "Unknown key.", did_you_mean(key, fields))
            continue
        cleaned = clean(value, fields[key].type, (*path, key), report)
        if cleaned is not MISSING:
            kept[key] = cleaned
    complete = True
    for name, field in fields.items():
        if field.required and name not in data:
            report(path, f"The key {name} is missing.", f"Add {name} = … to this table.")
        complete = complete and (not field.required or name in kept)
    return kept if complete else MISSING


def _array(data: Any, kind: type[msgspec.Struct], path: Path, report: Report) -> Any:
    if not isinstance(data, list):
        report(path, "Is not an array of tables.", f"Write [[{path[-1]}]] with two brackets.")
        return MISSING
    cleaned = [clean(item, kind, (*path, index), report) for index, item in enumerate(data)]
    return [item for item in cleaned if item is not MISSING]


def _named_tables(data: Any, kind: type[msgspec.Struct], path: Path, report: Report) -> Any:
    if not isinstance(data, dict):
        report(path, "Is not a table.", f'Write [{path[-1]}."name"] with keys below it.')
        return MISSING
    cleaned = {key: clean(item, kind, (*path, key), report) for key, item in data.items()}
    return {key: item for key, item in cleaned.items() if item is not MISSING}


def _plain(message: str) -> str:
    """The words of msgspec without its own path (` - at `$[0]``), as a sentence."""
    return message.split(" - at `", 1)[0].rstrip(".") + "."


def _type_remedy(wanted: Any) -> str:
    kind = bare(wanted)
    for meta in getattr(wanted, "__metadata__", ()):
        if meta.ge is not None:
            return f"Write a whole number from {meta.ge} to {meta.le}."
        if meta.max_length is not None:
            return f"Write a string of {meta.min_length} to {meta.max_length} characters."
    if get_origin(kind) is tuple:
        return 'Write a list of strings: ["a", "b"].'
    if get_origin(kind) is dict:
        value = '"value"' if str in get_args(kind)[1:] else "value"
        return f"Write a table: {{ name = {value} }}."
    if arguments := get_args(kind):
        return f"One of: {', '.join(str(argument) for argument in arguments)}."
    return _REMEDIES.get(kind, "")


_REMEDIES: dict[Any, str] = {
    int: "Write a whole number.",
    bool: "Write true or false.",
    datetime.date: "Write a day, like 2026-12-01.",
    Decimal: 'Write a number, or one in quotes: "0.5".',
    str: "Write a string in quotes.",
}
