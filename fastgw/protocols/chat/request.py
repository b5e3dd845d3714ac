"""The request of `POST /v1/chat/completions`: what the gateway reads of it, and the splice that sends it on.

Only what the gateway acts upon is typed; everything else stays the caller's own bytes, so that a field this code does
not know can never make a request fail.
"""

from typing import Any, NoReturn

import msgspec

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.nesting import deeper_than

Fields = dict[str, msgspec.Raw]


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Message(msgspec.Struct):
    role: str


_top = msgspec.json.Decoder(Fields)
_messages = msgspec.json.Decoder(list[_Message])
_string = msgspec.json.Decoder(str)
_flag = msgspec.json.Decoder(bool | None)
_count = msgspec.json.Decoder(int | None)
_stream_options = msgspec.json.Decoder(_StreamOptions | None)
_fields_of = msgspec.json.Decoder(Fields | None)
_encode = msgspec.json.Encoder().encode

_TRUE = msgspec.Raw(b"true")
_ASK_USAGE = msgspec.Raw(b'{"include_usage":true}')
_OUTPUT_CAPS = ("max_completion_tokens", "max_tokens")
CHOICES_MAX = 128
"""OpenAI's own bound of `n` (API reference, 2026-08)."""


class Peek(msgspec.Struct, frozen=True, gc=False):
    """What the gateway read of a chat request."""

    fields: Fields
    model: str
    stream: bool
    wants_usage_event: bool
    output_cap: int
    choices: int


def peek(body: bytes, nesting_max: int) -> Peek:
    """Read the top level of a chat request. Raises `GatewayError` (400) that names the JSON path of the mistake."""
    fields = _decode_top(body, nesting_max)
    if "model" not in fields:
        _refuse("Missing required parameter: 'model'.", "model")
    if "messages" not in fields:
        _refuse("Missing required parameter: 'messages'.", "messages")
    model = _field(_string, fields, "model")
    if not model or len(model) > 256:
        _refuse("'model' must be a string of 1 to 256 characters.", "model")
    if not _field(_messages, fields, "messages"):
        _refuse("'messages' must hold at least one message.", "messages")
    stream = "stream" in fields and bool(_field(_flag, fields, "stream"))
    options = _field(_stream_options, fields, "stream_options") if "stream_options" in fields else None
    said = _field(_count, fields, "n") if "n" in fields else None
    choices = 1 if said is None else said
    if not 1 <= choices <= CHOICES_MAX:
        _refuse(f"'n' must be between 1 and {CHOICES_MAX}.", "n")
    return Peek(
        fields=fields,
        model=model,
        stream=stream,
        wants_usage_event=bool(options and options.include_usage),
        output_cap=_output_cap(fields),
        choices=choices,
    )


def splice(fields: Fields, model: str, *, ask_usage: bool) -> bytes:
    """The body for the provider: the caller's, with `model` replaced and, if wanted, the usage of a stream asked for.

    Nested values are copied byte for byte; of duplicate keys the last one stands, as in the caller's own decoding.
    """
    changed = fields | {"model": msgspec.Raw(_encode(model))}
    if ask_usage:
        given = _fields_of.decode(fields["stream_options"]) if "stream_options" in fields else None
        changed["stream_options"] = msgspec.Raw(_encode(given | {"include_usage": _TRUE})) if given else _ASK_USAGE
    return _encode(changed)


def _decode_top(body: bytes, nesting_max: int) -> Fields:
    if not body:
        _refuse("The request has no body. Send a JSON object with 'model' and 'messages'.", None)
    if not body.isascii():
        try:
            str(body, "utf-8")
        except UnicodeDecodeError as exc:
            _refuse(f"The body is not valid UTF-8 (byte {exc.start}).", None)
    if deeper_than(body, nesting_max):
        _refuse(f"The body nests deeper than {nesting_max} levels.", None)
    try:
        return _top.decode(body)
    except msgspec.ValidationError:
        _refuse("The body must be a JSON object.", None)
    except msgspec.DecodeError as exc:
        _refuse(f"The body is not valid JSON: {str(exc).removeprefix('JSON is malformed: ')}.", None)


def _output_cap(fields: Fields) -> int:
    for name in _OUTPUT_CAPS:
        if name in fields:
            cap: int | None = _field(_count, fields, name)
            if cap is not None:
                if cap < 0:
                    _refuse(f"'{name}' must not be negative.", name)
                return min(cap, 2**31)
    return 0


def _field(decoder: msgspec.json.Decoder[Any], fields: Fields, name: str) -> Any:
    try:
        return decoder.decode(fields[name])
    except msgspec.ValidationError as exc:
        what, _, where = str(exc).partition(" - at `$")
        path = name + where.rstrip("`")
        _refuse(f"Invalid value at '{path}': {what[:1].lower() + what[1:]}.", path)
    except msgspec.DecodeError as exc:
        _refuse(f"Invalid value at '{name}': {exc}.", name)


def _refuse(message: str, param: str | None) -> NoReturn:
    raise GatewayError(ErrorKind.BAD_REQUEST, message, param=param)
