"""A whole answer for a caller."""

import json
from typing import Any

import pytest

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
from fastgw.protocols.messages.answer import encode_answer
from fastgw.protocols.messages.seals import carried
from fastgw.usage import Usage
from tests.protocols.messages import sdk
from tests.protocols.messages.lane import setting


def answered(*events: Event, reason: StopReason = StopReason.END) -> dict[str, Any]:
    body = encode_answer([Start("chatcmpl-1", "gpt"), *events, Finish(reason)], setting())
    sdk.message(body)
    made: dict[str, Any] = json.loads(body)
    return made


def block(kind: Kind, *inner: Event | str, **start: str) -> list[Event]:
    events = [Delta(0, one) if isinstance(one, str) else one for one in inner]
    return [BlockStart(0, kind, **start), *events, BlockEnd(0)]  # type: ignore[arg-type]


def test_the_frame() -> None:
    made = answered(*block(Kind.TEXT, "a", "b"), Used(Usage(in_text=1, out_text=2, out_reasoning=3)))
    assert made | {"usage": 0} == {
        "id": "msg_01JX", "type": "message", "role": "assistant", "model": "as-asked",
        "content": [{"type": "text", "text": "ab"}], "stop_reason": "end_turn", "stop_sequence": None, "usage": 0,
    }  # fmt: skip
    assert made["usage"]["output_tokens"] == 5
    assert made["usage"]["output_tokens_details"] == {"thinking_tokens": 3}


ANT, GEM, OAI = Sealed("anthropic", "s"), Sealed("gemini", "g"), Sealed("openai", "o")


@pytest.mark.parametrize(
    ("events", "content"),
    [
        (block(Kind.REASONING, "hm", Seal(0, ANT)), [{"type": "thinking", "thinking": "hm", "signature": "s"}]),
        (block(Kind.REASONING, Seal(0, OAI)), [{"type": "thinking", "thinking": "", "signature": "fgw1.openai.o"}]),
        (block(Kind.REASONING, "hm"), [{"type": "thinking", "thinking": "hm", "signature": ""}]),
        (block(Kind.REASONING), []),
        (block(Kind.REDACTED, Seal(0, ANT)), [{"type": "redacted_thinking", "data": "s"}]),
        (block(Kind.REDACTED), []),
        (block(Kind.TEXT), []),
        (block(Kind.TEXT, "a", LogProbs(0, "[]")), [{"type": "text", "text": "a"}]),
        (block(Kind.TEXT, "a", Seal(0, GEM)),
         [{"type": "redacted_thinking", "data": carried(GEM, ahead=True)}, {"type": "text", "text": "a"}]),
        (block(Kind.TOOL_CALL, '{"a":', "1}", id="call_1", name="f"),
         [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}]),
        (block(Kind.TOOL_CALL, name="f"), [{"type": "tool_use", "id": "toolu_01JX_0", "name": "f", "input": {}}]),
        (block(Kind.TOOL_CALL, "[1]", id="1", name="f"),
         [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"_raw": "[1]"}}]),
        (block(Kind.CUSTOM_CALL, "*** ", '"x"', id="1", name="f"),
         [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"input": '*** "x"'}}]),
        (block(Kind.OPAQUE, '{"type":"container_upload","file_id":"f"}', name="container_upload"),
         [{"type": "container_upload", "file_id": "f"}]),
        (block(Kind.OPAQUE, '{"type":"web_search_call"}', name="web_search_call"), []),
    ],
)  # fmt: skip
def test_blocks(events: list[Event], content: list[dict[str, Any]]) -> None:
    assert answered(*events)["content"] == content


def test_arguments_keep_their_bytes() -> None:
    body = encode_answer(
        [Start(), *block(Kind.TOOL_CALL, '{"n": 1.0, "n": 2}', name="f"), Finish(StopReason.TOOLS)], setting()
    )
    assert b'"input":{"n": 1.0, "n": 2}' in body


def test_citations() -> None:
    made = answered(*block(Kind.TEXT, "a", Cite(0, Citation("url", "https://x")), Cite(0, Citation("file"))))
    assert [cite["url"] for cite in made["content"][0]["citations"]] == ["https://x"]


def test_words_of_refusal_are_text_and_a_reason() -> None:
    made = answered(*block(Kind.REFUSAL, "No."))
    assert (made["content"], made["stop_reason"]) == ([{"type": "text", "text": "No."}], "refusal")


def test_a_picture_leaves_a_note() -> None:
    (only,) = answered(*block(Kind.IMAGE, "AAAA", media_type="image/png"))["content"]
    assert (only["type"], "AAAA" in only["text"]) == ("text", False)


def test_of_several_choices_the_first() -> None:
    events = [*block(Kind.TEXT, "a"), BlockStart(1, Kind.TEXT, choice=1), Delta(1, "b"), BlockEnd(1)]
    assert len(answered(*events)["content"]) == 1


def test_tokens_that_nobody_reported_are_counted() -> None:
    assert answered(*block(Kind.TEXT, "12345"))["usage"]["output_tokens"] == 2
