"""The tap on a stream that passes untouched, and the look at whole answers."""

import json

import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.protocols.hub.events import Used
from fastgw.protocols.messages.read import Reader
from fastgw.protocols.messages.tap import StreamTap, read_answer, usage_in_tail
from fastgw.usage import Usage
from tests.protocols.messages.answers import Event, begun, block, ended, frames, text, thinking, tool, whole
from tests.protocols.messages.lane import WHOLE

STREAM = frames(
    begun(), {"type": "ping"}, *thinking(0, "hm", "s"), *text(1, "abc"), *tool(2, "f", "{}"), *ended("tool_use")
)


def passed(data: bytes, size: int = 1 << 20) -> tuple[bytes, StreamTap]:
    tap = StreamTap()
    out = b"".join(tap.feed(data[at : at + size]) for at in range(0, len(data), size))
    return out + tap.rest(), tap


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_bytes_pass_and_are_understood(size: int) -> None:
    out, tap = passed(STREAM, size)
    assert out == STREAM
    assert (tap.done, tap.complete, tap.opened, tap.error) == (True, True, True, None)
    assert tap.usage == Usage(in_text=9, out_text=30)
    assert tap.output_tokens_estimate() == 2


def test_only_two_events_tell_what_was_used() -> None:
    newer = {"type": "newer_event", "usage": {"output_tokens": 999}}
    assert passed(frames(begun(), newer, *ended()))[1].usage == Usage(in_text=9, out_text=30)


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends(end: bytes) -> None:
    data = STREAM.replace(b"\n", end)
    out, tap = passed(data, 11)
    assert (out, tap.done, tap.usage) == (data, True, Usage(in_text=9, out_text=30))


def test_an_announcement_is_no_answer() -> None:
    tap = StreamTap()
    tap.feed(frames(begun(), {"type": "ping"}))
    assert not tap.opened
    tap.feed(frames(*text(0, "a")[:1]))
    assert tap.opened


def test_text_about_the_end_is_not_the_end() -> None:
    _, tap = passed(frames(begun(), *text(0, "message_stop", '"error"', '"usage": {"output_tokens": 999}')))
    assert (tap.done, tap.complete, tap.error) == (False, False, None)
    assert tap.usage == Usage(in_text=9, out_text=1)


def test_a_missing_end_mark_is_added_to_an_answer_that_came_to_its_end() -> None:
    out, tap = passed(frames(begun(), *text(0, "a"), *ended()[:1]))
    assert out.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert tap.done
    out, tap = passed(frames(begun(), *text(0, "a")))
    assert b"message_stop" not in out
    assert not tap.complete


def test_a_last_event_without_its_empty_line_is_completed_or_dropped() -> None:
    assert passed(STREAM.rstrip(b"\n"))[0] == STREAM
    out, tap = passed(frames(begun(), *text(0, "a"))[:-9])
    assert out == frames(begun(), *text(0, "a")[:-1])
    assert not tap.done


def test_an_error_is_kept_back_with_all_that_follows() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "See https://api.anthropic.com"}}
    out, tap = passed(frames(begun(), *text(0, "a"), error, *text(1, "b")))
    assert out == frames(begun(), *text(0, "a"))
    assert tap.error == "See [redacted]"
    assert tap.feed(STREAM) == b""


def test_a_page_is_no_stream() -> None:
    with pytest.raises(StreamBroken):
        StreamTap().feed(b"data: <html>\n\n")


def test_it_can_be_ended_with_an_error() -> None:
    assert StreamTap().fail(GatewayError(ErrorKind.UPSTREAM_CUT, "x"), "01JX").startswith(b"event: error\ndata: {")


def test_long_texts_are_counted_as_they_pass() -> None:
    _, tap = passed(frames(begun(), *text(0, *["x" * 1_000] * 100)))
    assert tap.output_tokens_estimate() == 25_000


def test_whole_answers() -> None:
    good = read_answer(whole({"type": "text", "text": "a"}))
    assert (good.valid, good.error, good.usage) == (True, False, Usage(in_text=9, out_text=1))
    failed = read_answer(b'{"type":"error","error":{"type":"api_error","message":"x"}}')
    assert (failed.valid, failed.error) == (False, True)
    for body in (b"<html>", b"{}", b"[]", b'{"content":"a"}'):
        assert not read_answer(body).valid
    assert read_answer(b'{"content":[],"usage":7}').valid


def test_a_stream_that_is_cut_has_the_searches_that_were_seen() -> None:
    """The provider's own count comes with the end only. A search that failed has an object for its results."""

    def found(index: int, content: object) -> list[Event]:
        return block(index, {"type": "web_search_tool_result", "tool_use_id": "s", "content": content})

    failed = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
    said = text(3, '"web_search_tool_result"', json.dumps(found(9, [])[0]))
    data = frames(
        begun(), *found(0, [{"type": "web_search_result", "url": "u"}]), *found(1, failed), *found(2, []), *said
    )
    for size in (1, 1 << 20):
        assert passed(data, size)[1].usage == Usage(in_text=9, out_text=1, searches=2)
    reader = Reader(WHOLE)
    used = [one.usage for one in [*reader.feed(data), *reader.end()] if isinstance(one, Used)]
    assert used[-1] == Usage(in_text=9, out_text=1, searches=2)


def test_usage_in_the_tail() -> None:
    usage: dict[str, object] = {
        "input_tokens": 3,
        "cache_creation": {"ephemeral_1h_input_tokens": 2},
        "output_tokens": 4,
    }
    usage["server_tool_use"] = {"web_search_requests": 2}
    tail = b'..."usage":{"input_tokens":1}"}], "usage" : ' + json.dumps(usage).encode() + b"}"
    assert usage_in_tail(tail) == Usage(in_text=3, cache_write_1h=2, out_text=4, searches=2)
    assert usage_in_tail(b"nothing") is None
