"""What the gateway reads of a chat request before anything else, and the splice that sends it on untouched.

Only what the gateway acts upon is typed; everything else stays the caller's own bytes, so that a field this code does
not know can never make a request fail.
"""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.chat.strip import stripped, suspect
from fastgw.protocols.hub.dialect import FromPath, Peek
from fastgw.protocols.hub.target import Target
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


def peek(fields: Fields, said: FromPath) -> Peek:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    model = toplevel.model(fields)
    if "messages" not in fields:
        toplevel.refuse("Missing required parameter: 'messages'.", "messages")
    if not toplevel.field(_messages, fields, "messages"):
        toplevel.refuse("'messages' must hold at least one message.", "messages")
    return Peek(
        model=model,
        stream=streams(fields, said),
        output_cap=toplevel.cap(fields, *_OUTPUT_CAPS),
        choices=choices(fields),
        wants_usage=wants_usage(fields),
    )


def streams(fields: Fields, said: FromPath) -> bool:
    """Whether the answer is to be a stream."""
    if said.stream is not None:
        return said.stream
    return "stream" in fields and bool(toplevel.field(toplevel.flag, fields, "stream"))


def choices(fields: Fields) -> int:
    """`n`. Raises `GatewayError` (400) outside of 1 to `CHOICES_MAX`."""
    said = toplevel.field(toplevel.count, fields, "n") if "n" in fields else None
    number: int = 1 if said is None else said
    if not 1 <= number <= CHOICES_MAX:
        toplevel.refuse(f"'n' must be between 1 and {CHOICES_MAX}.", "n")
    return number


def wants_usage(fields: Fields) -> bool:
    """Whether a stream is to end with its usage."""
    options = toplevel.field(_stream_options, fields, "stream_options") if "stream_options" in fields else None
    return bool(options and options.include_usage)


def with_cap(fields: Fields, cap: int) -> Fields:
    """The body with `cap` as its only cap, under the name that covers reasoning everywhere; `splice` gives it the older
    one for lanes that know no other."""
    changed = {name: raw for name, raw in fields.items() if name not in _OUTPUT_CAPS}
    return changed | {_NEWER_CAP: toplevel.number(cap)}


_NEWER_CAP = "max_completion_tokens"
_DEVELOPER = b'"developer"'
_SYSTEM = msgspec.Raw(b'"system"')
_turns = msgspec.json.Decoder(list[Fields])


def splice(fields: Fields, seen: Peek, target: Target) -> bytes:
    """The body for a provider of the same dialect: `model` replaced, usage of a stream asked for, the cap of the output
    under the name that the lane knows, the lane's own fields added.

    Nested values are copied byte for byte, but for reasoning that is of no use there (`strip`). Of duplicate keys the
    last one stands, as in the caller's own decoding.
    """
    changed = fields | {"model": msgspec.Raw(_encode(target.model))}
    if not target.abilities.model_in_body:
        del changed["model"]
    if seen.stream and target.abilities.stream_usage:
        given = _fields_of.decode(fields["stream_options"]) if "stream_options" in fields else None
        # Servers in Go take any case of the letters, and of two names the later.
        others = {name: raw for name, raw in (given or {}).items() if name.casefold() != "include_usage"}
        changed["stream_options"] = msgspec.Raw(_encode(others | {"include_usage": _TRUE})) if others else _ASK_USAGE
    if "messages" in changed:
        # Text completions come here, too, and have none.
        said = bytes(fields["messages"])
        if suspect(said):
            changed["messages"] = stripped(fields["messages"], target)
        if not target.abilities.developer_role and _DEVELOPER in said:
            changed["messages"] = _with_system_role(changed["messages"])
    if target.abilities.output_cap == "max_tokens" and _NEWER_CAP in changed:
        # Some compatible servers answer 400 to the newer name, others pass it over: then nothing caps the answer.
        cap = changed.pop(_NEWER_CAP)
        changed.setdefault("max_tokens", cap)
    if target.abilities.extra:
        changed = target.abilities.extra | changed
    return _encode(changed)


def _with_system_role(messages: msgspec.Raw) -> msgspec.Raw:
    """The messages, every byte of them but the role that the lane does not know."""
    turns = _turns.decode(messages)
    for turn in turns:
        if bytes(turn.get("role", b"")).strip() == _DEVELOPER:
            turn["role"] = _SYSTEM
    return msgspec.Raw(_encode(turns))
