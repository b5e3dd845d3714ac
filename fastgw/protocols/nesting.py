"""How deep a JSON text nests, found without parsing it, so that a hostile body never reaches a recursive decoder."""

from array import array
from itertools import accumulate

_SLICE_BYTES = 64 * 1024
"""Looked at in one go: a thread that scans 32 MB lets the event loop run between two slices."""
_OTHERS = bytes(byte for byte in range(256) if byte not in b'"[]{}')
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


def deeper_than(body: bytes, depth_max: int) -> bool:
    """Whether arrays and objects in `body` nest deeper than `depth_max`. Malformed JSON gets some answer, no error.

    Its time is linear in the length of any body, also of one that is made to be slow. A body with no more opening
    brackets than `depth_max` cannot nest deeper, which settles nearly all of them at the price of two counts.
    """
    if body.count(b"{") + body.count(b"[") <= depth_max:
        return False
    if b"\\" in body:
        # Escapes stand in strings only; pairs of backslashes go first, so that what is left before a quote escapes it.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    in_string = depth = 0
    for start in range(0, len(body), _SLICE_BYTES):
        parts = body[start : start + _SLICE_BYTES].translate(None, _OTHERS).split(b'"')
        brackets = array("b", b"".join(parts[in_string::2]).translate(_STEPS))
        if brackets:
            if depth + max(accumulate(brackets)) > depth_max:
                return True
            depth += sum(brackets)
        in_string ^= (len(parts) - 1) & 1
    return False
