"""What is of no use to a provider of this dialect, taken out of a request that goes there as it came.

A caller keeps what the gateway gave it: reasoning of Gemini's or OpenAI's models, under tagged seals. Once it asks one
of Claude's, that reasoning must go, for the API answers 400 to a signature that it did not make; what Claude itself
sealed loses the tag that it got on its way through another dialect. And Claude Code's first system block, which differs
with each request, goes to Anthropic alone: others' prompt caches would never hit. So do user ids of a form that others
answer 400 to. Every other byte stays.
"""

import hashlib
import re

import msgspec

from fastgw.protocols.hub.sealed import untagged
from fastgw.protocols.hub.target import Target
from fastgw.protocols.messages.seals import FAMILY, attached
from fastgw.protocols.toplevel import Fields

_TAGGED = b"fgw1."
_UNSIGNED = (b'"signature":""', b'"signature": ""')
_SEALS = {"thinking": "signature", "redacted_thinking": "data"}
_BUDGET = "budget"
_PLAIN_USER = re.compile(r"[a-zA-Z0-9_-]{1,128}")
"""What DeepSeek takes (chenhg5/cc-connect issue 864, 2026-05), and how long it may be at Zhipu and Ark (looplj/axonhub
issue 1669, 2026-05)."""
_BILLING = "x-anthropic-billing-header:"

_objects = msgspec.json.Decoder(list[Fields])
_object = msgspec.json.Decoder(Fields)
_string = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


def stripped(fields: Fields, target: Target) -> Fields:
    """The request as the lane can use it; the same object if nothing is in the way."""
    if target.family != FAMILY:
        if _BILLING.encode() in bytes(fields.get("system", b"")):
            fields = _unbilled(fields)
        if "metadata" in fields:
            fields = _known_user(fields)
    return _unsealed(fields, target)


def _unbilled(fields: Fields) -> Fields:
    try:
        blocks = _objects.decode(fields["system"])
        kept = [block for block in blocks if not _text(block, "text").startswith(_BILLING)]
    except msgspec.MsgspecError:
        # A bare text is the caller's own.
        return fields
    left = {name: value for name, value in fields.items() if name != "system"}
    return left | {"system": msgspec.Raw(_encode(kept))} if kept else left


def plain_user(user: str) -> str:
    """`user`, or a digest of one that not everybody takes, like Claude Code's: JSON of some 180 characters."""
    if not user or _PLAIN_USER.fullmatch(user):
        return user
    return hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest()


def _known_user(fields: Fields) -> Fields:
    """With a user id that everybody takes."""
    try:
        metadata = _object.decode(fields["metadata"])
        user = _text(metadata, "user_id")
    except msgspec.MsgspecError:
        return fields
    plain = plain_user(user)
    if plain == user:
        return fields
    return fields | {"metadata": msgspec.Raw(_encode(metadata | {"user_id": msgspec.Raw(_encode(plain))}))}


def _unsealed(fields: Fields, target: Target) -> Fields:
    """The request without reasoning that the lane's family cannot read.

    Where a model with a budget goes on from a message that has lost its reasoning so, it is not told to think: it
    would demand that the message begins with its own.
    """
    data = bytes(fields.get("messages", b""))
    if _TAGGED not in data and not any(mark in data for mark in _UNSIGNED):
        return fields
    try:
        given = _objects.decode(data)
        made = [_message(message, target) for message in given]
    except msgspec.MsgspecError:
        # It is wrong in some other way; the provider says in which.
        return fields
    if made == given:
        return fields
    kept = [message for message in made if message is not None]
    changed = fields | {"messages": msgspec.Raw(_encode(kept))}
    if target.abilities.reasoning == _BUDGET and "thinking" in changed and _unled(kept):
        del changed["thinking"]
    return changed


def _message(message: Fields, target: Target) -> Fields | None:
    """The message without foreign seals; None if nothing else was in it."""
    content = bytes(message.get("content", b""))
    if not content.startswith(b"[") or not (_TAGGED in content or any(mark in content for mark in _UNSIGNED)):
        return message
    blocks = _objects.decode(content)
    made = [_block(block, target) for block in blocks]
    if made == blocks:
        return message
    kept = [block for block in made if block is not None]
    return message | {"content": msgspec.Raw(_encode(kept))} if kept else None


def _block(block: Fields, target: Target) -> Fields | None:
    """The block as the lane can read it; None if it cannot."""
    name = _SEALS.get(_text(block, "type"))
    if name is None:
        return block
    seal = _text(block, name)
    if not seal:
        # Some compatible servers do not sign, and want their reasoning back all the same.
        return block if target.abilities.echo_reasoning else None
    if attached(seal) is not None:
        return None
    sealed = untagged(seal, "")
    if not sealed.family:
        return block
    return block | {name: msgspec.Raw(_encode(sealed.data))} if sealed.family == target.family else None


def _text(block: Fields, name: str) -> str:
    raw = bytes(block.get(name, b""))
    return _string.decode(raw) if raw.startswith(b'"') else ""


def _unled(messages: list[Fields]) -> bool:
    """The last message of the assistant, whose calls are answered or which is the very last one, begins with something
    else than reasoning."""
    for number in range(len(messages) - 1, -1, -1):
        if _text(messages[number], "role") == "assistant":
            if number + 1 < len(messages) and _first(messages[number + 1]) != "tool_result":
                return False
            return _first(messages[number]) not in _SEALS
    return False


def _first(message: Fields) -> str:
    """The type of the first block."""
    content = bytes(message.get("content", b""))
    blocks = _objects.decode(content) if content.startswith(b"[") else []
    return _text(blocks[0], "type") if blocks else "text"
