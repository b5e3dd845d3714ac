"""What Bedrock answers, whole and as a stream, however its bytes are cut."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.converse.dialect import DIALECT
from fastgw.protocols.converse.read import REASONS
from fastgw.protocols.hub.dialect import StreamBroken, Unusable
from fastgw.protocols.hub.events import Event, Failed, Finish, Kind, StopReason, Used
from fastgw.protocols.hub.gather import Answer, gather
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import Sequence, ordered
from fastgw.usage import Usage
from tests.protocols.converse.kit import delta, ended, event, frame, lane, stop
from tests.protocols.converse.shapes import assert_shape, shapes

METADATA = event(
    "metadata",
    {"usage": {"inputTokens": 3, "outputTokens": 7, "totalTokens": 10}, "metrics": {"latencyMs": 12}},
)
STREAM = b"".join(
    (
        event("messageStart", {"role": "assistant"}),
        delta(0, reasoningContent={"text": "hm"}),
        delta(0, reasoningContent={"text": "m"}),
        delta(0, reasoningContent={"signature": "sig"}),
        stop(0),
        delta(1, reasoningContent={"redactedContent": "cmVk"}),
        stop(1),
        delta(2, text="Let me "),
        delta(2, text="see: ü"),
        delta(2, citation={"title": "T", "location": {"web": {"url": "https://e.x"}}}),
        stop(2),
        event("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "t1", "name": "look"}}}),
        delta(3, toolUse={"input": '{"a"'}),
        delta(3, toolUse={"input": ": 1}"}),
        stop(3),
        event("contentBlockStart", {"contentBlockIndex": 4, "start": {"toolUse": {"toolUseId": "t2", "name": "now"}}}),
        stop(4),
        ended("tool_use"),
        METADATA,
    )
)
WHOLE = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hmm", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "cmVk"}},
                {
                    "citationsContent": {
                        "content": [{"text": "Let me "}, {"text": "see: ü"}],
                        "citations": [{"title": "T", "location": {"web": {"url": "https://e.x"}}}],
                    }
                },
                {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"a": 1}}},
                {"toolUse": {"toolUseId": "t2", "name": "now", "input": {}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {"inputTokens": 3, "outputTokens": 7, "totalTokens": 10},
    "metrics": {"latencyMs": 12},
}


def streamed(*pieces: bytes) -> list[Event]:
    reader = DIALECT.reader(lane())
    sequence = Sequence()
    out = [one for piece in pieces for one in sequence.order(reader.feed(piece))]
    return out + sequence.order(reader.end()) + sequence.end()


def whole(body: dict[str, Any]) -> list[Event]:
    assert_shape(body, "ConverseResponse")
    return ordered(DIALECT.decode_answer(json.dumps(body).encode(), lane()))


def shown(answer: Answer) -> list[tuple[Kind, str, str, str, Sealed | None]]:
    return [(block.kind, block.id, block.name, block.text, block.sealed) for block in answer.blocks]


EXPECTED = [
    (Kind.REASONING, "", "", "hmm", Sealed("anthropic", "sig")),
    (Kind.REDACTED, "", "", "", Sealed("anthropic", "cmVk")),
    (Kind.TEXT, "", "", "Let me see: ü", None),
    (Kind.TOOL_CALL, "t1", "look", '{"a": 1}', None),
    (Kind.TOOL_CALL, "t2", "now", "", None),
]


def test_a_stream() -> None:
    answer = gather(streamed(STREAM))
    assert shown(answer) == EXPECTED
    assert answer.finish().reason is StopReason.TOOLS
    assert answer.usage == Usage(in_text=3, out_text=7)
    (cited,) = answer.blocks[2].citations
    assert (cited.kind, cited.url, cited.title, cited.start, cited.end) == ("url", "https://e.x", "T", 0, 13)


def test_a_whole_answer_says_the_same() -> None:
    answer = gather(whole(WHOLE))
    assert shown(answer) == EXPECTED
    assert answer.finish().reason is StopReason.TOOLS
    assert answer.usage == Usage(in_text=3, out_text=7)
    assert answer.blocks[2].citations == gather(streamed(STREAM)).blocks[2].citations


@settings(max_examples=50)
@given(st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    marks = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[start:end] for start, end in itertools.pairwise(marks)]
    assert shown(gather(streamed(*pieces))) == EXPECTED


def test_byte_by_byte() -> None:
    assert streamed(*(bytes([byte]) for byte in STREAM)) == streamed(STREAM)


def test_it_is_done_when_the_usage_has_come_and_complete_before() -> None:
    reader = DIALECT.reader(lane())
    reader.feed(STREAM[: -len(METADATA)])
    assert (reader.complete, reader.done) == (True, False)
    assert [one for one in reader.feed(METADATA) if isinstance(one, Used)]
    assert reader.done
    assert reader.feed(delta(9, text="behind the end")) == []


def test_every_stop_reason_of_the_description_is_known() -> None:
    assert set(shapes()["StopReason"]["enum"]) <= set(REASONS)


@pytest.mark.parametrize("reason", [*REASONS, "something_new"])
def test_stop_reasons(reason: str) -> None:
    expected = REASONS.get(reason, StopReason.END)
    stream = delta(0, text="x") + frame({"stopReason": reason}, event_type="messageStop", message_type="event")
    assert gather(streamed(stream)).finish().reason is expected
    body = WHOLE | {"output": {"message": {"role": "assistant", "content": [{"text": "x"}]}}, "stopReason": reason}
    assert gather(ordered(DIALECT.decode_answer(json.dumps(body).encode(), lane()))).finish().reason is expected


@pytest.mark.parametrize("more", [{"stop_sequence": "END"}, {"delta": {"stop_sequence": "END"}}])
def test_the_stop_sequence_that_was_met(more: dict[str, Any]) -> None:
    end = event("messageStop", {"stopReason": "stop_sequence", "additionalModelResponseFields": more})
    assert gather(streamed(delta(0, text="x") + end)).finish() == Finish(StopReason.STOP_SEQUENCE, "END")


@pytest.mark.parametrize(
    ("headers", "payload", "failed"),
    [
        (
            {"message_type": "exception", "exception_type": "throttlingException"},
            {"message": "Too many tokens"},
            Failed("Too many tokens", "throttlingException"),
        ),
        (
            {"message_type": "error", "error_code": "500", "error_message": "broken"},
            b"",
            Failed("broken", "500"),
        ),
        ({"message_type": "exception"}, {}, Failed("The provider gave no reason.", "")),
    ],
)
def test_exceptions_end_the_stream(headers: dict[str, str], payload: Any, failed: Failed) -> None:
    reader = DIALECT.reader(lane())
    assert list(reader.feed(delta(0, text="x") + frame(payload, **headers)))[-1] == failed
    assert reader.done
    assert not reader.complete


def test_a_picture() -> None:
    stream = (
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}})
        + delta(0, image={"source": {"bytes": "iVBO"}})
        + delta(0, image={"source": {"bytes": "Rw=="}})
        + ended()
    )
    (block,) = gather(streamed(stream)).blocks
    assert (block.kind, block.media_type, block.text) == (Kind.IMAGE, "image/png", "iVBORw==")
    picture = {"image": {"format": "png", "source": {"bytes": "iVBORw=="}}}
    body = WHOLE | {"output": {"message": {"role": "assistant", "content": [picture]}}, "stopReason": "end_turn"}
    (same,) = gather(whole(body)).blocks
    assert (same.kind, same.media_type, same.text) == (block.kind, block.media_type, block.text)


def test_what_is_unknown_is_passed_over() -> None:
    stream = (
        frame({"x": 1}, event_type="somethingNew", message_type="event")
        + frame(b"\xff", event_type="somethingNew", message_type="event")
        + frame({"contentBlockIndex": 0, "delta": {"somethingNew": {}}}, event_type="contentBlockDelta")
        + delta(1, text="x")
        + ended()
    )
    assert [block.text for block in gather(streamed(stream)).blocks] == ["x"]


def test_blocks_that_are_never_stopped_or_change_their_kind() -> None:
    stream = delta(0, reasoningContent={"text": "a"}) + delta(0, text="b") + delta(1, text="c") + ended() + METADATA
    answer = gather(streamed(stream))
    assert [(block.kind, block.text) for block in answer.blocks] == [
        (Kind.REASONING, "a"), (Kind.TEXT, "b"), (Kind.TEXT, "c")
    ]  # fmt: skip
    assert all(block.ended for block in answer.blocks)


def test_a_stream_that_is_cut_within_a_message_is_broken() -> None:
    reader = DIALECT.reader(lane())
    reader.feed(STREAM[:200])
    with pytest.raises(StreamBroken):
        reader.end()
    with pytest.raises(StreamBroken):
        DIALECT.reader(lane()).feed(frame(b"{", event_type="contentBlockDelta", message_type="event"))


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"output": {}}', b'{"output": {"message": {"content": 7}}}'])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unusable):
        DIALECT.decode_answer(body, lane())


def test_a_look_at_an_answer() -> None:
    body = json.dumps(WHOLE).encode()
    assert DIALECT.read_answer(body).valid
    assert DIALECT.read_answer(body).usage == Usage(in_text=3, out_text=7)
    assert DIALECT.usage_in_tail(body[-200:]) == Usage(in_text=3, out_text=7)
    assert not DIALECT.read_answer(b"<html>").valid
