"""Streams for chat callers: invariants under any order of events, and what OpenAI's own client makes of them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk, ParsedChatCompletion

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.chat.write import ChatWriter
from fastgw.protocols.hub.conversation import Citation, Tool
from fastgw.protocols.hub.dialect import Setting
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
from tests.protocols.chat.ask import DONE, asked, chunks, deltas, joined, setting
from tests.protocols.chat.schema import check

SEAL = Sealed("anthropic", "sig")


def written(events: list[Event], setup: Setting | None = None) -> list[dict[str, Any]]:
    writer = ChatWriter(setup or setting())
    return chunks(writer.write(events) + writer.end())


def block(at: int, kind: Kind, *texts: str, **more: Any) -> list[Event]:
    return [BlockStart(at, kind, **more), *(Delta(at, text) for text in texts), BlockEnd(at)]


def assembled(found: list[dict[str, Any]]) -> ParsedChatCompletion[None]:
    state: Any = ChatCompletionStreamState()
    for one in found:
        state.handle_chunk(ChatCompletionChunk.model_validate(one))
    whole: ParsedChatCompletion[None] = state.get_final_completion()
    return whole


def test_an_ordinary_answer() -> None:
    usage = Usage(in_text=3, cache_read=1, cache_write_1h=2, out_text=4, out_reasoning=5)
    events = [Start("x", "y"), *block(0, Kind.REASONING, "h", "m"), *block(1, Kind.TEXT, "He", "y"),
              *block(2, Kind.TOOL_CALL, '{"a":', "1}", id="toolu_1", name="f"), Used(usage),
              Finish(StopReason.TOOLS)]  # fmt: skip
    found = written(events)
    assert deltas(found) == [
        {"role": "assistant", "content": ""}, {"reasoning_content": "h"}, {"reasoning_content": "m"},
        {"content": "He"}, {"content": "y"},
        {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}]}, {},
    ]  # fmt: skip
    assert found[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert (found[-1]["choices"], found[-1]["usage"]["total_tokens"]) == ([], 15)
    assert all(one["usage"] is None for one in found[:-1])
    assert {(one["id"], one["created"], one["model"]) for one in found} == {("chatcmpl-ex1", 1_800_000_000, "alias")}
    whole = assembled(found)
    assert whole.choices[0].message.content == "Hey"
    assert whole.choices[0].message.tool_calls[0].function.arguments == '{"a":1}'  # type: ignore[index]


def test_usage_is_shown_to_those_who_asked() -> None:
    found = written([*block(0, Kind.TEXT, "x"), Used(Usage(in_text=1)), Finish(StopReason.END)],
                    setting(wants_usage=False))  # fmt: skip
    assert all("usage" not in one and one["choices"] for one in found)


def test_a_call_without_arguments_has_an_object() -> None:
    found = written([*block(0, Kind.TOOL_CALL, name="f"), Finish(StopReason.TOOLS)])
    assert assembled(found).choices[0].message.tool_calls[0].function.arguments == "{}"  # type: ignore[index]


def test_seals_go_out_with_what_they_seal() -> None:
    found = written([
        BlockStart(0, Kind.REASONING), Delta(0, "hm"), Seal(0, SEAL), BlockEnd(0),
        BlockStart(1, Kind.REDACTED), Seal(1, SEAL), BlockEnd(1),
        BlockStart(2, Kind.TEXT), Delta(2, "t"), Seal(2, Sealed("gemini", "u")), BlockEnd(2),
        BlockStart(3, Kind.TOOL_CALL, "call_a", "f"), Delta(3, "{}"), Seal(3, Sealed("gemini", "s")), BlockEnd(3),
        Finish(StopReason.TOOLS),
    ])  # fmt: skip
    message: Any = assembled(found).choices[0].message
    assert message.reasoning_content == "hm"
    assert message.reasoning_details == [
        {"type": "reasoning.text", "text": "hm", "signature": "fgw1.anthropic.sig", "index": 0},
        {"type": "reasoning.encrypted", "data": "fgw1.anthropic.sig", "index": 1},
    ]
    assert message.extra_content == {"google": {"thought_signature": "u"}}
    assert message.tool_calls[0].extra_content == {"google": {"thought_signature": "s"}}


def test_custom_calls_come_back_as_custom_also_when_a_function_stood_for_them() -> None:
    setup = setting(asked(origin="chat", tools=(Tool("custom", "c"),)))
    found = written([*block(0, Kind.CUSTOM_CALL, "fr", "ee", id="call_a", name="c"),
                     *block(1, Kind.TOOL_CALL, '{"inp', 'ut":"text"}', id="call_b", name="c"),
                     Finish(StopReason.TOOLS)], setup)  # fmt: skip
    calls = [call for delta in deltas(found) for call in delta.get("tool_calls", ())]
    heads = [(call["index"], call["id"], call["type"]) for call in calls if "id" in call]
    assert heads == [(0, "call_a", "custom"), (1, "call_b", "custom")]
    inputs = ["".join(call["custom"]["input"] for call in calls if call["index"] == index) for index in (0, 1)]
    assert inputs == ["free", "text"]


def test_the_old_functions_are_answered_in_their_own_words() -> None:
    found = written([*block(0, Kind.TOOL_CALL, "{}", id="call_a", name="f"), Finish(StopReason.TOOLS)],
                    setting(fields={"functions": b"[]"}))  # fmt: skip
    assert deltas(found)[1:] == [{"function_call": {"name": "f", "arguments": ""}},
                                 {"function_call": {"arguments": "{}"}}, {}]  # fmt: skip
    assert found[-1]["choices"][0]["finish_reason"] == "function_call"


def test_refusals_pictures_sound_citations_and_probabilities() -> None:
    tokens = '[{"token":"x","logprob":-0.5,"bytes":[120],"top_logprobs":[]}]'
    found = written([
        BlockStart(0, Kind.TEXT), Delta(0, "x"), LogProbs(0, tokens), LogProbs(0, tokens),
        Cite(0, Citation("url", "https://a", "A")), BlockEnd(0),
        *block(1, Kind.IMAGE, "AA", "AA", media_type="image/webp"), *block(2, Kind.AUDIO, "BB"),
        *block(3, Kind.REFUSAL, "no"), *block(4, Kind.OPAQUE, "{}", name="server_tool_use"),
        Finish(StopReason.REFUSAL, words="ignored: said already"),
    ])  # fmt: skip
    assert joined(found, "content") == "x"
    logprobs = [c["logprobs"] for one in found for c in one["choices"] if c["logprobs"]]
    assert [len(one["content"]) for one in logprobs] == [1, 1]
    assert {"images": [{"index": 0, "type": "image_url",
                        "image_url": {"url": "data:image/webp;base64,AAAA"}}]} in deltas(found)  # fmt: skip
    assert {"audio": {"id": "audio_ex1", "data": "BB"}} in deltas(found)
    assert joined(found, "refusal") == "no"
    assert [d["annotations"][0]["url_citation"]["end_index"] for d in deltas(found) if "annotations" in d] == [1]
    assert found[-1]["choices"][0]["finish_reason"] == "content_filter"


def test_a_filters_words_are_a_refusal() -> None:
    assert joined(written([Finish(StopReason.REFUSAL, words="unsafe")]), "refusal") == "unsafe"


@pytest.mark.parametrize("begun", [True, False])
def test_an_error_ends_the_stream_with_the_mark_and_no_finish(begun: bool) -> None:
    writer = ChatWriter(setting())
    if begun:
        writer.write([Start(), BlockStart(0, Kind.TEXT), Delta(0, "x")])
    said = writer.fail(GatewayError(ErrorKind.UPSTREAM_CUT, "cut"))
    assert said.startswith(b'data: {"error"') and said.endswith(DONE) and b"finish_reason" not in said


def test_what_is_held_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastgw.protocols.chat.write.HELD_CHARS_MAX", 3)
    found = written([*block(0, Kind.IMAGE, "AA", "AA"), BlockStart(1, Kind.REASONING), Delta(1, "ab"), Delta(1, "cd"),
                     Seal(1, SEAL), BlockEnd(1), Finish(StopReason.END)])  # fmt: skip
    assert joined(found, "reasoning_content") == "abcd"
    assert not [delta for delta in deltas(found) if "images" in delta or "reasoning_details" in delta]


KINDS = [Kind.TEXT, Kind.REASONING, Kind.REDACTED, Kind.TOOL_CALL, Kind.CUSTOM_CALL, Kind.REFUSAL, Kind.IMAGE]
loose = st.one_of(
    st.builds(BlockStart, st.integers(0, 5), st.sampled_from(KINDS), st.sampled_from(["", "call_a", "toolu_b"]),
              st.sampled_from(["f", "c"]), choice=st.integers(0, 1)),
    st.builds(Delta, st.integers(0, 5), st.text(max_size=4)),
    st.builds(Seal, st.integers(0, 5), st.just(SEAL)),
    st.builds(BlockEnd, st.integers(0, 5)),
    st.builds(Used, st.just(Usage(in_text=1, out_text=2))),
    st.builds(Finish, st.sampled_from([*StopReason]), choice=st.integers(0, 1)),
    st.builds(Start),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(loose, max_size=25), st.booleans())
def test_invariants_hold_whatever_the_provider_sends(events: list[Event], wants_usage: bool) -> None:
    setup = setting(asked(origin="chat", tools=(Tool("custom", "c"),)), wants_usage=wants_usage)
    found = written(ordered(events), setup)
    roles: dict[int, int] = {}
    finishes: dict[int, int] = {}
    seen_calls: dict[int, list[int]] = {}
    for one in found:
        if not any("custom" in call for c in one["choices"] for call in c["delta"].get("tool_calls", ())):
            check(one, "CreateChatCompletionStreamResponse")
        for choice in one["choices"]:
            index, delta = choice["index"], choice["delta"]
            assert index not in finishes, "nothing follows a finish"
            roles[index] = roles.get(index, 0) + ("role" in delta)
            assert roles[index] == 1, "the role comes first, once"
            for call in delta.get("tool_calls", ()):
                known = seen_calls.setdefault(index, [])
                assert ("id" in call) == (call["index"] == len(known)), "id and name once, indices dense"
                if "id" in call:
                    known.append(call["index"])
            if choice["finish_reason"]:
                finishes[index] = 1
                assert delta == {}
    assert finishes.keys() == roles.keys() and 0 in roles
    assert [one["choices"] == [] for one in found].count(True) <= int(wants_usage)
