"""Redemption codes: minting, the checksum that catches a mistyped one, and the hash under which one is stored.

A code is `FGW-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX`: 23 characters of Crockford's Base32 (crockford.com/base32.html, read
2026-11) from 115 random bits, then two for their checksum. That alphabet has neither I, L, O nor U; what is typed as
I, L or O is read as 1, 1 and 0, and case, spaces and dashes do not matter. Only the SHA-256 of a code is ever kept.
"""

import hashlib
import secrets

PREFIX = "FGW"
TEXT_CHARS_MAX = 64
"""Longer text is not looked at: no code is that long."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ = {**{char: value for value, char in enumerate(_ALPHABET)}, "I": 1, "L": 1, "O": 0}
_RANDOM_CHARS = 23
_CHECK_CHARS = 2
_GROUP = 5
_CHECK_PRIME = 1021


def mint() -> str:
    """A new code with 115 random bits."""
    values = [secrets.randbelow(32) for _ in range(_RANDOM_CHARS)]
    return _written([*values, *_check(values)])


def normal(text: str) -> str | None:
    """The code as `mint` writes it. None: its checksum does not fit, so it was mistyped or never one of ours."""
    if len(text) > TEXT_CHARS_MAX:
        return None
    typed = "".join(char for char in text.upper() if not char.isspace() and char not in "-–—_")
    values = [_READ.get(char, -1) for char in typed.removeprefix(PREFIX)]
    if len(values) != _RANDOM_CHARS + _CHECK_CHARS or -1 in values:
        return None
    if _check(values[:_RANDOM_CHARS]) != values[_RANDOM_CHARS:]:
        return None
    return _written(values)


def digest(code: str) -> str:
    """The SHA-256 of a `normal` code in lower-case hex. A fast hash is right: 115 random bits cannot be guessed."""
    return hashlib.sha256(code.encode()).hexdigest()


def hint(code: str) -> str:
    """A form for lists that tells codes apart and redeems nothing: the first group."""
    return f"{code[: len(PREFIX) + 1 + _GROUP]}-…"


def _check(values: list[int]) -> list[int]:
    """The number that the characters are, modulo a prime: one wrong character or two swapped ones always change it,
    because 32 has the order 68 there, and a code is shorter."""
    number = 0
    for value in values:
        number = (number * 32 + value) % _CHECK_PRIME
    return list(divmod(number, 32))


def _written(values: list[int]) -> str:
    chars = "".join(_ALPHABET[value] for value in values)
    groups = [chars[at : at + _GROUP] for at in range(0, len(chars), _GROUP)]
    return "-".join([PREFIX, *groups])
