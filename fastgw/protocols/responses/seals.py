"""How callers of Responses carry seals that are not on reasoning: in a reasoning item of their own.

Items have `encrypted_content` on reasoning only. Gemini seals calls and texts too, so such a seal follows its item in a
reasoning item without words, tagged with what it belongs to; it is put back in place when it returns.
"""

from fastgw.protocols.hub.sealed import Sealed, tagged, untagged

REDACTED = "redacted"
"""Tag of reasoning that is nothing but a seal, which is not the same as reasoning whose words are withheld."""
_UNSEALED = "unsealed"
"""Tag of reasoning that no family sealed."""
UNSEALED = f"fgw1.{_UNSEALED}."
"""The `encrypted_content` of it. A provider of Responses knows no reasoning but its own: the tag tells what is not."""
OF_CALL, OF_TEXT = "of-call", "of-text"
CARRIERS = frozenset((OF_CALL, OF_TEXT))
BARE_INPUT = "input"
"""`Turn.id` of an `input` that is a bare text."""
INSTRUCTIONS = "instructions"
"""`Turn.id` of the field `instructions`."""
_NATIVE = ""
"""A family that nobody has: inside of another tag a seal always keeps its own."""


def carried_by_call(call_id: str, sealed: Sealed) -> str:
    """The `encrypted_content` for the seal of a call; its id has no dot."""
    return tagged(Sealed(OF_CALL, f"{call_id}.{tagged(sealed, _NATIVE)}"), _NATIVE)


def carried_by_text(sealed: Sealed) -> str:
    """The `encrypted_content` for the seal of the text before it."""
    return tagged(Sealed(OF_TEXT, f".{tagged(sealed, _NATIVE)}"), _NATIVE)


def redacted(sealed: Sealed) -> str:
    """The `encrypted_content` of redacted reasoning."""
    return tagged(Sealed(REDACTED, tagged(sealed, _NATIVE)), _NATIVE)


def opened(encrypted: str | None, native: str) -> tuple[Sealed | None, bool, bool]:
    """The seal that a caller sends back as `encrypted_content`; whether there is nothing but it; whether the words
    beside it are the reasoning itself, not a summary: so it is with all that is not of the family `native`."""
    if not encrypted:
        return None, False, False
    sealed = untagged(encrypted, native)
    if sealed.family == REDACTED:
        return untagged(sealed.data, native), True, True
    foreign = sealed.family != native
    return None if sealed.family == _UNSEALED else sealed, False, foreign


def carried(carrier: Sealed) -> tuple[str, Sealed]:
    """Id of the call, empty for a text, and its seal."""
    call_id, _, inner = carrier.data.partition(".")
    return call_id, untagged(inner, _NATIVE)
