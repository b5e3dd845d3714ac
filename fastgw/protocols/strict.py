"""Typed decoding that loses nothing unseen: a field that a type does not know is listed as a loss, then left out.

The types of the dialects are declared with `forbid_unknown_fields=True`, so that decoding is one pass in C where a
caller sends what is known. Only an unknown field costs more: it is cut out of the bytes, every other byte stays.
"""

import re
from typing import TypeVar

import msgspec

from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.toplevel import invalid, refuse

T = TypeVar("T")

ROUNDS_MAX = 64
"""Different unknown fields in one value; a request with more is refused."""

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*?)`(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


def decode(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw, name: str, losses: Losses) -> T:
    """`raw`, which stands at the path `name` of the request. Raises `GatewayError` (400) for a wrong type."""
    data = bytes(raw)
    for _ in range(ROUNDS_MAX):
        try:
            return decoder.decode(data)
        except msgspec.ValidationError as exc:
            found = _UNKNOWN.fullmatch(str(exc))
            if found is None or "[...]" in (found["path"] or ""):
                invalid(exc, name)
            path, unknown = found["path"] or "", found["name"]
            losses.drop(f"{name}{path}.{unknown}")
            steps: list[str | int] = [int(index) if index else key for key, index in _STEP.findall(path)]
            try:
                data = _without(data, steps, unknown, _kind(data, steps))
            except (LookupError, msgspec.MsgspecError):
                # A name that is written like a path is read as one, and leads nowhere.
                refuse(f"'{name}' has an unknown field.", name)
        except msgspec.DecodeError as exc:
            refuse(f"Invalid value at '{name}': {exc}.", name)
    refuse(f"'{name}' has more than {ROUNDS_MAX} kinds of unknown fields.", name)


def _kind(data: bytes, steps: list[str | int]) -> bytes | None:
    """The `type` of the object at `steps`."""
    for step in steps:
        data = bytes(_array.decode(data)[step] if isinstance(step, int) else _object.decode(data)[step])
    kind = _object.decode(data).get("type")
    return None if kind is None else bytes(kind)


def _without(data: bytes, steps: list[str | int], unknown: str, kind: bytes | None) -> bytes:
    """`data` without the field, here and in every object of the same type in the same lists: one round for all."""
    if not steps:
        if not data.lstrip().startswith(b"{"):
            return data
        fields = _object.decode(data)
        has = fields.get("type")
        if (None if has is None else bytes(has)) == kind:
            fields.pop(unknown, None)
        return _encode(fields)
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if not data.lstrip().startswith(b"["):
            return data
        return _encode([msgspec.Raw(_without(bytes(item), rest, unknown, kind)) for item in _array.decode(data)])
    if not data.lstrip().startswith(b"{"):
        return data
    fields = _object.decode(data)
    if step in fields:
        fields[step] = msgspec.Raw(_without(bytes(fields[step]), rest, unknown, kind))
    return _encode(fields)
