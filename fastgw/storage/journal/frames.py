"""Frames in a stretch of bytes: the next one, or where the next good one begins. Pure."""

import enum
import struct
import zlib

from fastgw.storage.journal.layout import END, RECORD_BYTES_MAX, WORD_BYTES, frame_bytes

_WORD = struct.Struct("=Q")


class Stop(enum.Enum):
    """Why there is no frame at a place."""

    BLANK = "blank"
    """A word of zero, or nothing: not written yet, or lost."""
    ENDED = "ended"
    """The segment ends here, and its successor goes on."""
    BROKEN = "broken"
    """Something is there that no whole frame explains."""
    SHORT = "short"
    """The stretch ends within the frame: read on from here."""


def frame_at(stretch: bytes, at: int) -> bytes | Stop:
    """The payload of the frame at `at` (a multiple of 8)."""
    if len(stretch) - at < WORD_BYTES:
        return Stop.SHORT
    (word,) = _WORD.unpack_from(stretch, at)
    if word == 0:
        return Stop.BLANK
    if word == END:
        return Stop.ENDED
    size = word & 0xFFFF_FFFF
    if not 0 < size <= RECORD_BYTES_MAX:
        return Stop.BROKEN
    begin = at + WORD_BYTES
    payload = stretch[begin : begin + size]
    if len(payload) < size:
        return Stop.SHORT
    return payload if zlib.crc32(payload, size) == word >> 32 else Stop.BROKEN


def resync(stretch: bytes, at: int) -> int | None:
    """Where the first good frame, or the end of the segment, lies at or behind `at`. None: there is none.

    A chance match of the checksum has odds of 1 in 2^32 for each word that looks like a size.
    """
    while True:
        # Blank space is skipped in one step of C; what lies damaged is looked at word by word.
        rest = len(stretch) - len(stretch[at:].lstrip(b"\0"))
        at = max(at, rest & ~(WORD_BYTES - 1))
        if len(stretch) - at < WORD_BYTES:
            return None
        found = frame_at(stretch, at)
        if isinstance(found, bytes) or found is Stop.ENDED:
            return at
        at += WORD_BYTES


def step(payload: bytes) -> int:
    """How far the frame behind that of `payload` is."""
    return frame_bytes(len(payload))
