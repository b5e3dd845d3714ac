"""Earlier answers: ids, arguments, custom tools, and reasoning that goes back to its family only."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.chat.encode_assistant import call_id
from fastgw.protocols.hub.conversation import Part, Refused, Text, Thought, ToolCall
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.chat.ask import asked, lane, sent, turn


def answered(*parts: Part, origin: str = "messages", **abilities: Any) -> dict[str, Any]:
    body, _ = sent(asked(turn("assistant", *parts), origin=origin), lane(**abilities))
    message: dict[str, Any] = body["messages"][0]
    return message


def test_ids_of_other_dialects_are_made_to_fit_and_stay_different() -> None:
    assert call_id("toolu_01A", own=False) == "call_01A"
    assert call_id("toolu_01A", own=True) == "toolu_01A"
    long = [call_id("call_" + "x" * 60 + str(number), own=False) for number in range(2)]
    assert len({*long}) == 2 and all(len(one) <= 40 for one in long)


@pytest.mark.parametrize(("origin", "given", "expected"), [
    ("messages", "", "{}"), ("messages", '{"a": 1.0}', '{"a": 1.0}'), ("chat", "", ""), ("chat", "no json", "no json"),
])  # fmt: skip
def test_arguments_are_passed_as_text(origin: str, given: str, expected: str) -> None:
    message = answered(ToolCall("call_a", "f", given), origin=origin)
    assert message["tool_calls"] == [
        {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": expected}}
    ]
    assert message["content"] is None


def test_custom_calls_become_functions_where_they_are_unknown() -> None:
    call = ToolCall("call_a", "c", 'free "text"', custom=True)
    assert answered(call)["tool_calls"][0]["custom"] == {"name": "c", "input": 'free "text"'}
    function = answered(call, custom_tools=False)["tool_calls"][0]["function"]
    assert msgspec.json.decode(function["arguments"]) == {"input": 'free "text"'}


def test_text_of_several_blocks_is_one_text_and_a_refusal_has_its_field() -> None:
    message = answered(Text("a"), Text("b"), Refused("no"))
    assert (message["content"], message["refusal"]) == ("ab", "no")


@pytest.mark.parametrize(("echo", "parts", "expected"), [
    ("", (Thought("hm"), Text("t")), None),
    ("kept", (Thought("hm"), Text("t")), "hm"),
    ("kept", (Text("t"),), None),
    ("demanded", (Text("t"),), ""),
    ("kept", (Thought(summaries=("a", "b")), Text("t")), "a\n\nb"),
    ("kept", (Thought("", Sealed("anthropic", "s"), redacted=True), Text("t")), None),
])  # fmt: skip
def test_reasoning_is_echoed_as_the_lane_wants_it(echo: str, parts: tuple[Part, ...], expected: str | None) -> None:
    message = answered(*parts, echo_reasoning=echo)
    assert message.get("reasoning_content") == expected
    assert "reasoning_details" not in message


def test_seals_go_back_to_their_family_only() -> None:
    thought = Thought("hm", Sealed("openrouter", '{"type":"reasoning.text","signature":"s","format":"f"}'))
    own = answered(thought, Text("t"), echo_reasoning="kept", family="openrouter")
    assert own["reasoning_details"] == [{"type": "reasoning.text", "text": "hm", "signature": "s", "format": "f"}]
    foreign = answered(thought, Text("t"), echo_reasoning="kept", family="deepseek")
    assert "reasoning_details" not in foreign and foreign["reasoning_content"] == "hm"
    assert "reasoning_details" not in answered(thought, Text("t"), family="openrouter")


def test_googles_signatures_go_back_to_google() -> None:
    parts = (Text("t", sealed=Sealed("gemini", "u")), ToolCall("call_a", "f", "{}", sealed=Sealed("gemini", "s")))
    own = answered(*parts, family="gemini")
    assert own["extra_content"] == {"google": {"thought_signature": "u"}}
    assert own["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}
    foreign = answered(*parts, family="openai")
    assert "extra_content" not in foreign and "extra_content" not in foreign["tool_calls"][0]
