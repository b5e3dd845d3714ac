"""What the gateway reads of a request before anything else, and the splice that sends it to a provider of Responses."""

from collections.abc import Mapping

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.hub.dialect import Fields, Peek
from fastgw.protocols.hub.sealed import untagged
from fastgw.protocols.hub.target import Target

FAMILY = "openai"
_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
"""Fields that may stand in for `input`: the question is kept by the provider."""
_KEPT = ("previous_response_id", "conversation")
_REFERENCE = b'"item_reference"'
_SEALS = b'"reasoning.encrypted_content"'
_TAGGED = b'"fgw1.'

_input = msgspec.json.Decoder(str | list[msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_item = msgspec.json.Decoder(Fields)
_encode = msgspec.json.Encoder().encode


def peek(fields: Fields) -> Peek:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    model = toplevel.model(fields)
    if present(fields, "input"):
        if not toplevel.field(_input, fields, "input"):
            toplevel.refuse("'input' must be a text or a list with at least one item.", "input")
    elif not any(present(fields, name) for name in _ELSEWHERE):
        toplevel.refuse("Missing required parameter: 'input'.", "input")
    if "background" in fields and toplevel.field(toplevel.flag, fields, "background"):
        # The answer would come later, where nobody counts it, and could not be fetched.
        toplevel.refuse("'background' is not supported here. Ask without it, or with 'stream'.", "background")
    stateless = "store" in fields and toplevel.field(toplevel.flag, fields, "store") is False
    return Peek(
        model=model,
        stream="stream" in fields and bool(toplevel.field(toplevel.flag, fields, "stream")),
        output_cap=toplevel.cap(fields, "max_output_tokens"),
        # A kept answer may be asked about, and sealed reasoning can be read only by the account that sealed it.
        sticky=not stateless or _SEALS in bytes(fields.get("include", b"")),
        pinned=any(present(fields, name) for name in _KEPT) or _REFERENCE in bytes(fields.get("input", b"")),
    )


def splice(fields: Fields, target: Target) -> bytes:
    """The caller's body with `model` replaced. Nested values are copied byte for byte, with one exception: reasoning
    sealed by another family is taken out, and what this lane's family sealed loses the gateway's tag."""
    extra = target.abilities.extra
    changed = extra | fields if extra else dict(fields)
    if target.abilities.model_in_body:
        changed["model"] = msgspec.Raw(_encode(target.model))
    else:
        changed.pop("model", None)
    given = fields.get("input")
    if given is not None and _TAGGED in bytes(given):
        changed["input"] = _unsealed(given, target.family)
    return _encode(changed)


def present(fields: Mapping[str, msgspec.Raw], name: str) -> bool:
    """Whether a field is there and not null."""
    return name in fields and bytes(fields[name]) != b"null"


def object_text(raw: msgspec.Raw, path: str) -> str:
    """The text of an object, empty for null or for what is left out. Raises `GatewayError` (400) for anything else."""
    text = bytes(raw)
    if text in {b"", b"null"}:
        return ""
    if not text.startswith(b"{"):
        toplevel.refuse(f"Invalid value at '{path}': expected an object.", path)
    return text.decode()


def _unsealed(given: msgspec.Raw, family: str) -> msgspec.Raw:
    try:
        items = _items.decode(given)
    except msgspec.MsgspecError:
        return given
    kept = (_own(item, family) if _TAGGED in bytes(item) else item for item in items)
    return msgspec.Raw(_encode([item for item in kept if item is not None]))


def _own(raw: msgspec.Raw, family: str) -> msgspec.Raw | None:
    try:
        item = _item.decode(raw)
        sealed = untagged(msgspec.json.decode(item["encrypted_content"], type=str), FAMILY)
    except (KeyError, msgspec.MsgspecError):
        return raw
    if sealed.family != family:
        return None
    # A provider checks that sealed reasoning has the id under which it was sealed; the caller's is the gateway's.
    item.pop("id", None)
    return msgspec.Raw(_encode(item | {"encrypted_content": msgspec.Raw(_encode(sealed.data))}))
