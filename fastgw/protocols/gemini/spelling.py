"""Google reads each field in two spellings, `inlineData` and `inline_data`, also mixed in one request.

Here the second becomes the first, only where a field of the wire stands: what callers name themselves (arguments,
properties of a schema) is left alone.
"""

import re
import types
from functools import cache
from typing import Any, Union, get_args, get_origin

import msgspec

from fastgw.protocols.gemini import wire

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode
_HUMP = re.compile(r"_([a-z0-9])")
# The end of such a field's name; from its underscore on, which is quick to look for.
_SNAKE = re.compile(rb'_[a-z_]+"\s*:')

TOP = frozenset((
    "systemInstruction", "contents", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent",
    "labels", "serviceTier", "store", "continuationToken", "model", "generateContentRequest",
))  # fmt: skip
"""Fields of the request that are known by name."""


def camel(name: str) -> str:
    """`inline_data` as `inlineData`; any other text unchanged."""
    return _HUMP.sub(lambda found: found[1].upper(), name) if "_" in name else name


def top(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The top level with every known field in camel case."""
    if not any("_" in name for name in fields):
        return fields
    return {(wide if (wide := camel(name)) in TOP else name): value for name, value in fields.items()}


def respelled(raw: bytes | msgspec.Raw, kind: type[msgspec.Struct]) -> bytes:
    """`raw`, an object or a list of them, with the fields of `kind` and of what it holds in camel case.

    Values stay the sender's bytes. What is no object, or not what its place wants, is left for the decoder to refuse.
    """
    data = bytes(raw)
    if not _SNAKE.search(data):
        return data
    try:
        return _respelled(data, kind)
    except msgspec.MsgspecError:
        return data


def _respelled(data: bytes, kind: type[msgspec.Struct]) -> bytes:
    start = data.lstrip()[:1]
    if start == b"[":
        return _encode([msgspec.Raw(_respelled(bytes(item), kind)) for item in _array.decode(data)])
    if start != b"{":
        return data
    known = _known(kind)
    fields: dict[str, msgspec.Raw] = {}
    for name, value in _object.decode(data).items():
        wide = camel(name)
        if wide not in known:
            fields[name] = value
            continue
        inner = known[wide]
        fields[wide] = value if inner is None else msgspec.Raw(_respelled(bytes(value), inner))
    return _encode(fields)


@cache
def _known(kind: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct] | None]:
    known = {field.encode_name: _struct(field.type) for field in msgspec.structs.fields(kind)}
    if kind is wire.FunctionResponse:
        known["parts"] = wire.FunctionResponsePart
    return known


def _struct(annotation: Any) -> type[msgspec.Struct] | None:
    if get_origin(annotation) in (Union, types.UnionType, list):
        return next((found for inner in get_args(annotation) if (found := _struct(inner))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct) else None
