"""The request of `POST /v1/chat/completions`: what the gateway reads of it, and the splice that sends it on.

Only what the gateway acts upon is typed; everything else stays the caller's own bytes, so that a field this code does
not know can never make a request fail.
"""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.toplevel import Fields


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Message(msgspec.Struct):
    role: str


_messages = msgspec.json.Decoder(list[_Message])
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
    fields = toplevel.decode(body, nesting_max)
    model = toplevel.model(fields)
    if "messages" not in fields:
        toplevel.refuse("Missing required parameter: 'messages'.", "messages")
    if not toplevel.field(_messages, fields, "messages"):
        toplevel.refuse("'messages' must hold at least one message.", "messages")
    stream = "stream" in fields and bool(toplevel.field(toplevel.flag, fields, "stream"))
    options = toplevel.field(_stream_options, fields, "stream_options") if "stream_options" in fields else None
    said = toplevel.field(toplevel.count, fields, "n") if "n" in fields else None
    choices = 1 if said is None else said
    if not 1 <= choices <= CHOICES_MAX:
        toplevel.refuse(f"'n' must be between 1 and {CHOICES_MAX}.", "n")
    return Peek(
        fields=fields,
        model=model,
        stream=stream,
        wants_usage_event=bool(options and options.include_usage),
        output_cap=toplevel.cap(fields, *_OUTPUT_CAPS),
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
