"""Frames in bytes: what was written is found again, and nothing else is, whatever lies around it."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from fastgw.storage.journal.frames import Stop, frame_at, resync, step
from fastgw.storage.journal.layout import END, frame_word

payloads = st.lists(st.binary(min_size=1, max_size=400), min_size=1, max_size=12)


def framed(payload: bytes) -> bytes:
    return (struct.pack("=Q", frame_word(payload)) + payload).ljust(step(payload), b"\0")


@given(payloads)
def test_frames_are_read_back_in_order(parts: list[bytes]) -> None:
    stretch = b"".join(map(framed, parts)) + bytes(64)
    at, found = 0, []
    while not isinstance(payload := frame_at(stretch, at), Stop):
        found.append(payload)
        at += step(payload)
    assert found == parts
    assert payload is Stop.BLANK


@given(st.binary(min_size=1, max_size=400), st.data())
def test_a_frame_cut_off_anywhere_is_never_taken_for_whole(payload: bytes, data: st.DataObject) -> None:
    whole = framed(payload)
    cut = data.draw(st.integers(0, 7 + len(payload)))
    assert frame_at(whole[:cut], 0) is Stop.SHORT
    torn = whole[:cut].ljust(len(whole), b"\0")
    if torn != whole:
        assert isinstance(frame_at(torn, 0), Stop)


@given(st.binary(min_size=1, max_size=400), st.data())
def test_any_flipped_bit_is_noticed(payload: bytes, data: st.DataObject) -> None:
    whole = bytearray(framed(payload))
    bit = data.draw(st.integers(0, (8 + len(payload)) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    assert isinstance(frame_at(bytes(whole), 0), Stop)


@given(payloads, st.binary(max_size=200), st.integers(0, 300))
def test_reading_goes_on_behind_damage(parts: list[bytes], rubbish: bytes, blank: int) -> None:
    damage = rubbish + bytes(blank)
    damage += bytes(-len(damage) % 8)
    stretch = damage + b"".join(map(framed, parts))
    at = resync(stretch, 0)
    assert at is not None
    assert frame_at(stretch, at) == parts[0] or at < len(damage)


def test_nothing_good_is_said_to_lie_in_blank_space() -> None:
    assert resync(bytes(1_000), 0) is None
    assert resync(b"", 0) is None
    assert resync(b"\1" * 1_000, 0) is None


def test_the_end_of_a_segment_is_found_behind_damage() -> None:
    stretch = b"\7" * 16 + struct.pack("=Q", END)
    assert resync(stretch, 0) == 16
    assert frame_at(stretch, 16) is Stop.ENDED
