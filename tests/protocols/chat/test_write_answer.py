"""Whole answers for chat callers, valid against OpenAI's description."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.chat.write_answer import encode_answer
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
    StopReason,
    Used,
)
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered
from fastgw.usage import Usage
from tests.protocols.chat.ask import asked, setting
from tests.protocols.chat.schema import check


def block(at: int, kind: Kind, text: str, *more: Event, **start: Any) -> list[Event]:
    return [BlockStart(at, kind, **start), Delta(at, text), *more, BlockEnd(at)]


def answered(*events: Event, setup: Setting | None = None) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(encode_answer(ordered(list(events)), setup or setting()))
    check(body, "CreateChatCompletionResponse")
    return body


def message(*events: Event, setup: Setting | None = None) -> dict[str, Any]:
    said: dict[str, Any] = answered(*events, setup=setup)["choices"][0]["message"]
    return said


def test_an_ordinary_answer() -> None:
    body = answered(*block(0, Kind.TEXT, "a\n"), *block(1, Kind.TEXT, "b"), Used(Usage(in_text=1, out_text=2)),
                    Finish(StopReason.END))  # fmt: skip
    assert (body["id"], body["model"], body["created"]) == ("chatcmpl-ex1", "alias", 1_800_000_000)
    assert body["choices"][0]["message"]["content"] == "a\nb"
    assert (body["choices"][0]["finish_reason"], body["usage"]["total_tokens"]) == ("stop", 3)


def test_only_calls_leave_no_content() -> None:
    said = message(*block(0, Kind.TOOL_CALL, "{}", id="toolu_a", name="f"), BlockStart(1, Kind.TOOL_CALL, "", "g"),
                   Finish(StopReason.END))  # fmt: skip
    assert said["content"] is None
    assert [call["function"] for call in said["tool_calls"]] == [
        {"name": "f", "arguments": "{}"}, {"name": "g", "arguments": "{}"},
    ]  # fmt: skip
    assert message(Finish(StopReason.END))["content"] == ""


def test_reasoning_and_its_seals() -> None:
    said = message(*block(0, Kind.REASONING, "hm", Seal(0, Sealed("anthropic", "s"))),
                   BlockStart(1, Kind.REDACTED), Seal(1, Sealed("openai", "t")), *block(2, Kind.TEXT, "x"))  # fmt: skip
    assert (said["content"], said["reasoning_content"]) == ("x", "hm")
    assert said["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "signature": "fgw1.anthropic.s", "index": 0},
        {"type": "reasoning.encrypted", "data": "fgw1.openai.t", "index": 1},
    ]


def test_signatures_of_calls_and_text() -> None:
    seal = Sealed("gemini", "s")
    said = message(*block(0, Kind.TEXT, "x", Seal(0, seal)), *block(1, Kind.TOOL_CALL, "{}", Seal(1, seal), name="f"))
    carrier = {"google": {"thought_signature": "s"}}
    assert (said["extra_content"], said["tool_calls"][0]["extra_content"]) == (carrier, carrier)


def test_custom_calls_and_old_functions() -> None:
    custom = setting(asked(origin="chat", tools=(Tool("custom", "c"),)))
    said = message(*block(0, Kind.TOOL_CALL, '{"input":"free"}', id="call_a", name="c"), setup=custom)
    assert said["tool_calls"] == [{"id": "call_a", "type": "custom", "custom": {"name": "c", "input": "free"}}]
    old = setting(fields={"functions": b"[]"})
    body = answered(*block(0, Kind.TOOL_CALL, "{}", name="f"), Finish(StopReason.TOOLS), setup=old)
    assert body["choices"][0]["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert body["choices"][0]["finish_reason"] == "function_call"


@pytest.mark.parametrize("events", [
    [*block(0, Kind.REFUSAL, "no"), Finish(StopReason.REFUSAL)], [Finish(StopReason.REFUSAL, words="no")],
])  # fmt: skip
def test_refusals(events: list[Event]) -> None:
    body = answered(*events)
    assert body["choices"][0]["message"]["refusal"] == "no"
    assert body["choices"][0]["finish_reason"] == "content_filter"


def test_pictures_sound_citations_and_probabilities() -> None:
    tokens = '[{"token":"x","logprob":-0.5,"bytes":[120],"top_logprobs":[]}]'
    cited = Cite(1, Citation("url", "https://a", "A"))
    body = answered(*block(0, Kind.TEXT, "one "), *block(1, Kind.TEXT, "two", cited, LogProbs(1, tokens)),
                    *block(2, Kind.IMAGE, "AAAA", media_type="image/webp"), *block(3, Kind.AUDIO, "BB"))  # fmt: skip
    said = body["choices"][0]["message"]
    assert said["images"][0]["image_url"]["url"] == "data:image/webp;base64,AAAA"
    assert said["audio"]["data"] == "BB"
    where = said["annotations"][0]["url_citation"]
    assert (where["start_index"], where["end_index"]) == (4, 7)
    assert body["choices"][0]["logprobs"]["content"][0]["token"] == "x"


def test_several_choices() -> None:
    body = answered(*block(0, Kind.TEXT, "b", choice=1), *block(1, Kind.TEXT, "a"), Finish(StopReason.LENGTH, choice=1))
    assert [(c["index"], c["message"]["content"], c["finish_reason"]) for c in body["choices"]] == [
        (0, "a", "stop"), (1, "b", "length"),
    ]  # fmt: skip
