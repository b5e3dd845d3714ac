"""The binary event stream: any cut gives the same messages, and damage is never read as one."""

import itertools
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.converse.frames import FRAME_BYTES_MAX, FrameCutter
from fastgw.protocols.hub.dialect import StreamBroken
from tests.protocols.converse.kit import frame

STREAM = frame({"a": 1}, event_type="x", message_type="event") + frame(b"", event_type="y") + frame(b"\x00\xff")
MESSAGES = [
    ({":event-type": "x", ":message-type": "event"}, b'{"a": 1}'),
    ({":event-type": "y"}, b""),
    ({}, b"\x00\xff"),
]


def test_a_known_message() -> None:
    """Of the test vectors of AWS's SDKs (`aws-c-event-stream`, `no_headers_payload`): empty, and with a payload."""
    empty = bytes.fromhex("00000010 00000000 05c248eb 7d98c8ff".replace(" ", ""))
    assert FrameCutter().cut(empty) == [({}, b"")]
    payload = (
        bytes.fromhex("0000001d 00000000 fd528c5a".replace(" ", "")) + b"{'foo':'bar'}" + bytes.fromhex("c3653936")
    )
    assert FrameCutter().cut(payload) == [({}, b"{'foo':'bar'}")]


@settings(max_examples=50)
@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_cut_gives_the_same_messages(cuts: list[int]) -> None:
    cutter = FrameCutter()
    marks = [0, *sorted(cuts), len(STREAM)]
    found = [message for start, end in itertools.pairwise(marks) for message in cutter.cut(STREAM[start:end])]
    assert found == MESSAGES
    assert cutter.empty


def test_byte_by_byte() -> None:
    cutter = FrameCutter()
    assert [message for byte in STREAM for message in cutter.cut(bytes([byte]))] == MESSAGES


@settings(max_examples=100)
@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, by: int) -> None:
    broken = bytearray(STREAM)
    broken[at] ^= by
    cutter = FrameCutter()
    with pytest.raises(StreamBroken):
        cutter.cut(bytes(broken))
        assert not cutter.empty
        raise StreamBroken("it waits for bytes that never come")


def test_headers_of_every_type_are_passed_over() -> None:
    head = b"".join(
        bytes([1]) + name + bytes([kind]) + value
        for name, kind, value in [
            (b"a", 0, b""), (b"b", 1, b""), (b"c", 2, b"\x01"), (b"d", 3, b"\x01" * 2), (b"e", 4, b"\x01" * 4),
            (b"f", 5, b"\x01" * 8), (b"g", 6, b"\x00\x02xy"), (b"h", 8, b"\x01" * 8), (b"i", 9, b"\x01" * 16),
            (b"j", 7, b"\x00\x01z"),
        ]
    )  # fmt: skip
    prelude = struct.pack(">II", 16 + len(head), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head
    assert FrameCutter().cut(message + struct.pack(">I", zlib.crc32(message))) == [({"j": "z"}, b"")]


@pytest.mark.parametrize("head", [b"\x05ab", b"\x01a\x0a", b"\x01a\x07\x00\x09z", b"\x01\xff\x00"])
def test_headers_that_make_no_sense(head: bytes) -> None:
    prelude = struct.pack(">II", 16 + len(head), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head
    with pytest.raises(StreamBroken, match="headers"):
        FrameCutter().cut(message + struct.pack(">I", zlib.crc32(message)))


@pytest.mark.parametrize(("length", "headers"), [(FRAME_BYTES_MAX + 1, 0), (15, 0), (20, 5)])
def test_lengths_that_make_no_sense_are_refused_before_anything_is_kept(length: int, headers: int) -> None:
    prelude = struct.pack(">II", length, headers)
    with pytest.raises(StreamBroken, match="makes no sense"):
        FrameCutter().cut(prelude + struct.pack(">I", zlib.crc32(prelude)))
