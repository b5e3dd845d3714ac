"""How a journal lies on disk: names, sizes and the frame around a record. No I/O lives here.

    <folder>/                      one per machine, `DATA_DIR/journal`
      .opening                     flock: a stream is being made
      .keeper                      flock: held by the process that drains
      <worker>-<time>-<random>/    one stream: what one worker process wrote, from its start to its end
        owner                      flock: held while that process lives
        0000000000.seg ...         segments of one fixed size, allocated before they are needed

A segment is a 16-byte head, then frames, each starting at a multiple of 8: one 64-bit word (low half: length of the
payload; high half: CRC-32 of it, seeded with the length), then the payload (msgpack of a `JournalRecord`), padded.
The word is stored last and in one piece, so a frame that was being written when its process died reads as absent. A
word with all bits set ends a segment whose successor goes on; a word of zero is where nothing has been written yet.
"""

import struct
import zlib

import msgspec

MAGIC = b"FGWJRNL1"
HEAD = struct.Struct("<8sQ")
"""Magic with the version of the format, and the number of the segment."""
HEAD_BYTES = HEAD.size
WORD_BYTES = 8
END = 0xFFFF_FFFF_FFFF_FFFF
"""The word that ends a segment."""

RECORD_BYTES_MAX = 4_096
"""Payload of one record; a longer one is a mistake of the caller. Also the most that a roll can leave unused."""
CLOSED_BYTES_MAX = 1_536
"""Frame of a `Closed` record, kept free for each exchange that is open."""
OPENED_BYTES_MAX = 1_280
"""Payload of an `Opened` record: its names return in `Closed`, whose numbers take at most 240 bytes more."""

OWNER = "owner"
OPENING = ".opening"
KEEPER = ".keeper"
NEW_PREFIX = ".new-"
SEGMENT_SUFFIX = ".seg"


class JournalBounds(msgspec.Struct, frozen=True):
    """Sizes and waits of one worker's journal."""

    segment_bytes: int = 2 * 1024 * 1024
    """Of one segment file, a multiple of 4,096 and at least 64 KiB."""
    undrained_bytes_max: int = 1024 * 1024 * 1024
    """Segments that the keeper has not removed yet; at this size new exchanges are refused."""
    disk_free_bytes_min: int = 64 * 1024 * 1024
    """What a new segment must leave free on the disk."""
    sync_delay_ms: int = 25
    """From the first unsynced record to `fdatasync`; with the time that the disk takes, at most 50 ms are at stake."""


def segment_name(number: int) -> str:
    """File name of segment `number`, counted from 0."""
    return f"{number:010d}{SEGMENT_SUFFIX}"


def segment_number(name: str) -> int | None:
    """The number in a segment's file name, None for any other file."""
    stem, dot, suffix = name.partition(".")
    return int(stem) if dot + suffix == SEGMENT_SUFFIX and stem.isdigit() else None


def frame_bytes(payload_bytes: int) -> int:
    """Size on disk of a frame, a multiple of 8."""
    return (payload_bytes + 2 * WORD_BYTES - 1) & ~(WORD_BYTES - 1)


def frame_word(payload: bytes) -> int:
    """The 64-bit word in front of `payload`."""
    size = len(payload)
    return zlib.crc32(payload, size) << 32 | size
