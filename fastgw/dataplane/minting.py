"""Identifiers of exchanges: unique over workers and restarts, and sorted by time, which keeps indexes compact."""

import secrets

_COUNTER_MAX = 16**6


class Minter:
    """Mints `req_` + 11 hex digits of Unix milliseconds + 10 of this worker's random tag + 6 of a counter."""

    __slots__ = ("_count", "_tag")

    def __init__(self) -> None:
        self._tag = secrets.token_hex(5)
        self._count = 0

    def next(self, now_ms: int) -> str:
        """A new identifier."""
        self._count = (self._count + 1) % _COUNTER_MAX
        return f"req_{now_ms:011x}{self._tag}{self._count:06x}"
