"""How a seal that belongs to a text or a call is carried by a caller of this dialect, which has no field for it there.

Gemini signs calls and texts, not thoughts. Such a seal travels in a `redacted_thinking` block of its own, ahead of
what it belongs to where it was known in time, else behind it. The tag of the seal (`hub.sealed`) gets a mark in front
that says so, and the decoder puts it back on the part.
"""

import msgspec

from fastgw.protocols.hub.sealed import Sealed, tagged, untagged

FAMILY = "anthropic"
_NEXT = "next:"
_LAST = "last:"
_MARK_LENGTH = 5


class Attached(msgspec.Struct, frozen=True, gc=False):
    """A seal of a neighbour."""

    sealed: Sealed
    ahead: bool
    """The seal stands ahead of the part that it belongs to."""


def carried(sealed: Sealed, *, ahead: bool) -> str:
    """`data` of the `redacted_thinking` block for a seal of the next part (`ahead`) or of the last one."""
    # Tagged in any case: a family is told apart from a mark only so.
    return (_NEXT if ahead else _LAST) + tagged(sealed, native="")


def attached(data: str) -> Attached | None:
    """The seal of a neighbour in `data`; None if the block is a thought by itself."""
    mark = data[:_MARK_LENGTH]
    if mark not in (_NEXT, _LAST):
        return None
    sealed = untagged(data[_MARK_LENGTH:], "")
    return Attached(sealed, mark == _NEXT) if sealed.family else None
