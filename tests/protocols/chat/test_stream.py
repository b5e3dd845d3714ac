"""The tap on a stream: any chunking gives the same bytes, usage is found and hidden, errors and cuts are seen."""

import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.chat.stream import StreamTap
from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.protocols.sse import CARRY_BYTES_JOINED, payload, split_events
from fastgw.usage import Usage

DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def event(value: Any, end: bytes = b"\n\n") -> bytes:
    return b"data: " + msgspec.json.encode(value) + end


def text(content: str, **extra: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}], **extra}


FINISH = event({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
USAGE_EVENT = event({"id": "c", "choices": [], "usage": USAGE})


def feed(tap: StreamTap, data: bytes, cuts: list[int]) -> bytes:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    return b"".join(tap.feed(piece) for piece in pieces if piece) + tap.rest()


streams = st.lists(
    st.one_of(
        st.text(max_size=30).map(lambda t: event(text(t))),
        st.text(max_size=8).map(lambda t: event(text(t, usage=None))),
        st.sampled_from([b": keep-alive\n\n", b"\n\n", b"event: x\ndata: {}\n\n", b'data:{"choices":[]}\n\n']),
        st.text(max_size=8).map(lambda t: event(text(t), end=b"\r\n\r\n")),
    ),
    max_size=12,
).map(b"".join)


@given(streams, st.lists(st.integers(min_value=0, max_value=10_000), max_size=20))
def test_any_chunking_gives_the_client_the_same_bytes(body: bytes, cuts: list[int]) -> None:
    whole = body + FINISH + USAGE_EVENT + DONE
    tap = StreamTap(hide_usage=False)
    assert feed(tap, whole, cuts) == whole
    assert tap.done and tap.complete
    assert tap.usage == Usage(in_text=9, out_text=4)


@given(streams, st.lists(st.integers(min_value=0, max_value=10_000), max_size=20))
def test_the_usage_event_is_hidden_and_nothing_else_is(body: bytes, cuts: list[int]) -> None:
    tap = StreamTap(hide_usage=True)
    assert feed(tap, body + FINISH + USAGE_EVENT + DONE, cuts) == body + FINISH + DONE
    assert tap.usage == Usage(in_text=9, out_text=4)


@given(streams, st.lists(st.integers(min_value=0, max_value=10_000), max_size=20))
def test_what_leaves_the_tap_always_ends_with_an_event(body: bytes, cuts: list[int]) -> None:
    data = body + FINISH
    tap = StreamTap(hide_usage=True)
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    for a, b in zip([0, *places], [*places, len(data)], strict=True):
        out = tap.feed(data[a:b])
        assert not out or out.endswith((b"\n\n", b"\r\n\r\n"))


def test_byte_by_byte_equals_whole() -> None:
    whole = event(text("ä€😀")) + FINISH + USAGE_EVENT + DONE
    one, other = StreamTap(hide_usage=True), StreamTap(hide_usage=True)
    assert b"".join(one.feed(bytes([byte])) for byte in whole) == other.feed(whole)
    assert one.usage == other.usage is not None


def test_usage_beside_the_last_choice_is_read_and_shown() -> None:
    last = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE})
    tap = StreamTap(hide_usage=True)
    assert tap.feed(last + DONE) == last + DONE
    assert tap.usage == Usage(in_text=9, out_text=4)


def test_of_usage_on_every_chunk_the_last_counts() -> None:
    tap = StreamTap(hide_usage=False)
    for count in (1, 2, 3):
        tap.feed(event(text("x", usage={"prompt_tokens": 5, "completion_tokens": count})))
    assert tap.usage == Usage(in_text=5, out_text=3)


def test_usage_in_the_text_is_not_usage() -> None:
    tap = StreamTap(hide_usage=True)
    spoof = event(text('{"usage": {"prompt_tokens": 1}}'))
    assert tap.feed(spoof) == spoof
    assert tap.usage is None


def test_an_error_event_ends_the_stream_and_is_not_forwarded() -> None:
    tap = StreamTap(hide_usage=False)
    good = event(text("a"))
    assert tap.feed(good + event({"error": {"message": "boom"}}) + DONE) == good
    assert tap.error == "boom"
    assert not tap.done
    assert tap.rest() == b""


def test_the_words_of_an_error_are_redacted() -> None:
    tap = StreamTap(hide_usage=False)
    tap.feed(event({"error": {"message": "key sk-abcdefghijklmnop at https://x.example/v1"}}))
    assert tap.error == "key [redacted] at [redacted]"


def test_a_null_error_is_no_error() -> None:
    tap = StreamTap(hide_usage=False)
    chunk = event(text("a", error=None))
    assert tap.feed(chunk) == chunk
    assert tap.error is None


def test_a_stream_without_its_end_mark_is_complete_by_its_finish_reason() -> None:
    tap = StreamTap(hide_usage=False)
    tap.feed(event(text("a")))
    before = tap.complete
    tap.feed(FINISH)
    assert tap.rest() == DONE
    assert (before, tap.complete, tap.done) == (False, True, True)


def test_a_last_event_without_its_empty_line_is_completed() -> None:
    tap = StreamTap(hide_usage=False)
    tap.feed(FINISH + b"data: [DONE]")
    assert tap.rest() == DONE
    assert tap.done


def test_a_last_event_that_was_cut_is_dropped() -> None:
    tap = StreamTap(hide_usage=False)
    assert tap.feed(event(text("a")) + b'data: {"choices":[{"ind') == event(text("a"))
    assert tap.rest() == b""
    assert not tap.complete


def test_delivered_text_is_counted_without_usage() -> None:
    tap = StreamTap(hide_usage=False)
    for _ in range(2_000):
        tap.feed(event(text("12345678")))
    assert tap.output_tokens_estimate() == 4_000


