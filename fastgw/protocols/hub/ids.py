"""Ids of tool calls between dialects: the same id always becomes the same id, so that a history stays whole."""

import hashlib
import re

_PLAIN = re.compile(r"(?:(?:call|toolu|tooluse|fc|fcall|chatcmpl-tool|srvtoolu)[_-](?=.))?([a-zA-Z0-9_-]+)")
"""An id that every provider takes; the group is what stands behind the prefix of a dialect."""


def tool_id(given: str, prefix: str, length_max: int = 64) -> str:
    """`given` as an id with `prefix` (`call_`, `toolu_`) that every provider and SDK takes: letters, digits, `_`, `-`.

    Another dialect's prefix is replaced. What is too long or has other characters becomes a digest of itself. Never
    two ids become one, short of a collision of 128 bits.
    """
    plain = _PLAIN.fullmatch(given)
    if plain is not None:
        made = given if given.startswith(prefix) and len(given) <= length_max else prefix + plain[1]
        if len(made) <= length_max:
            return made
    return prefix + hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def minted(prefix: str, exchange_id: str, number: int) -> str:
    """An id for the call `number` of an exchange whose provider gave none; unique over all turns."""
    return (
        f"{prefix}{exchange_id}_{number}"[-64:]
        if len(prefix) + len(exchange_id) < 60
        else tool_id(f"{exchange_id}_{number}", prefix)
    )
