"""What a streaming caller reads: well-formed chunks in either framing, which google-genai takes."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.gemini.seals import read as read_seal
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.dialect import Framing
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Finish,
    Kind,
    LogProbs,
    Seal,
    Start,
    StopReason,
    Used,
)
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered
from fastgw.usage import Usage
from tests.protocols.gemini.kit import setting, streamed, valid_answer, whole

BROKEN = GatewayError(ErrorKind.UPSTREAM_CUT, "cut")
TOKENS = '[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-1,"bytes":[98]}]}]'


def block(at: int, kind: Kind, *pieces: str, **more: Any) -> list[Event]:
    return [BlockStart(at, kind, **more), *(Delta(at, piece) for piece in pieces), BlockEnd(at)]


EVENTS: list[Event] = [
    Start("msg_1", "claude"),
    BlockStart(0, Kind.REASONING),
    Delta(0, "why"),
    Delta(0, " not"),
    Seal(0, Sealed("anthropic", "sig+/")),
    BlockEnd(0),
    *block(1, Kind.TEXT, "Hel", 'lo "\n'),
    *block(2, Kind.TOOL_CALL, '{"a":\n', '"b"}', id="toolu_1", name="f"),
    *block(3, Kind.TOOL_CALL, id="", name="g"),
    *block(4, Kind.IMAGE, "aG", "k=", media_type="image/png"),
    Used(Usage(in_text=5, cache_read=2, out_text=3, out_reasoning=4)),
    Finish(StopReason.TOOLS),
]


def parts(chunks: list[Any]) -> list[Any]:
    return [part for chunk in chunks for each in chunk["candidates"] for part in each["content"]["parts"]]


def test_a_stream_in_order() -> None:
    chunks = streamed(EVENTS)
    for chunk in chunks:
        valid_answer(chunk)
        assert chunk["modelVersion"] == "my-model"
        assert chunk["responseId"] == "ex-1"
    told = parts(chunks)
    seal = told[2].pop("thoughtSignature")
    assert read_seal(seal) == (Sealed("anthropic", "sig+/"), False)
    assert told == [
        {"text": "why", "thought": True},
        {"text": " not", "thought": True},
        {"text": "", "thought": True},
        {"text": "Hel"},
        {"text": 'lo "\n'},
        {"functionCall": {"id": "call_1", "name": "f", "args": {"a": "b"}}},
        {"functionCall": {"id": "call_ex-1_2", "name": "g", "args": {}}},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"text": ""},
    ]
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks].count("STOP") == 1
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert chunks[-1]["usageMetadata"] == {
        "promptTokenCount": 7, "cachedContentTokenCount": 2, "candidatesTokenCount": 3, "thoughtsTokenCount": 4,
        "totalTokenCount": 14,
    }  # fmt: skip


def test_a_whole_answer_says_the_same() -> None:
    body = whole(EVENTS)
    valid_answer(body)
    texts = [part.get("text") for part in body["candidates"][0]["content"]["parts"]]
    assert texts[:2] == ["why not", 'Hello "\n']
    assert body["candidates"][0]["finishReason"] == "STOP"
    calls = [part["functionCall"] for part in body["candidates"][0]["content"]["parts"] if "functionCall" in part]
    assert calls == [part["functionCall"] for part in parts(streamed(EVENTS)) if "functionCall" in part]


def test_each_event_is_one_line() -> None:
    writer = DIALECT.writer(setting())
    data = writer.write(ordered(EVENTS)) + writer.end()
    for event in data.removesuffix(b"\n\n").split(b"\n\n"):
        assert event.startswith(b"data: ")
        assert b"\n" not in event


@pytest.mark.parametrize("at", range(len(EVENTS) + 1))
def test_an_array_is_well_formed_wherever_it_ends(at: int) -> None:
    writer = DIALECT.writer(setting("array"))
    data = writer.write(ordered(EVENTS)[:at]) + writer.end()
    elements = msgspec.json.decode(data)
    assert sum("finishReason" in chunk["candidates"][0] for chunk in elements) == 1
    assert writer.end() == writer.fail(BROKEN) == b""
    writer = DIALECT.writer(setting("array"))
    data = writer.write(ordered(EVENTS)[:at]) + writer.fail(BROKEN)
    elements = msgspec.json.decode(data)
    assert [("error" in chunk) for chunk in elements].count(True) == 1
    assert "error" in elements[-1]
    assert all("finishReason" not in chunk["candidates"][0] for chunk in elements[:-1])
    assert writer.fail(BROKEN) == b""


@pytest.mark.parametrize("framing", ["sse", "array"])
def test_a_failure_before_anything_else(framing: Framing) -> None:
    said = DIALECT.writer(setting(framing)).fail(BROKEN)
    data = said if framing == "array" else said.removeprefix(b"data: ")
    error = msgspec.json.decode(data)
    assert (error[0] if framing == "array" else error)["error"]["code"] == 502


@pytest.mark.parametrize("reason", list(StopReason))
def test_every_reason_has_a_word_that_the_sdk_knows(reason: StopReason) -> None:
    said = whole([Finish(reason)])
    answer = valid_answer(said)
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is not None
    # Its chats throw a turn away that has no content.
    assert said["candidates"][0]["content"]["parts"]


def test_the_end_without_anything_is_an_answer() -> None:
    (chunk,) = streamed([])
    assert chunk["candidates"][0]["finishReason"] == "STOP"
    assert "usageMetadata" not in chunk


def test_sources_stand_in_the_last_chunk_in_bytes() -> None:
    cited = Citation("url", "https://x.test", "X", start=5, end=9)
    quoted = Citation("url", "https://y.test", cited_text="rest")
    document = Citation("document", title="T", cited_text="passage")
    events: list[Event] = [BlockStart(0, Kind.TEXT), Delta(0, "Grüß "), Delta(0, "Gott. rest")]
    events += [Cite(0, cited), Cite(0, quoted), Cite(0, document), BlockEnd(0), Finish(StopReason.END)]
    last = streamed(events)[-1]
    valid_answer(last)
    assert last["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [
            {"web": {"uri": "https://x.test", "title": "X"}},
            {"web": {"uri": "https://y.test", "title": "https://y.test"}},
            {"retrievedContext": {"title": "T", "text": "passage"}},
        ],
        "groundingSupports": [
            {"segment": {"startIndex": 7, "endIndex": 11, "text": "Gott"}, "groundingChunkIndices": [0]},
            {"segment": {"startIndex": 13, "endIndex": 17, "text": "rest"}, "groundingChunkIndices": [1]},
        ],
    }
    assert whole(events)["candidates"][0]["groundingMetadata"] == last["candidates"][0]["groundingMetadata"]


def test_log_probabilities() -> None:
    events: list[Event] = [
        BlockStart(0, Kind.TEXT),
        Delta(0, "a"),
        LogProbs(0, TOKENS),
        BlockEnd(0),
        Finish(StopReason.END),
    ]
    expected = {
        "chosenCandidates": [{"token": "a", "logProbability": -0.5}],
        "topCandidates": [{"candidates": [{"token": "b", "logProbability": -1}]}],
    }
    chunks = streamed(events)
    assert [chunk["candidates"][0]["logprobsResult"] for chunk in chunks if "logprobsResult" in str(chunk)] == [
        expected
    ]
    assert whole(events)["candidates"][0]["logprobsResult"] == expected
    for chunk in chunks:
        valid_answer(chunk)


def test_several_choices_end_in_one_chunk() -> None:
    events: list[Event] = [*block(0, Kind.TEXT, "a"), *block(1, Kind.TEXT, "b", choice=1), Finish(StopReason.END),
              Finish(StopReason.LENGTH, choice=1)]  # fmt: skip
    last = streamed(events)[-1]
    assert [each["finishReason"] for each in last["candidates"]] == ["STOP", "MAX_TOKENS"]
    assert [each["index"] for each in last["candidates"]] == [0, 1]


def test_what_another_dialect_alone_knows_is_not_shown() -> None:
    events: list[Event] = [*block(0, Kind.OPAQUE, '{"type":"x"}', name="server_tool_use"), Finish(StopReason.END)]
    assert parts(streamed(events)) == [{"text": ""}]


KINDS = st.sampled_from(
    [Kind.TEXT, Kind.REASONING, Kind.TOOL_CALL, Kind.REFUSAL, Kind.IMAGE, Kind.OPAQUE, Kind.CUSTOM_CALL]
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(KINDS, st.lists(st.text(min_size=1, max_size=6), max_size=3), st.integers(0, 1)), max_size=6),
    st.sampled_from(["sse", "array"]),
    st.lists(st.integers(0, 40), max_size=4),
)
def test_any_answer_is_well_formed(blocks: list[Any], framing: Framing, cuts: list[int]) -> None:
    events: list[Event] = []
    for at, (kind, pieces, choice) in enumerate(blocks):
        sealed = [Seal(at, Sealed("anthropic", "s"))] if at % 2 else []
        events += [BlockStart(at, kind, "i", "executableCode", choice=choice), *(Delta(at, piece) for piece in pieces)]
        events += [*sealed, BlockEnd(at)]
    events = ordered(events)
    writer = DIALECT.writer(setting(framing))
    places = [0, *sorted(cuts), len(events)]
    data = b"".join(writer.write(events[a:b]) for a, b in itertools.pairwise(places)) + writer.end()
    if framing == "array":
        chunks = msgspec.json.decode(data)
    else:
        chunks = [msgspec.json.decode(event.removeprefix(b"data: ")) for event in data.split(b"\n\n") if event]
    shown = "".join(part.get("text", "") for part in parts(chunks) if "thought" not in part)
    assert shown == "".join("".join(p) for kind, p, _ in blocks if kind in (Kind.TEXT, Kind.REFUSAL) for p in [p])
