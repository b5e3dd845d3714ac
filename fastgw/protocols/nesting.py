"""How deep a JSON text nests, found without parsing it, so that a hostile body never reaches a recursive decoder."""

import re

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def deeper_than(body: bytes, depth_max: int) -> bool:
    """Whether arrays and objects in `body` nest deeper than `depth_max`. Malformed JSON gets some answer, no error.

    A body with no more opening brackets than `depth_max` cannot nest deeper, which settles nearly all of them at the
    price of two counts.
    """
    if body.count(b"{") + body.count(b"[") <= depth_max:
        return False
    brackets = _STRINGS.sub(b"", body).translate(None, _NOT_BRACKETS)
    # Each round removes at least the innermost level, so what nests no deeper than the limit is gone by then.
    for _ in range(depth_max):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)
