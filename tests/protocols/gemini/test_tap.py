"""The relay between two ends that both speak Gemini: the same bytes, and what the gateway reads of them."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.gemini.tap import TEXT_BYTES_BETWEEN_COUNTS, Tap
from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.usage import Usage
from tests.protocols.gemini.kit import candidate, sse

BROKEN = GatewayError(ErrorKind.UPSTREAM_CUT, "cut")
CHUNKS = [
    {**candidate({"text": "Grüße"}), "usageMetadata": {"promptTokenCount": 2, "totalTokenCount": 2}},
    candidate({"functionCall": {"name": "f", "args": {"a": "12345"}}}),
    {
        **candidate({"text": ""}, finishReason="STOP"),
        "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 5},
    },
]
ERROR = {"error": {"code": 503, "message": "down", "status": "UNAVAILABLE"}}


def tapped(data: bytes, cuts: list[int], tap: Tap) -> bytes:
    places = [0, *sorted(cuts), len(data)]
    return b"".join(tap.feed(data[start:end]) for start, end in itertools.pairwise(places)) + tap.rest()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(sse(*CHUNKS))), max_size=10))
def test_bytes_pass_untouched_however_they_are_cut(cuts: list[int]) -> None:
    tap = DIALECT.tap(hide_usage=False)
    assert tapped(sse(*CHUNKS), cuts, tap) == sse(*CHUNKS)
    assert tap.complete
    assert tap.opened
    assert tap.usage == Usage(2, out_text=5)
    assert tap.output_tokens_estimate() == -(-(len("Grüße".encode()) + len('{"a":"12345"}')) // 4)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(sse(*CHUNKS))), max_size=10))
def test_events_become_the_elements_of_an_array(cuts: list[int]) -> None:
    tap = DIALECT.tap(hide_usage=False, framing="array")
    data = tapped(sse(*CHUNKS), cuts, tap)
    assert msgspec.json.decode(data) == CHUNKS
    assert tap.done
    assert tap.rest() == tap.fail(BROKEN, "x") == b""


@pytest.mark.parametrize("count", range(len(CHUNKS) + 1))
def test_an_array_that_breaks_off_ends_in_one_error(count: int) -> None:
    tap = DIALECT.tap(hide_usage=False, framing="array")
    said = msgspec.json.decode(tap.feed(sse(*CHUNKS[:count])) + tap.fail(BROKEN, "x"))
    assert said[:-1] == CHUNKS[:count]
    assert said[-1]["error"]["code"] == 502


def test_an_error_ends_the_stream_and_is_not_shown() -> None:
    tap = DIALECT.tap(hide_usage=False)
    assert tap.feed(sse(CHUNKS[0], ERROR, CHUNKS[1])) == sse(CHUNKS[0])
    assert tap.error == "down"
    assert not tap.complete
    assert tap.feed(sse(CHUNKS[2])) == b""
    assert tap.fail(BROKEN, "x").startswith(b'data: {"error":{"code":502')


def test_an_answer_about_errors_is_none() -> None:
    tap = DIALECT.tap(hide_usage=False)
    said = sse(candidate({"text": 'the "error": null field'}), {**candidate({"text": "a"}), "error": None})
    assert tap.feed(said) == said
    assert tap.error is None


def test_the_first_words_open_it() -> None:
    tap = DIALECT.tap(hide_usage=False)
    tap.feed(b": comment\n\n")
    tap.feed(sse({"usageMetadata": {"promptTokenCount": 2}, "modelVersion": "m"}))
    assert not tap.opened
    tap = DIALECT.tap(hide_usage=False)
    tap.feed(sse({"promptFeedback": {"blockReason": "SAFETY"}}))
    assert (tap.opened, tap.complete) == (True, True)
    for data in (b"data: <html>\n\n", b"data: 5\n\n"):
        with pytest.raises(StreamBroken):
            DIALECT.tap(hide_usage=False).feed(data)


def test_the_last_event_may_lack_its_empty_line_and_a_cut_one_is_dropped() -> None:
    data = sse(*CHUNKS).rstrip(b"\r\n")
    tap = DIALECT.tap(hide_usage=False)
    assert tap.feed(data) + tap.rest() == sse(*CHUNKS)[:-4] + b"\n\n"
    assert tap.complete
    tap = DIALECT.tap(hide_usage=False)
    assert tap.feed(data[:-3]) + tap.rest() == sse(*CHUNKS[:-1])
    assert not tap.complete


def test_a_long_stream_is_counted_in_pieces() -> None:
    tap = DIALECT.tap(hide_usage=False)
    chunk: Any = candidate({"text": "x" * 1_000})
    count = TEXT_BYTES_BETWEEN_COUNTS // 500
    for _ in range(count):
        tap.feed(sse(chunk))
    assert tap.output_tokens_estimate() == count * 250