@pytest.mark.parametrize(
    ("delta", "tokens"),
    [
        ({"tool_calls": [{"index": 0, "type": "custom", "custom": {"name": "run", "input": "x" * 400}}]}, 100),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "x" * 400}]}]}, 100),
        ({"content": [{"type": "text", "text": "x" * 400}]}, 100),
        ({"reasoning": "x" * 400, "reasoning_details": [{"type": "reasoning.text", "text": "x" * 400}]}, 100),
        ({"audio": {"id": "a", "data": "A" * 64_000}}, 20),
        ({"audio": {"id": "a", "transcript": "x" * 400}}, 100),
    ],
)
def test_what_is_no_plain_text_is_counted_too(delta: dict[str, Any], tokens: int) -> None:
    tap = StreamTap(hide_usage=False)
    tap.feed(event({"id": "c", "choices": [{"index": 0, "delta": delta}]}))
    assert tap.output_tokens_estimate() == tokens


def test_an_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastgw.protocols.sse.CARRY_BYTES_MAX", 1_000)
    tap = StreamTap(hide_usage=False)
    with pytest.raises(StreamBroken):
        for _ in range(20):
            tap.feed(b"data: " + b"x" * 100)


@pytest.mark.parametrize(
    ("data", "opened", "error"),
    [
        (b": ping\n\n", False, False),
        (b"event: ping\n\n", False, False),
        (event({"id": "c", "choices": []}), True, False),
        (event(text("a")), True, False),
        (b"\xef\xbb\xbf" + event(text("a")), True, False),
        (b"data:" + msgspec.json.encode(text("a")) + b"\r\n\r\n", True, False),
        (b": hi\n\n" + event({"error": {"message": "no"}}), False, True),
        (event({"object": "error", "message": "no"}), False, True),
        (event({"type": "ping"}), False, False),
    ],
)
def test_openings(data: bytes, opened: bool, error: bool) -> None:
    tap = StreamTap(hide_usage=False)
    tap.feed(data)
    assert (tap.opened, tap.error is not None) == (opened, error)


@pytest.mark.parametrize("data", [b"data: <html>\n\n", DONE, b"data: 5\n\n"])
def test_what_is_no_stream_at_all(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        StreamTap(hide_usage=False).feed(data)


def test_a_stream_that_fails_ends_with_the_error_and_the_end_mark() -> None:
    said = StreamTap(hide_usage=False).fail(GatewayError(ErrorKind.UPSTREAM_CUT, "cut"), "e")
    assert said.startswith(b'data: {"error":{"message":"cut"') and said.endswith(DONE)


def test_broken_text_breaks_a_stream_at_its_beginning_and_passes_later() -> None:
    broken = b'data: {"object":"\xff","x":"error","usage":{"prompt_tokens":[[]]},"choices":[{}]}\n\n'
    with pytest.raises(StreamBroken):
        StreamTap(hide_usage=True).feed(broken)
    tap = StreamTap(hide_usage=True)
    assert tap.feed(FINISH) + tap.feed(broken) == FINISH + broken
    assert tap.rest() == DONE


def test_events_are_split_by_any_line_ending() -> None:
    parts = [b"data: 1\n\n", b"data: 2\r\n\r\n", b"data: 3\r\r", b"data: 4\n\n"]
    assert split_events(b"".join(parts)) == parts
    assert [payload(part) for part in parts] == [b"1", b"2", b"3", b"4"]


def test_data_of_several_lines_is_joined() -> None:
    assert payload(b"event: x\ndata: a\ndata: b\nid: 1\n\n") == b"a\nb"


@given(st.binary(min_size=1, max_size=40).map(lambda cut: cut.replace(b"\r", b"").replace(b"\n", b"")), st.data())
def test_a_long_event_comes_out_whole_however_it_arrives(tail: bytes, data: st.DataObject) -> None:
    end = data.draw(st.sampled_from((b"\n\n", b"\r\n\r\n", b"\r\r")))
    tap = StreamTap(hide_usage=False)
    tap.feed(FINISH)
    long = b"data: " + b"x" * (CARRY_BYTES_JOINED + 10)
    assert tap.feed(long) == b""
    rest = tail + end + b"data: next"
    cuts = data.draw(st.lists(st.integers(min_value=0, max_value=len(rest)), max_size=8))
    assert feed(tap, rest, cuts) == long + tail + end + DONE


def test_an_event_of_megabytes_in_small_reads_does_not_hold_up_the_worker() -> None:
    # Joined and searched anew with each read, this takes minutes; it has no deadline but the suite's own.
    tap = StreamTap(hide_usage=False)
    body = b'data: {"choices":[{"delta":{"content":"' + b"x" * 4_000_000 + b'"}}]}\n\n'
    out = [tap.feed(body[at : at + 50]) for at in range(0, len(body), 50)]
    assert b"".join(out) == body
    assert tap.output_tokens_estimate() == 1_000_000


def test_a_long_event_that_the_provider_cuts_is_dropped() -> None:
    tap = StreamTap(hide_usage=False)
    tap.feed(b"data: " + b"x" * (CARRY_BYTES_JOINED + 1))
    tap.feed(b"more")
    assert tap.rest() == b""
    assert not tap.complete


def test_counting_a_long_text_takes_little_memory() -> None:
    text = b'"content":"' + b"a" * 4_000_000 + b'"'
    tracemalloc.start()
    try:
        tap = StreamTap(hide_usage=False)
        tap.feed(FINISH)
        tap.feed(text + b"\n\n")
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert tap.output_tokens_estimate() == 1_000_000
