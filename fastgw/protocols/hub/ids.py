"""Ids of tool calls between dialects: the same id always becomes the same id, so that a history stays whole."""

import hashlib
import re

_PLAIN = re.compile(r"[a-zA-Z0-9_-]+")
_KNOWN = re.compile(r"(?:call|toolu|tooluse|fc|fcall|chatcmpl-tool|srvtoolu)[_-](?=.)")


def tool_id(given: str, prefix: str, length_max: int = 64) -> str:
    """`given` as an id with `prefix` (`call_`, `toolu_`) that every provider and SDK takes: letters, digits, `_`, `-`.

    Another dialect's prefix is replaced. What is too long or has other characters becomes a digest of itself. Never
    two ids become one, short of a collision of 128 bits.
    """
    if given.startswith(prefix) and _fits(given, length_max):
        return given
    bare = _KNOWN.sub("", given, count=1) if _KNOWN.match(given) else given
    made = prefix + bare
    if bare and _fits(made, length_max):
        return made
    return prefix + hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def minted(prefix: str, exchange_id: str, number: int) -> str:
    """An id for the call `number` of an exchange whose provider gave none; unique over all turns."""
    return (
        f"{prefix}{exchange_id}_{number}"[-64:]
        if len(prefix) + len(exchange_id) < 60
        else tool_id(f"{exchange_id}_{number}", prefix)
    )


def _fits(text: str, length_max: int) -> bool:
    return len(text) <= length_max and _PLAIN.fullmatch(text) is not None
