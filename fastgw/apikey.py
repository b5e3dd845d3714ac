"""API keys: minting, the checksum that catches a mistyped key, and the hash under which a key is stored.

A key is `<prefix><random><checksum>`: 27 base62 characters from 160 random bits, then 6 base62 characters of a CRC-32
over everything before them (the layout GitHub described for its tokens, github.blog 2021-04-05). The checksum is no
secret; it lets a worker reject a mistyped key without asking any store. Only the SHA-256 of a key is ever kept.
"""

import hashlib
import secrets
import string
import zlib

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_BITS = 160
_RANDOM_LENGTH = 27
_CHECKSUM_LENGTH = 6
DEFAULT_PREFIX = "sk-fgw-"
KEY_LENGTH_MAX = 256
"""Longer header values are not looked at: no key is that long."""


def mint(prefix: str = DEFAULT_PREFIX) -> str:
    """A new key with 160 random bits behind `prefix`."""
    body = prefix + _base62(secrets.randbits(_RANDOM_BITS), _RANDOM_LENGTH)
    return body + _checksum(body)


def well_formed(key: str) -> bool:
    """Whether the checksum of `key` fits. False means: mistyped, cut off, or never one of ours."""
    if not _RANDOM_LENGTH + _CHECKSUM_LENGTH <= len(key) <= KEY_LENGTH_MAX or not key.isascii():
        return False
    return _checksum(key[:-_CHECKSUM_LENGTH]) == key[-_CHECKSUM_LENGTH:]


def digest(key: str) -> str:
    """The SHA-256 of a key in lower-case hex: what stores hold in its place.

    A fast hash is right here: with 160 random bits there is nothing to guess, unlike with a password.
    """
    return hashlib.sha256(key.encode()).hexdigest()


def hint(key: str) -> str:
    """A form for lists and logs that identifies a key to its owner and to nobody else: prefix and last four."""
    return f"{key[: len(key) - _RANDOM_LENGTH - _CHECKSUM_LENGTH]}…{key[-4:]}"


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
