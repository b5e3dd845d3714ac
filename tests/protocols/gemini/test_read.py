"""A provider's answer becomes events, however its stream is cut and whatever Google leaves out."""

import itertools
from typing import Any

import msgspec
import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.hub.dialect import StreamBroken, Unusable
from fastgw.protocols.hub.events import Failed, Finish, Kind, Seal, StopReason, Used
from fastgw.protocols.hub.gather import Answer, gather
from fastgw.protocols.hub.sequence import ordered
from fastgw.usage import Usage
from tests.protocols.gemini.kit import TARGET, candidate, read, sse

CALL = {"functionCall": {"name": "f", "args": {"a": 1}}}
STREAM = [
    candidate({"text": "Thinking", "thought": True}),
    candidate({"text": " hard", "thought": True}, {"text": "Grüße "}),
    candidate({"text": "an 🌍"}),
    candidate({**CALL, "thoughtSignature": "c2ln"}, {"functionCall": {"name": "g", "id": "x1"}}),
    candidate({"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
    {**candidate(finishReason="STOP"), "usageMetadata": {"promptTokenCount": 2, "totalTokenCount": 9}},
]


def told(answer: Answer, choice: int = 0) -> list[tuple[Kind, str]]:
    return [(block.kind, block.text) for block in answer.of(choice)]


def test_thoughts_text_calls_and_pictures_are_blocks_of_their_own() -> None:
    answer = gather(read(*STREAM))
    assert told(answer) == [
        (Kind.REASONING, "Thinking hard"),
        (Kind.TEXT, "Grüße an 🌍"),
        (Kind.TOOL_CALL, '{"a":1}'),
        (Kind.TOOL_CALL, "{}"),
        (Kind.IMAGE, "aGk="),
    ]
    assert [block.id for block in answer.blocks if block.kind is Kind.TOOL_CALL] == ["", "x1"]
    assert answer.blocks[2].sealed is not None
    assert answer.blocks[2].sealed.data == "c2ln"
    assert answer.finish().reason is StopReason.TOOLS
    assert answer.usage == Usage(in_text=2, out_text=7)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(sse(*STREAM))), max_size=12))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    data = sse(*STREAM)
    reader = DIALECT.reader(TARGET)
    events: list[Any] = []
    places = [0, *sorted(cuts), len(data)]
    for start, end in itertools.pairwise(places):
        events += reader.feed(data[start:end])
    assert ordered([*events, *reader.end()]) == read(*STREAM)


def test_byte_by_byte_is_the_same() -> None:
    reader = DIALECT.reader(TARGET)
    events = [event for byte in sse(*STREAM) for event in reader.feed(bytes((byte,)))]
    assert ordered([*events, *reader.end()]) == read(*STREAM)


def test_a_whole_answer_is_the_same_as_its_stream() -> None:
    parts = [part for chunk in STREAM for part in chunk["candidates"][0]["content"]["parts"]]
    body = {**candidate(*parts, finishReason="STOP"), "usageMetadata": STREAM[-1]["usageMetadata"]}
    assert told(gather(ordered(DIALECT.decode_answer(msgspec.json.encode(body), TARGET)))) == told(
        gather(read(*STREAM))
    )


def test_the_last_event_may_lack_its_empty_line_and_a_cut_one_is_dropped() -> None:
    data = sse(*STREAM).rstrip(b"\r\n")
    reader = DIALECT.reader(TARGET)
    events = [*reader.feed(data), *reader.end()]
    assert reader.complete
    assert ordered(events) == read(*STREAM)
    reader = DIALECT.reader(TARGET)
    reader.feed(data[:-5])
    assert list(reader.end()) == []
    assert not reader.complete


def test_an_array_or_a_bare_error_instead_of_events_is_read_at_the_end() -> None:
    reader = DIALECT.reader(TARGET)
    data = b"[" + b"\n,\r\n".join(msgspec.json.encode(chunk) for chunk in STREAM) + b"]"
    events = [event for start in range(0, len(data), 100) for event in reader.feed(data[start : start + 100])]
    assert ordered([*events, *reader.end()]) == read(*STREAM)
    assert reader.complete
    for body in (b'{"error":{"message":"no"}}', b'[{"error":{"message":"no"}}]'):
        reader = DIALECT.reader(TARGET)
        assert reader.feed(body) == []
        assert isinstance(reader.end()[0], Failed)
        assert not reader.complete


def test_text_may_follow_the_finish_and_the_reason_come_with_empty_content() -> None:
    answer = gather(
        read(candidate({"text": "a"}), candidate({"text": ""}, finishReason="MAX_TOKENS"), candidate({"text": "b"}))
    )
    assert told(answer) == [(Kind.TEXT, "ab")]
    assert answer.finish().reason is StopReason.LENGTH


def test_a_refused_prompt_is_an_answer() -> None:
    blocked = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4},
    }
    events = read(blocked)
    assert Finish(StopReason.REFUSAL, words="SAFETY") in events
    assert Used(Usage(in_text=4)) in events
    assert Finish(StopReason.REFUSAL, words="SAFETY") in DIALECT.decode_answer(msgspec.json.encode(blocked), TARGET)


@pytest.mark.parametrize("word", [reason.value for reason in types.FinishReason] + ["SOMETHING_NEW"])
def test_every_reason_ends_an_answer(word: str) -> None:
    reader = DIALECT.reader(TARGET)
    events = reader.feed(sse(candidate({"text": "a"}, finishReason=word)))
    assert reader.complete
    assert any(isinstance(event, Finish) for event in events)


