"""What the gateway reads of a Messages request before anything else, and the splice that sends it on untouched."""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.hub.dialect import FromPath, Peek
from fastgw.protocols.hub.target import Target
from fastgw.protocols.messages.strip import stripped
from fastgw.protocols.toplevel import Fields


class _Message(msgspec.Struct):
    role: str


_messages = msgspec.json.Decoder(list[_Message])
_encode = msgspec.json.Encoder().encode


def peek(fields: Fields, said: FromPath) -> Peek:
    """Model, `stream` and `max_tokens`. Raises `GatewayError` (400) that names the JSON path of the mistake.

    A missing `max_tokens` is left to the provider to refuse; other dialects do not demand it.
    """
    model = toplevel.model(fields)
    if "messages" not in fields:
        toplevel.refuse("messages: Field required", "messages")
    if not toplevel.field(_messages, fields, "messages"):
        toplevel.refuse("messages: at least one message is required", "messages")
    stream = "stream" in fields and bool(toplevel.field(toplevel.flag, fields, "stream"))
    return Peek(
        model=model,
        stream=stream,
        output_cap=toplevel.cap(fields, "max_tokens"),
        # A container lives in the account that made it.
        pinned=bytes(fields.get("container", b"null")).startswith(b'"'),
    )


def splice(fields: Fields, seen: Peek, target: Target) -> bytes:
    """The body for a provider of the same dialect: the caller's, with the provider's name of the model.

    Nested values are copied byte for byte, but for seals that are of no use there (`strip`). Nothing is asked for:
    every stream of this dialect carries usage.
    """
    changed = dict(stripped(fields, target))
    if target.abilities.model_in_body:
        changed["model"] = msgspec.Raw(_encode(target.model))
    else:
        changed.pop("model", None)
    for name, value in target.abilities.extra.items():
        changed.setdefault(name, value)
    return _encode(changed)
