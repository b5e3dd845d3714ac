"""Reasoning of other families stays behind where the caller's own bytes go to a provider."""

import json
from typing import Any

import msgspec
import pytest

from fastgw.protocols.chat.strip import stripped
from tests.protocols.chat.ask import lane


def left(message: dict[str, Any], **abilities: Any) -> Any:
    raw = msgspec.Raw(json.dumps([{"role": "user", "content": "hi"}, message]).encode())
    return json.loads(bytes(stripped(raw, lane(**abilities))))[1]


def answer(**more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": "a"} | more


def detail(seal: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": "hm", "signature": seal, "index": 0}


def signed(signature: str) -> dict[str, Any]:
    return {"extra_content": {"google": {"thought_signature": signature}}}


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def test_reasoning_of_another_family_is_left_out() -> None:
    given = answer(reasoning_content="hm", reasoning_details=[detail("fgw1.anthropic.x")])
    assert left(given) == answer()
    assert left(given, echo_reasoning="kept") == answer(reasoning_content="hm")


def test_reasoning_of_the_own_family_goes_back_as_it_was() -> None:
    own = '{"type":"reasoning.text","signature":"x","format":"f"}'
    given = answer(reasoning_details=[detail(f"fgw1.openai.{own}"), detail("fgw1.gemini.y")])
    assert left(given) == answer()
    assert left(given, echo_reasoning="kept") == answer(
        reasoning_details=[{"type": "reasoning.text", "text": "hm", "signature": "x", "format": "f"}]
    )


def test_what_a_caller_brought_from_elsewhere_is_not_touched() -> None:
    given = answer(reasoning_content="hm", reasoning_details=[detail("x"), detail("fgw1.gemini.y")])
    assert left(given, echo_reasoning="kept")["reasoning_details"] == [detail("x")]
    whole = answer(reasoning_content="hm", reasoning_details=[detail("x")])
    assert left(whole) == whole


@pytest.mark.parametrize(
    ("family", "signature", "kept"),
    [
        ("openai", "c2lnbg==", {}),
        ("gemini", "c2lnbg==", signed("c2lnbg==")),
        ("gemini", "fgw1.gemini.c2lnbg==", signed("c2lnbg==")),
        ("gemini", "fgw1.anthropic.x", {}),
        ("anthropic", "fgw1.anthropic.x", signed("x")),
    ],
)
def test_signatures_of_calls_and_texts(family: str, signature: str, kept: dict[str, Any]) -> None:
    given = answer(tool_calls=[CALL | signed(signature)], **signed(signature))
    assert left(given, family=family) == answer(tool_calls=[CALL | kept], **kept)


def test_what_else_stands_there_stays() -> None:
    given = answer(extra_content={"google": {"thought_signature": "x", "thought": True}, "other": {"a": 1}})
    assert left(given) == answer(extra_content={"google": {"thought": True}, "other": {"a": 1}})


@pytest.mark.parametrize(
    "messages",
    [
        "1", '[1,"fgw1."]', '[{"reasoning_details":["fgw1."]}]', '[{"tool_calls":"thought_signature"}]',
        '[{"extra_content":"thought_signature"}]', '[{"extra_content":{"google":{"thought_signature":1}}}]',
        '[{"content":"fgw1.x"}]', "[]",
    ],
)  # fmt: skip
def test_what_is_wrong_in_another_way_is_left_alone(messages: str) -> None:
    raw = msgspec.Raw(messages.encode())
    assert stripped(raw, lane()) is raw
