"""The tap: any chunking gives the same bytes; usage, failures and cuts are seen; an error has the next number."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.responses import tap as tap_module
from fastgw.protocols.responses.tap import StreamTap
from fastgw.usage import Usage
from tests.conformance import spec
from tests.fakes.scene import Call, Say, Scene, Think, Tokens
from tests.fakes.speech import responses as fake
from tests.protocols.responses.kit import read_frames

SCENE = Scene((Think("Hm.", "E"), Say('A "usage" and an "error": ä€😀'), Call("f", '{"a":1}', "call_1")), "tools",
              tokens=Tokens(9, said=4))  # fmt: skip
FRAMES = fake.frames(SCENE, {})
STREAM = b"".join(FRAMES)
ERROR = GatewayError(ErrorKind.UPSTREAM_CUT, "The provider stopped.")


def feed(tap: StreamTap, data: bytes, cuts: list[int]) -> bytes:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    out = [tap.feed(piece) for piece in pieces if piece]
    assert all(not one or one.endswith((b"\n\n", b"\r\n\r\n")) for one in out)
    return b"".join(out) + tap.rest()


@settings(max_examples=50)
@given(st.lists(st.integers(min_value=0, max_value=100_000), max_size=20), st.booleans())
def test_any_chunking_gives_the_caller_the_same_bytes(cuts: list[int], crlf: bool) -> None:
    stream = STREAM.replace(b"\n", b"\r\n") if crlf else STREAM
    tap = StreamTap()
    assert feed(tap, stream, cuts) == stream
    assert (tap.done, tap.complete, tap.opened, tap.error) == (True, True, True, None)
    assert tap.usage == Usage(in_text=9, out_text=4)


def test_byte_by_byte() -> None:
    tap = StreamTap()
    assert b"".join(tap.feed(bytes([byte])) for byte in STREAM) == STREAM
    assert tap.usage is not None


def test_it_opens_with_more_than_announcements() -> None:
    tap = StreamTap()
    for frame in (b": hi\n\n", *FRAMES[:2]):
        assert tap.feed(frame) == frame
        assert not tap.opened
    tap.feed(FRAMES[2])
    assert tap.opened


def test_nothing_follows_the_end() -> None:
    tap = StreamTap()
    tap.feed(STREAM)
    assert (tap.feed(b"data: [DONE]\n\n"), tap.rest()) == (b"", b"")


def test_an_incomplete_answer_is_a_whole_one() -> None:
    tap = StreamTap()
    tap.feed(b"".join(fake.frames(Scene((Say("a"),), "length"), {})))
    assert (tap.done, tap.complete, tap.error) == (True, True, None)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (fake.error_frames("Boom at https://host.example/x.", 7)[0], "Boom at [redacted]"),
        (
            b'event: error\ndata: {"type":"error","code":"x","message":"Boom.","param":null,"sequence_number":2}\n\n',
            "Boom.",
        ),
        (b'data: {"error":{"message":"Boom."}}\n\n', "Boom."),
    ],
)
def test_a_failure_is_held_back_with_what_follows(frame: bytes, message: str) -> None:
    tap = StreamTap()
    begun = b"".join(FRAMES[:5])
    assert tap.feed(begun + frame + FRAMES[-1]) == begun
    assert (tap.error, tap.done, tap.complete) == (message, False, False)
    assert tap.feed(FRAMES[-1]) == tap.rest() == b""


def test_an_error_as_the_very_first_event() -> None:
    tap = StreamTap()
    assert tap.feed(b'data: {"error":{"message":"Boom."}}\n\n') == b""
    assert (tap.error, tap.opened) == ("Boom.", False)


def test_the_error_of_the_gateway_is_the_next_event() -> None:
    tap = StreamTap()
    out = tap.feed(b"".join(FRAMES[:6]))
    events = read_frames(out + tap.fail(ERROR, "x1"))
    spec.assert_event(events[-1])
    assert (events[-1]["type"], events[-1]["sequence_number"]) == ("response.failed", 6)
    assert events[-1]["response"]["id"] == events[0]["response"]["id"]
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "The provider stopped."}
    assert events[-1]["response"]["status"] == "failed"


def test_before_there_is_a_response_it_is_a_bare_one() -> None:
    (event,) = read_frames(StreamTap().fail(ERROR, "x1"))
    spec.assert_event(event)
    assert (event["type"], event["message"]) == ("error", "The provider stopped.")


def test_numbers_in_a_text_do_not_count() -> None:
    tap = StreamTap()
    tap.feed(b"".join(FRAMES[:2]))
    delta: dict[str, Any] = {
        "type": "response.output_text.delta",
        "sequence_number": 2,
        "delta": '"sequence_number":99',
    }
    tap.feed(b"data: " + msgspec.json.encode(delta) + b"\n\n")
    assert read_frames(b"".join(FRAMES[:3])[: len(FRAMES[0]) + len(FRAMES[1])])
    failed = msgspec.json.decode(tap.fail(ERROR, "x1").split(b"data: ")[1])
    assert failed["sequence_number"] == 3


def test_an_opening_of_any_size_is_kept_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap_module, "RESPONSE_BYTES_MAX", 10)
    tap = StreamTap()
    tap.feed(FRAMES[0])
    failed = msgspec.json.decode(tap.fail(ERROR, "x1").split(b"data: ")[1])["response"]
    assert (failed["id"], failed["status"], "instructions" in failed) == ("resp_PROVIDER", "failed", False)


def test_a_cut_stream_is_not_complete_and_its_last_event_is_dropped() -> None:
    tap = StreamTap()
    tap.feed(b"".join(FRAMES[:4]) + FRAMES[4][:-20])
    assert (tap.rest(), tap.complete) == (b"", False)


def test_a_last_event_without_its_empty_line_is_completed() -> None:
    tap = StreamTap()
    assert tap.feed(STREAM.rstrip()) + tap.rest() == STREAM
    assert tap.complete


def test_delivered_text_is_counted_without_usage() -> None:
    tap = StreamTap()
    for number in range(2_000):
        delta = {"type": "response.output_text.delta", "sequence_number": number, "delta": "12345678"}
        tap.feed(b"data: " + msgspec.json.encode(delta) + b"\n\n")
    assert tap.output_tokens_estimate() == 4_000
