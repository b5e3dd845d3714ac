"""Seals in `thoughtSignature`: base64 on the wire, since SDKs decode it into bytes and encode it again.

Google's own signatures pass as they are. Another family's seal is carried as base64 of its tagged text, and is known
by its first characters when it comes back (also in the URL-safe alphabet, in which google-genai encodes).
"""

import base64
import binascii

from fastgw.protocols.hub.sealed import Sealed, tagged, untagged

FAMILY = "gemini"
DUMMY = "skip_thought_signature_validator"
"""For calls that another model made (ai.google.dev/gemini-api/docs/thought-signatures, 2026-11)."""

_PLAIN = (DUMMY, "context_engineering_is_the_way_to_go")
_DUMMIES = frozenset((*_PLAIN, *(base64.b64encode(each.encode()).decode() for each in _PLAIN)))
_REDACTED = "redacted."
_MARKS = (base64.b64encode(b"fgw1.").decode()[:6], base64.b64encode(_REDACTED.encode()).decode()[:12])


def carried(sealed: Sealed, *, redacted: bool = False) -> str:
    """The text of `thoughtSignature` for a caller."""
    if sealed.family == FAMILY and not redacted:
        return sealed.data
    text = tagged(sealed, FAMILY)
    return base64.b64encode(((_REDACTED + text) if redacted else text).encode("utf-8", "surrogatepass")).decode()


def foreign(text: str) -> bool:
    """The signature is another family's, in the gateway's own wrapping."""
    return text.startswith(_MARKS) and _unwrapped(text) is not None


def may_hold_foreign(data: bytes) -> bool:
    """`data` has the beginning of another family's signature somewhere; quick, and sometimes wrong."""
    return any(mark.encode() in data for mark in _MARKS)


def read(text: str | None) -> tuple[Sealed | None, bool]:
    """The seal that a caller carried, and whether it is all there is of its block. A dummy is none."""
    if not text or text in _DUMMIES:
        return None, False
    if text.startswith(_MARKS) and (bare := _unwrapped(text)) is not None:
        redacted = bare.startswith(_REDACTED)
        return untagged(bare.removeprefix(_REDACTED), FAMILY), redacted
    return Sealed(FAMILY, text), False


def _unwrapped(text: str) -> str | None:
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        bare = base64.b64decode(padded, validate=True).decode("utf-8", "surrogatepass")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return bare if bare.removeprefix(_REDACTED).startswith("fgw1.") else None
