"""Server-sent events: whole ones out of any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols import sse
from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.protocols.sse import EventCutter, named, payload, payloads, split_events

LINES = st.sampled_from([b"data: {}", b"data:{}", b"event: a", b": ping", b"", b"data: ", b"id: 1", b"data: \xc3\xa4"])


@given(st.lists(LINES), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, 40), max_size=8))
def test_events_fed_in_pieces_are_the_events_fed_whole(lines: list[bytes], end: bytes, cuts: list[int]) -> None:
    data = end.join([*lines, b"", b""])
    whole = EventCutter()
    expected = whole.cut(data) + whole.left()
    pieces, out, at = EventCutter(), b"", 0
    for size in cuts:
        out += pieces.cut(data[at : at + size])
        at += size
    out += pieces.cut(data[at:])
    assert out + pieces.left() == expected == data
    assert b"".join(split_events(data)) == data


def test_payloads_are_the_data_of_each_event() -> None:
    data = b"\xef\xbb\xbfdata: 1\n\n: ping\n\nevent: x\ndata: 2\ndata: 3\n\ndata:4\r\n\r\nevent: empty\n\n"
    assert payloads(data) == [b"1", b"2\n3", b"4"]
    assert payloads(b"data: a\n\ndata:b\n\nevent: e\ndata: c\n\n") == [b"a", b"b", b"c"]
    assert payload(b": ping\n\n") == b""
    assert named(b"event: message_stop\ndata: {}\n\n") == b"message_stop"
    assert named(b"data: {}\n\n") == b""


def test_an_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "CARRY_BYTES_MAX", 300_000)
    cutter = EventCutter()
    with pytest.raises(StreamBroken):
        for _ in range(100):
            cutter.cut(b"x" * 10_000)