@pytest.mark.parametrize("word", ["OTHER", "LANGUAGE", "NO_IMAGE", "SOMETHING_NEW"])
def test_what_no_filter_did_is_no_refusal(word: str) -> None:
    assert gather(read(candidate({"text": "a"}, finishReason=word))).finish().reason is StopReason.END


def test_an_error_in_the_stream_ends_it_without_the_providers_address() -> None:
    error = {"error": {"code": 503, "message": "overloaded at https://x.googleapis.com/v1", "status": "UNAVAILABLE"}}
    reader = DIALECT.reader(TARGET)
    events = reader.feed(sse(candidate({"text": "a"}, finishReason="STOP"), error, candidate({"text": "b"})))
    assert isinstance(events[-1], Failed)
    assert "googleapis" not in events[-1].message
    assert reader.done
    assert not reader.complete


def test_signatures_belong_to_what_is_open() -> None:
    events = read(candidate({"text": "a"}), candidate({"text": "", "thoughtSignature": "c2ln"}, finishReason="STOP"))
    assert [event.at for event in events if isinstance(event, Seal)] == [0]
    alone = gather(read(candidate({"text": "", "thoughtSignature": "c2ln"}), candidate(CALL, finishReason="STOP")))
    assert [(block.kind, block.text) for block in alone.blocks] == [(Kind.REASONING, ""), (Kind.TOOL_CALL, '{"a":1}')]


def test_several_candidates_keep_apart() -> None:
    def both(first: str, second: str, **more: Any) -> Any:
        return {"candidates": [
            {"index": at, "content": {"parts": [{"text": text}]}, **more} for at, text in enumerate((first, second))
        ]}  # fmt: skip

    answer = gather(read(both("a", "x"), both("b", "y", finishReason="STOP")))
    assert told(answer, 0) == [(Kind.TEXT, "ab")]
    assert told(answer, 1) == [(Kind.TEXT, "xy")]
    assert answer.choices == [0, 1]


def test_thought_pictures_are_not_shown_and_code_is_opaque() -> None:
    answer = gather(
        read(
            candidate({"thought": True, "inlineData": {"mimeType": "image/png", "data": "aGk="}}),
            candidate({"executableCode": {"code": "1"}}, finishReason="STOP"),
        )
    )
    assert told(answer) == [(Kind.OPAQUE, '{"executableCode":{"code":"1"}}')]
    assert answer.blocks[0].name == "executableCode"


def test_pieces_of_sound_are_one_until_padding_ends_it() -> None:
    def piece(data: str) -> Any:
        return candidate({"inlineData": {"mimeType": "audio/L16;rate=24000", "data": data}})

    answer = gather(read(piece("AAAA"), piece("BBBB"), piece("CC=="), piece("DDDD")))
    assert told(answer) == [(Kind.AUDIO, "AAAABBBBCC=="), (Kind.AUDIO, "DDDD")]


def test_odd_shapes_beside_the_words_cost_no_words() -> None:
    odd = {"groundingMetadata": 5, "citationMetadata": {"citations": 5}, "logprobsResult": [], "index": -7}
    chunk = candidate({"text": "a"}, finishReason="STOP", **odd) | {"usageMetadata": "none", "modelVersion": None}
    answer = gather(read(chunk))
    assert told(answer) == [(Kind.TEXT, "a")]
    assert answer.usage is None
    assert gather(read(candidate({"text": "a"}) | {"usageMetadata": {"promptTokenCount": "5"}})).usage == Usage(5)


def test_comments_blank_events_and_an_end_mark_are_borne() -> None:
    reader = DIALECT.reader(TARGET)
    events = [*reader.feed(b": hello\n\ndata:" + msgspec.json.encode(candidate({"text": "a"}, finishReason="STOP")))]
    events += reader.feed(b"\n\ndata: [DONE]\n\ndata: {odd\n\n")
    assert told(gather(ordered(events))) == [(Kind.TEXT, "a")]
    assert reader.done


DEEP = b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":%b}}}]}}]}' % (b"[" * 100_000)
NOT_UTF8 = b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":"\xff"}}}]}}]}'


@pytest.mark.parametrize("body", [DEEP, NOT_UTF8, NOT_UTF8.replace(b"functionCall", b"text")])
def test_broken_text_and_endless_nesting_break_the_answer_alone(body: bytes) -> None:
    with pytest.raises(StreamBroken):
        DIALECT.reader(TARGET).feed(b"data: " + body + b"\n\n")
    with pytest.raises(Unusable):
        DIALECT.decode_answer(body, TARGET)
    assert not DIALECT.read_answer(body.replace(b"candidates", b"odd")).valid
    tap = DIALECT.tap(hide_usage=False)
    try:
        tap.feed(b"data: " + body + b"\n\n")
    except StreamBroken:
        pass
    assert tap.output_tokens_estimate() >= 0


@pytest.mark.parametrize("data", [b"data: <html>\n\n", b'data: {"candidates":5}\n\n', b"data: []\n\n"])
def test_what_is_no_stream_of_gemini_breaks_it(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        DIALECT.reader(TARGET).feed(data)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"[]",
        b'{"candidates":[]}',
        b'{"error":{"message":"no"}}',
        b'{"choices":[]}',
        b'{"candidates":"\xff"}',
    ],
)
def test_what_is_no_answer_is_unusable(body: bytes) -> None:
    with pytest.raises(Unusable):
        DIALECT.decode_answer(body, TARGET)
