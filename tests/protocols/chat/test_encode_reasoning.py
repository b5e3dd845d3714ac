"""How much to reason, in every way that lanes want to be told, and never to one that cannot."""

from typing import Any

import pytest

from fastgw.protocols.hub.conversation import Thinking
from tests.protocols.chat.ask import asked, lane, sent

KEYS = ("reasoning_effort", "thinking", "enable_thinking", "thinking_budget")
LOST = ("thinking",)
EFFORT = ("output_config.effort",)


def fields(thinking: Thinking, **abilities: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    body, losses = sent(asked(thinking=thinking), lane(**abilities))
    return {name: body[name] for name in KEYS if name in body}, losses


@pytest.mark.parametrize(("asked_for", "expected", "losses"), [
    (Thinking(effort="high"), {"reasoning_effort": "high"}, ()),
    (Thinking(effort="max"), {"reasoning_effort": "xhigh"}, EFFORT),
    (Thinking(effort="none"), {"reasoning_effort": "none"}, ()),
    (Thinking("off"), {"reasoning_effort": "none"}, ()),
    (Thinking(budget_tokens=0), {"reasoning_effort": "none"}, ()),
    (Thinking("on", budget_tokens=8_000), {"reasoning_effort": "medium"}, ()),
    (Thinking("on"), {"reasoning_effort": "medium"}, ()),
    (Thinking("adaptive"), {}, ()),
    (Thinking("adaptive", effort="low"), {"reasoning_effort": "low"}, ()),
    (Thinking(budget_tokens=-1), {}, ()),
    (Thinking(show=True), {}, ()),
    (Thinking(effort="low", show=False), {"reasoning_effort": "low"}, ("thinking.display",)),
    (Thinking(effort="low", summary="auto"), {"reasoning_effort": "low"}, ("thinking.summary",)),
])  # fmt: skip
def test_by_effort(asked_for: Thinking, expected: dict[str, Any], losses: tuple[str, ...]) -> None:
    assert fields(asked_for) == (expected, losses)


@pytest.mark.parametrize(("asked_for", "efforts", "expected", "losses"), [
    (Thinking("on", budget_tokens=8_000), (), {"thinking": {"type": "enabled"}}, LOST),
    (Thinking(effort="high"), ("high", "max"), {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}, ()),
    (Thinking("on"), (), {"thinking": {"type": "enabled"}}, ()),
    (Thinking("off"), (), {"thinking": {"type": "disabled"}}, ()),
])  # fmt: skip
def test_by_switch(asked_for: Thinking, efforts: Any, expected: dict[str, Any], losses: tuple[str, ...]) -> None:
    assert fields(asked_for, reasoning="thinking", efforts=efforts) == (expected, losses)


@pytest.mark.parametrize(("asked_for", "expected"), [
    (Thinking("on", budget_tokens=8_000), {"enable_thinking": True, "thinking_budget": 8_000}),
    (Thinking("on", budget_tokens=100), {"enable_thinking": True, "thinking_budget": 1_024}),
    (Thinking(effort="max"), {"enable_thinking": True, "thinking_budget": 38_912}),
    (Thinking("on"), {"enable_thinking": True}),
    (Thinking("off"), {"enable_thinking": False}),
])  # fmt: skip
def test_by_flag_and_budget(asked_for: Thinking, expected: dict[str, Any]) -> None:
    assert fields(asked_for, reasoning="enable_thinking", budget_max=38_912) == (expected, ())


def test_one_that_cannot_be_told_is_not() -> None:
    assert fields(Thinking(effort="high"), reasoning="none") == ({}, EFFORT)
    assert fields(Thinking("off"), reasoning="none") == ({}, ())


def test_one_that_cannot_be_switched_off_thinks_as_little_as_it_can() -> None:
    few = ("low", "high")
    assert fields(Thinking("off"), reasoning_off=False, efforts=few) == ({"reasoning_effort": "low"}, LOST)
    assert fields(Thinking("off"), reasoning="thinking", reasoning_off=False) == ({}, LOST)
