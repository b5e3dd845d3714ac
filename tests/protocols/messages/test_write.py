"""A caller's stream, held against the SDK."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.hub.conversation import Citation
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
from fastgw.protocols.hub.sequence import Sequence
from fastgw.protocols.messages.answer import encode_answer
from fastgw.protocols.messages.seals import carried
from fastgw.protocols.messages.write import Writer
from fastgw.usage import Usage
from tests.protocols.messages import sdk
from tests.protocols.messages.lane import setting

FINISH = Finish(StopReason.END)


def written(*events: Event, finish: Finish = FINISH) -> bytes:
    """The stream of well-formed events; it has every invariant."""
    writer = Writer(setting())
    data = b"".join(writer.write([event]) for event in [Start("x", "gpt"), *events, finish]) + writer.end()
    sdk.assert_invariants(data)
    return data


def content(data: bytes) -> list[dict[str, Any]]:
    return [block.model_dump(exclude_none=True) for block in sdk.accumulated(data).content]


def block(at: int, kind: Kind, *inner: Event | str, **start: str) -> list[Event]:
    events = [Delta(at, one) if isinstance(one, str) else one for one in inner]
    return [BlockStart(at, kind, **start), *events, BlockEnd(at)]  # type: ignore[arg-type]


ANT, GEM = Sealed("anthropic", "s"), Sealed("gemini", "g")


def test_every_kind_of_block() -> None:
    data = written(
        *block(0, Kind.REASONING, "h", "m", Seal(0, ANT)),
        *block(1, Kind.REDACTED, Seal(1, Sealed("openai", "o"))),
        *block(1, Kind.REASONING, "h", Seal(1, Sealed("openai", "o"))),
        *block(2, Kind.TEXT, "Hällo", ' "you"\n', LogProbs(2, "[]")),
        *block(3, Kind.TOOL_CALL, '{"a', '":1}', id="call_1", name="f"),
        *block(4, Kind.TOOL_CALL, name="g"),
        *block(5, Kind.CUSTOM_CALL, '"\n', "ü\\", id="c", name="p"),
        *block(6, Kind.CUSTOM_CALL, id="d", name="p"),
    )
    assert content(data) == [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "fgw1.openai.o"},
        {"type": "thinking", "thinking": "h", "signature": "fgw1.openai.o"},
        {"type": "text", "text": 'Hällo "you"\n'},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_01JX_5", "name": "g", "input": {}},
        {"type": "tool_use", "id": "toolu_c", "name": "p", "input": {"input": '"\nü\\'}},
        {"type": "tool_use", "id": "toolu_d", "name": "p", "input": {"input": ""}},
    ]


def test_what_is_empty_is_never_a_block() -> None:
    kinds = (Kind.TEXT, Kind.REASONING, Kind.REDACTED, Kind.REFUSAL)
    events = [event for at, kind in enumerate(kinds) for event in block(at, kind)]
    assert content(written(*events, *block(9, Kind.TEXT, "a"))) == [{"type": "text", "text": "a"}]
    assert content(written()) == []


def test_a_seal_alone_is_a_thought() -> None:
    made = [{"type": "thinking", "thinking": "", "signature": "s"}]
    assert content(written(*block(0, Kind.REASONING, Seal(0, ANT)))) == made


def test_the_seal_of_a_call_goes_ahead_of_it_or_behind() -> None:
    ahead = {"type": "redacted_thinking", "data": carried(GEM, ahead=True)}
    behind = {"type": "redacted_thinking", "data": carried(GEM, ahead=False)}
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    text = {"type": "text", "text": "a"}
    assert content(written(*block(0, Kind.TOOL_CALL, Seal(0, GEM), "{}", id="1", name="f"))) == [ahead, call]
    assert content(written(*block(0, Kind.TOOL_CALL, "{}", Seal(0, GEM), id="1", name="f"))) == [call, behind]
    assert content(written(*block(0, Kind.TEXT, "a", Seal(0, GEM)))) == [text, behind]
    assert content(written(*block(0, Kind.TEXT, Seal(0, GEM)))) == [ahead]


def test_citations_one_by_one() -> None:
    cites = [Cite(0, Citation("url", f"https://{n}")) for n in range(2)]
    data = written(*block(0, Kind.TEXT, cites[0], "a", cites[1], Cite(0, Citation("file"))))
    (only,) = content(data)
    assert [cite["url"] for cite in only["citations"]] == ["https://0", "https://1"]
    assert data.count(b"citations_delta") == 2


def test_a_citation_of_nothing_goes_with_it() -> None:
    data = written(*block(0, Kind.TEXT, Cite(0, Citation("url", "https://x"))), *block(1, Kind.TEXT, "a"))
    assert content(data) == [{"type": "text", "text": "a"}]


def test_raw_text_never_breaks_the_line() -> None:
    raw = json.dumps({"type": "search_result_location", "cited_text": "a\nb"}, indent=2)
    cite = Citation("opaque", dialect="messages", raw=raw)
    writer = Writer(setting())
    data = writer.write([Start(), *block(0, Kind.TEXT, Cite(0, cite), "a")])
    assert json.loads(raw) in [event["delta"].get("citation") for event in sdk.events(data) if "delta" in event]


def test_blocks_of_this_dialect_pass_and_others_do_not() -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    data = written(
        *block(0, Kind.OPAQUE, json.dumps(call, indent=1), name="server_tool_use"),
        *block(1, Kind.OPAQUE, json.dumps(result), name="web_search_tool_result"),
        *block(2, Kind.OPAQUE, '{"type":"web_search_call"}', name="web_search_call"),
    )
    assert content(data) == [call, result]


def test_a_picture_leaves_a_note() -> None:
    (only,) = content(written(*block(0, Kind.IMAGE, "AA", "BB", media_type="image/png")))
    assert "image/png" in only["text"]
    assert "AABB" not in only["text"]


def test_words_of_refusal() -> None:
    message = sdk.accumulated(written(*block(0, Kind.REFUSAL, "No.")))
    assert (message.stop_reason, message.stop_details is not None) == ("refusal", True)


def test_only_the_first_choice_is_told() -> None:
    data = written(
        BlockStart(0, Kind.TEXT), Delta(0, "a"), BlockStart(1, Kind.TEXT, choice=1), Delta(1, "b"), BlockEnd(1),
        Finish(StopReason.LENGTH, choice=1), Delta(0, "c"), BlockEnd(0),
    )  # fmt: skip
    assert content(data) == [{"type": "text", "text": "ac"}]
    assert sdk.accumulated(data).stop_reason == "end_turn"


def test_usage_stands_at_both_ends() -> None:
    text = block(0, Kind.TEXT, "12345")
    silent = sdk.accumulated(written(*text)).usage
    assert (silent.input_tokens, silent.output_tokens) == (7, 2)
    late = sdk.accumulated(
        written(*text, Used(Usage(in_text=3, cache_read=4, cache_write_1h=5, out_reasoning=6)))
    ).usage
    assert (late.input_tokens, late.cache_read_input_tokens, late.cache_creation_input_tokens) == (3, 4, 5)
    assert (late.output_tokens, late.output_tokens_details and late.output_tokens_details.thinking_tokens) == (6, 6)
    early = sdk.events(written(Used(Usage(in_text=3, out_text=1)), *text))[0]["message"]["usage"]
    assert (early["input_tokens"], early["output_tokens"]) == (3, 0)


def test_nothing_is_said_before_there_is_something() -> None:
    writer = Writer(setting())
    assert writer.write([Start(), Used(Usage(in_text=1))]) == b""
    assert writer.write([BlockStart(0, Kind.TEXT)]).startswith(b"event: message_start\n")


def test_a_failure_is_the_end_and_no_good_one() -> None:
    writer = Writer(setting())
    begun = writer.write([Start(), BlockStart(0, Kind.TEXT), Delta(0, "a")])
    failed = writer.fail(GatewayError(ErrorKind.UPSTREAM_CUT, "It broke off."))
    last = sdk.events(begun + failed)[-1]
    assert (last["type"], last["request_id"]) == ("error", "01JX")
    assert b"message_stop" not in begun + failed


SEALS = st.sampled_from([ANT, GEM, Sealed("openai", "o")])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """What a reader may say: blocks interleaved, in pieces, with and without ends."""
    events: list[Event] = [Start("i", "m")]
    kinds = [kind for kind in Kind if kind is not Kind.OPAQUE]
    for at in range(draw(st.integers(0, 5))):
        events.append(BlockStart(at, draw(st.sampled_from(kinds)), draw(st.sampled_from(["", "call_1", "ü"])), "f"))
    count = len(events) - 1
    for _ in range(draw(st.integers(0, 12)) if count else 0):
        at = draw(st.integers(0, count - 1))
        choices: list[Event] = [
            Delta(at, draw(TEXTS)), Seal(at, draw(SEALS)), Cite(at, Citation("url", "https://x")), BlockEnd(at),
            Used(Usage(in_text=draw(st.integers(0, 9)), out_text=draw(st.integers(0, 9)))), LogProbs(at, "[]"),
        ]  # fmt: skip
        events.append(draw(st.sampled_from(choices)))
    return [*events, Finish(draw(st.sampled_from(list(StopReason))))]


@settings(max_examples=80, deadline=None)
@given(answers())
def test_whatever_comes_the_invariants_hold_and_the_whole_answer_says_the_same(said: list[Event]) -> None:
    sequence = Sequence()
    events = [*sequence.order(said), *sequence.end()]
    writer = Writer(setting())
    data = b"".join(writer.write([event]) for event in events) + writer.end()
    sdk.assert_invariants(data)
    told = sdk.events(data)
    starts = [event["content_block"]["type"] for event in told if event["type"] == "content_block_start"]
    whole = json.loads(encode_answer(events, setting()))
    carries = [block for block in whole["content"] if block["type"] != "redacted_thinking"]
    assert [kind for kind in starts if kind != "redacted_thinking"] == [block["type"] for block in carries]
    assert told[-2]["delta"]["stop_reason"] == whole["stop_reason"]
    texts = "".join(event["delta"].get("text", "") for event in told if event["type"] == "content_block_delta")
    assert texts == "".join(block["text"] for block in carries if block["type"] == "text")
