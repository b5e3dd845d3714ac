"""A provider's answers as events."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.dialect import StreamBroken, Unusable
from fastgw.protocols.hub.events import Event, Failed, Finish, Kind, Start, StopReason, Used
from fastgw.protocols.hub.gather import Answer, gather
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import Sequence, ordered
from fastgw.protocols.messages.read import REASONS, Reader, decode_answer
from fastgw.usage import Usage
from tests.protocols.messages.answers import begun, block, ended, frames, text, thinking, tool, whole
from tests.protocols.messages.lane import WHOLE


def read(data: bytes, size: int = 1 << 20) -> tuple[list[Event], Reader]:
    reader = Reader(WHOLE)
    events: list[Event] = []
    for at in range(0, len(data), size):
        events += reader.feed(data[at : at + size])
    events += reader.end()
    return events, reader


def gathered(data: bytes) -> Answer:
    events, reader = read(data)
    sequence = Sequence()
    assert reader.complete
    return gather([*sequence.order(events), *sequence.end()])


EVERYTHING = frames(
    begun(cache_read_input_tokens=4),
    {"type": "ping"},
    *thinking(0, "hm", "sig"),
    *block(1, {"type": "redacted_thinking", "data": "red"}),
    *text(2, "Hällo", " you"),
    *tool(3, "f", '{"a', '":1.0}'),
    *tool(4, "g"),
    {"type": "newer_event", "index": "?"},
    *ended("tool_use"),
)


def test_every_kind_of_block() -> None:
    answer = gathered(EVERYTHING)
    assert [(b.kind, b.text, b.id, b.name) for b in answer.blocks] == [
        (Kind.REASONING, "hm", "", ""),
        (Kind.REDACTED, "", "", ""),
        (Kind.TEXT, "Hällo you", "", ""),
        (Kind.TOOL_CALL, '{"a":1.0}', "toolu_f", "f"),
        (Kind.TOOL_CALL, "", "toolu_g", "g"),
    ]
    assert [b.sealed for b in answer.blocks[:2]] == [Sealed("anthropic", "sig"), Sealed("anthropic", "red")]
    assert answer.finish() == Finish(StopReason.TOOLS)
    assert answer.usage == Usage(in_text=9, cache_read=4, out_text=30)
    assert (answer.id, answer.model) == ("msg_1", "claude")


def test_byte_by_byte_is_the_same() -> None:
    assert read(EVERYTHING, 1)[0] == read(EVERYTHING)[0]


@settings(max_examples=25)
@given(st.integers(1, 200), st.sampled_from([b"\n", b"\r\n"]))
def test_any_cut_and_line_end_is_the_same(size: int, end: bytes) -> None:
    assert read(EVERYTHING.replace(b"\n", end), size)[0] == read(EVERYTHING)[0]


@pytest.mark.parametrize(("word", "reason"), [*REASONS.items(), ("unheard_of", StopReason.END)])
def test_reasons(word: str, reason: StopReason) -> None:
    events, _ = read(frames(begun(), *ended(word, "X" if word == "stop_sequence" else None)))
    assert Finish(reason, "X" if word == "stop_sequence" else "") in events
    assert Finish(reason) in decode_answer(whole(reason=word), WHOLE)


def test_a_refusal_is_explained() -> None:
    details = {"type": "refusal", "category": "bio", "explanation": None}
    end = ended("refusal")
    end[0]["delta"]["stop_details"] = details
    assert Finish(StopReason.REFUSAL, words="bio") in read(frames(begun(), *end))[0]
    assert decode_answer(whole(reason="refusal", stop_details=details), WHOLE)[-1] == Finish(
        StopReason.REFUSAL, words="bio"
    )


@pytest.mark.parametrize(
    "events",
    [
        tool(0, "f", input={"a": 1}),
        tool(0, "f", '{"a": 1}', input={"b": 2}),
        block(
            0,
            {"type": "tool_use", "id": "toolu_f", "name": "f"},
            {"type": "input_json_delta", "partial_json": '{"a": 1}'},
        ),
        tool(0, "f", "", '{"a": 1}'),
    ],
)
def test_arguments_come_in_deltas_or_in_the_start(events: list[dict[str, Any]]) -> None:
    assert gathered(frames(begun(), *events, *ended())).blocks[0].text == '{"a": 1}'


def test_content_of_a_start_counts() -> None:
    start = block(0, {"type": "text", "text": "a"}, {"type": "text_delta", "text": "b"})
    assert gathered(frames(begun(), *start, *ended())).blocks[0].text == "ab"


def test_blocks_without_start_or_stop_are_borne() -> None:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
    lost = {"type": "content_block_delta", "index": 7, "delta": {"type": "input_json_delta", "partial_json": "{"}}
    open_ = block(1, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "b"}, stop=False)
    answer = gathered(frames(begun(), delta, lost, *open_, *tool(2, "f", "{}"), *ended()))
    assert [b.text for b in answer.blocks] == ["a", "b", "{}"]


def test_an_index_may_be_used_again() -> None:
    twice = [*text(0, "a"), *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "b"}, stop=False)]
    answer = gathered(frames(begun(), *twice, *text(0, "c"), *ended()))
    assert [b.text for b in answer.blocks] == ["a", "b", "c"]


def test_an_event_may_be_named_by_its_line_alone() -> None:
    data = b"".join(
        b"event: %s\ndata: %s\n\n"
        % (e["type"].encode(), json.dumps({k: v for k, v in e.items() if k != "type"}).encode())
        for e in [begun(), *text(0, "a"), *ended()]
    )
    assert gathered(data).blocks[0].text == "a"


def test_nulls_are_borne() -> None:
    start = begun()
    start["message"] |= {"id": None, "model": None, "usage": None, "content": None}
    nulls = block(0, {"type": "text", "text": None}, {"type": "text_delta", "text": None, "signature": None})
    answer = gathered(frames(start, *nulls, *text(1, "a"), *ended()))
    assert [b.text for b in answer.blocks] == ["a"]
    assert gather(ordered(decode_answer(whole(id=None, content=None), WHOLE))).blocks == []


def test_bare_data_and_done_are_borne() -> None:
    data = b"".join(b"data:%s\n\n" % json.dumps(e).encode() for e in [begun(), *text(0, "a"), *ended()[:1]])
    assert gathered(data + b": bye\n\ndata: [DONE]\n\n").blocks[0].text == "a"


def test_a_last_event_without_its_empty_line_counts_if_it_is_whole() -> None:
    assert read(EVERYTHING.rstrip(b"\n"))[1].done
    assert not read(EVERYTHING[:-5])[1].done


def test_the_end_without_a_stop_is_an_end_if_a_reason_came() -> None:
    data = frames(begun(), *text(0, "a"))
    assert not read(data)[1].complete
    assert read(data + frames(ended()[0]))[1].complete


def test_usage_may_stand_at_the_end_only() -> None:
    data = frames(begun(input_tokens=0, output_tokens=0), *ended(input_tokens=5, cache_read_input_tokens=2))
    assert [e for e in read(data)[0] if isinstance(e, Used)] == [Used(Usage(in_text=5, cache_read=2, out_text=30))]


def test_nothing_follows_an_error() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Busy at https://api.anthropic.com/v1"}}
    events, reader = read(frames(begun(), error, *text(0, "a")))
    assert events == [
        Start("msg_1", "claude"),
        Used(Usage(in_text=9, out_text=1)),
        Failed("Busy at [redacted]", "overloaded_error"),
    ]
    assert reader.done
    assert decode_answer(json.dumps(error).encode(), WHOLE) == events[-1:]


@pytest.mark.parametrize(
    "data",
    [
        b"event: message_start\ndata: <html>\n\n",
        b"data: 7\n\n",
        frames({"type": "content_block_start", "index": 0, "content_block": 7}),
        frames({"type": "content_block_delta", "index": "0", "delta": {}}),
        b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"\xff"}}\n\n',
        b'data: {"type":"content_block_start","content_block":{"type":"tool_use","input":{"a":"\xff"}}}\n\n',
        b'data: {"type":"newer","x":' + b"[" * 9_000 + b"]" * 9_000 + b"}\n\n",
    ],
)
def test_what_is_no_stream_is_broken(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        read(data)


@pytest.mark.parametrize(
    "body",
    [
        b'{"content":' + b"[" * 9_000,
        b'{"content":[{"type":"\xff"}]}',
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"type":"message","content":[7]}',
        b'{"content":7}',
    ],
)
def test_what_is_no_message_is_unusable(body: bytes) -> None:
    with pytest.raises(Unusable):
        decode_answer(body, WHOLE)


def test_a_whole_answer_is_read_like_its_stream() -> None:
    body = whole(
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "red"},
        {"type": "text", "text": "Hällo you", "citations": None},
        {"type": "tool_use", "id": "toolu_f", "name": "f", "input": {"a": 1.0}},
        {"type": "tool_use", "id": "toolu_g", "name": "g", "input": {}},
        reason="tool_use",
        usage={"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 30},
    )
    streamed, unary = gathered(EVERYTHING), gather(ordered(decode_answer(body, WHOLE)))
    for one, other in zip(streamed.blocks, unary.blocks, strict=True):
        assert (one.kind, one.id, one.name, one.sealed) == (other.kind, other.id, other.name, other.sealed)
        assert one.text.replace(" ", "") == other.text.replace(" ", "").replace("\n", "")
    assert (streamed.usage, streamed.finish()) == (unary.usage, unary.finish())


def test_a_citation_of_the_web_covers_its_block() -> None:
    cite = {
        "type": "web_search_result_location",
        "cited_text": "c",
        "encrypted_index": "e",
        "title": "t",
        "url": "https://x",
    }
    cited = block(1, {"type": "text", "text": "", "citations": []}, {"type": "citations_delta", "citation": cite},
                  {"type": "text_delta", "text": "four"})  # fmt: skip
    answer = gathered(frames(begun(), *text(0, "abc"), *cited, *ended()))
    expected = Citation("url", "https://x", "t", "c", 3, 7, dialect="messages", raw=json.dumps(cite))
    assert answer.blocks[1].citations == [expected]
