"""The top level of a JSON request body: checked once, then each dialect takes its fields from it."""

from collections.abc import Iterable
from typing import Any, NoReturn

import msgspec

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.nesting import deeper_than

Fields = dict[str, msgspec.Raw]
MODEL_LENGTH_MAX = 256
OPENINGS_MAX = 2_048
"""Opening brackets of a body that is decoded before its nesting is known: the decoder recurses no deeper than that."""
LAYERS_MAX = 3
"""Of values that are opened to see how deep they nest: Gemini's functions stand in a list in an object in a list."""
LEVELS_MIN = 2
"""That must be left for a value that is opened."""

_top = msgspec.json.Decoder(Fields)
_items = msgspec.json.Decoder(list[msgspec.Raw])
HEEDED = frozenset((
    "model", "models", "stream", "stream_options", "n", "best_of", "max_tokens", "max_completion_tokens",
    "max_output_tokens", "generationConfig", "generation_config", "generateContentRequest", "generate_content_request",
    "service_tier", "serviceTier", "speed", "background", "prediction", "messages", "input", "contents", "prompt",
    "system", "instructions", "systemInstruction", "system_instruction", "tools", "functions", "previous_response_id",
    "conversation", "cachedContent", "cached_content",
))  # fmt: skip
"""Fields that decide which model answers, how much, and at which price."""
_FOLDED = frozenset(name.casefold() for name in HEEDED)
string: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
flag: msgspec.json.Decoder[bool | None] = msgspec.json.Decoder(bool | None)
count: msgspec.json.Decoder[int | None] = msgspec.json.Decoder(int | None)


def decode(body: bytes, nesting_max: int) -> Fields:
    """The fields of a body; nested values are its own bytes. Of duplicate keys the last one stands.

    Raises `GatewayError` (400) for what is no JSON object in UTF-8, or nests deeper than `nesting_max`.
    """
    if not body:
        refuse("The request has no body. Send a JSON object.", None)
    if not body.isascii():
        try:
            str(body, "utf-8")
        except UnicodeDecodeError as exc:
            refuse(f"The body is not valid UTF-8 (byte {exc.start}).", None)
    fields = _shallow(body, nesting_max)
    if fields is not None:
        return fields
    if deeper_than(body, nesting_max):
        refuse(f"The body nests deeper than {nesting_max} levels.", None)
    try:
        return _top.decode(body)
    except msgspec.ValidationError:
        refuse("The body must be a JSON object.", None)
    except msgspec.DecodeError as exc:
        refuse(f"The body is not valid JSON: {str(exc).removeprefix('JSON is malformed: ')}.", None)


def _shallow(body: bytes, nesting_max: int) -> Fields | None:
    """The fields of a body of which a few counts tell that it does not nest too deep; None if they do not.

    What has no more opening brackets than levels are allowed cannot exceed them: the body, else each of its values,
    else what those hold (messages, tools). That settles agents' requests in half the time of a scan.
    """
    opened = body.count(b"{") + body.count(b"[")
    if opened > OPENINGS_MAX:
        return None
    try:
        fields = _top.decode(body)
        if opened <= nesting_max or _agree(opened, fields.values(), nesting_max, LAYERS_MAX):
            return fields
    except (msgspec.MsgspecError, RecursionError):
        pass
    return None


def _agree(opened: int, inside: Iterable[msgspec.Raw], levels: int, layers: int) -> bool:
    """No value inside of one with `opened` brackets makes it nest deeper than `levels`, and none was overlooked: what
    is left out in favour of a later duplicate, or stands in a name, shows in the sum."""
    seen = 1
    for raw in inside:
        value = bytes(raw)
        found = value.count(b"{") + value.count(b"[")
        seen += found
        if found < levels or value.startswith(b'"'):
            continue
        if not layers or levels < LEVELS_MIN:
            return False
        inner = _items.decode(value) if value.startswith(b"[") else _top.decode(value).values()
        if not _agree(found, inner, levels - 1, layers - 1):
            return False
    return seen == opened


def refuse_lookalikes(fields: Fields) -> None:
    """Raises `GatewayError` (400) for a field that is one of `HEEDED` but for the case of its letters.

    Servers written in Go take it for that one, and of two the later (pkg.go.dev/encoding/json, Unmarshal, 2026-11): it
    would name another model or cap than those that were checked, held and priced.
    """
    names = "".join(fields)
    if names.islower() and names.isascii():
        return
    for name in fields:
        if name not in HEEDED and name.casefold() in _FOLDED:
            meant = next(known for known in sorted(HEEDED) if known.casefold() == name.casefold())
            refuse(f"Unknown parameter: '{name}'. Did you mean '{meant}'?", name)


def model(fields: Fields) -> str:
    """The model's name. Raises `GatewayError` (400) without one."""
    if "model" not in fields:
        refuse("Missing required parameter: 'model'.", "model")
    name: str = field(string, fields, "model")
    if not name or len(name) > MODEL_LENGTH_MAX:
        refuse(f"'model' must be a string of 1 to {MODEL_LENGTH_MAX} characters.", "model")
    return name


def cap(fields: Fields, *names: str) -> int:
    """The first of these fields that holds a number: a cap of output tokens, 0 if none does."""
    for name in names:
        if name in fields:
            value: int | None = field(count, fields, name)
            if value is not None:
                if value < 0:
                    refuse(f"'{name}' must not be negative.", name)
                return min(value, 2**31)
    return 0


def number(value: int) -> msgspec.Raw:
    """A number as a field's value."""
    return msgspec.Raw(b"%d" % value)


def field(decoder: msgspec.json.Decoder[Any], fields: Fields, name: str) -> Any:
    """One field, decoded. Raises `GatewayError` (400) with the JSON path of what is wrong."""
    return typed(decoder, fields[name], name)


def typed(decoder: msgspec.json.Decoder[Any], raw: bytes | msgspec.Raw, name: str) -> Any:
    """`raw`, which stands at the path `name`, decoded. Raises `GatewayError` (400)."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as exc:
        invalid(exc, name)
    except msgspec.DecodeError as exc:
        refuse(f"Invalid value at '{name}': {exc}.", name)


def invalid(exc: msgspec.ValidationError, name: str) -> NoReturn:
    """Say where below `name` a value has the wrong type."""
    what, _, where = str(exc).partition(" - at `$")
    path = name + where.rstrip("`")
    refuse(f"Invalid value at '{path}': {what[:1].lower() + what[1:]}.", path)


def refuse(message: str, param: str | None) -> NoReturn:
    """Raise the 400 that every dialect's decoder raises."""
    raise GatewayError(ErrorKind.BAD_REQUEST, message, param=param)
