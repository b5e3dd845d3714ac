"""Reasoning and the cap that holds it."""

from typing import Any

import pytest

from fastgw.protocols.hub.conversation import Text, Thinking, Thought, Tool, ToolCall, ToolChoice, ToolResult, Turn
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.messages.lane import asked, lane, said, sent

BUDGET: dict[str, Any] = {"reasoning": "budget"}


def plan(
    thinking: Thinking, *turns: Turn, origin: str = "chat", cap: int | None = None, **abilities: Any
) -> tuple[Any, str | None, int, tuple[str, ...]]:
    """`thinking`, effort and cap that are sent, and what is lost."""
    body, lost = sent(asked(*turns, thinking=thinking, output_cap=cap, origin=origin), lane(**abilities))
    return body.get("thinking"), body.get("output_config", {}).get("effort"), body["max_tokens"], lost


ADAPTIVE = {"type": "adaptive"}


@pytest.mark.parametrize(
    ("said_", "effort"),
    [
        (Thinking(effort="minimal"), "low"),
        (Thinking(effort="high"), "high"),
        (Thinking(effort="max"), "xhigh"),
        (Thinking("on", budget_tokens=8_000), "medium"),
        (Thinking("on", budget_tokens=-1), None),
        (Thinking("adaptive"), None),
    ],
)
def test_adaptive_lanes_are_told_in_words(said_: Thinking, effort: str | None) -> None:
    assert plan(said_) == (ADAPTIVE, effort, 4_096, ())


@pytest.mark.parametrize(
    ("said_", "budget"),
    [
        (Thinking(effort="minimal"), 1_024),
        (Thinking(effort="high"), 24_576),
        (Thinking("on", budget_tokens=5_000), 5_000),
        (Thinking("on", budget_tokens=5), 1_024),
        (Thinking("on", budget_tokens=-1), 8_192),
        (Thinking("adaptive"), 8_192),
    ],
)
def test_older_lanes_get_a_budget_and_room_above_it(said_: Thinking, budget: int) -> None:
    assert plan(said_, **BUDGET) == ({"type": "enabled", "budget_tokens": budget}, None, budget + 4_096, ())


@pytest.mark.parametrize("way", ["thinking", "enable_thinking"])
def test_what_a_vendors_chat_is_told_is_a_budget_here(way: str) -> None:
    thinking, effort, _, _ = plan(Thinking(effort="low"), reasoning=way)
    assert (thinking, effort) == ({"type": "enabled", "budget_tokens": 1_024}, None)


@pytest.mark.parametrize("said_", [Thinking("off"), Thinking(effort="none"), Thinking("on", budget_tokens=0)])
def test_off_is_off(said_: Thinking) -> None:
    assert plan(said_)[0] == plan(said_, **BUDGET)[0] == {"type": "disabled"}
    assert plan(said_, reasoning="none") == (None, None, 4_096, ())
    assert plan(said_, reasoning_off=False)[0::3] == (None, ("reasoning_effort",))


def test_a_lane_that_cannot_reason_is_not_asked() -> None:
    assert plan(Thinking(effort="high"), reasoning="none") == (None, None, 4_096, ("reasoning_effort",))


def test_a_callers_cap_bounds_the_budget() -> None:
    think = Thinking(effort="high")
    assert plan(think, cap=10_000, **BUDGET) == ({"type": "enabled", "budget_tokens": 8_976}, None, 10_000, ())
    assert plan(think, cap=2_000, **BUDGET) == (None, None, 2_000, ("reasoning_effort",))


def test_a_budget_of_this_dialect_need_only_be_below_the_cap() -> None:
    think = Thinking("on", budget_tokens=1_999)
    assert plan(think, cap=2_000, origin="messages", **BUDGET)[0] == {"type": "enabled", "budget_tokens": 1_999}
    assert plan(think, cap=1_999, origin="messages", **BUDGET)[0] == {"type": "enabled", "budget_tokens": 1_998}


def test_the_lanes_bound_is_kept() -> None:
    assert plan(Thinking(effort="max"), output_max=64_000, **BUDGET)[2] == 64_000
    assert plan(Thinking(effort="max"), output_max=64_000, **BUDGET)[0]["budget_tokens"] == 62_976
    assert plan(Thinking(effort="max"), budget_max=16_000, **BUDGET)[0]["budget_tokens"] == 16_000
    assert plan(Thinking(), cap=9_000, output_max=8_192)[2:] == (8_192, ("max_completion_tokens",))


def test_a_cap_of_zero_fills_the_cache_for_its_own_callers_only() -> None:
    assert plan(Thinking("off"), cap=0, origin="messages")[2] == 0
    assert plan(Thinking("off"), cap=0)[2] == 4_096


@pytest.mark.parametrize(
    ("said_", "display"),
    [
        (Thinking("on", show=True), "summarized"),
        (Thinking("on", show=False), "omitted"),
        (Thinking(effort="low", summary="auto"), "summarized"),
        (Thinking("on"), None),
    ],
)
def test_whether_it_is_shown(said_: Thinking, display: str | None) -> None:
    assert plan(said_)[0].get("display") == display
    assert "display" not in plan(said_, **BUDGET)[0]


def test_effort_of_this_dialect_asks_for_no_thinking() -> None:
    assert plan(Thinking(effort="low"), origin="messages")[:2] == (None, "low")
    found = plan(Thinking("on", "low", 2_000), origin="messages", **BUDGET)
    assert found[0]["budget_tokens"] == 2_000
    assert found[1::2] == (None, ("output_config.effort",))


def test_a_demanded_call_comes_before_reasoning() -> None:
    tools = (Tool("function", "f"),)
    wanted = asked(tools=tools, tool_choice=ToolChoice("required"), thinking=Thinking(effort="low"))
    body, lost = sent(wanted)
    assert (body["tool_choice"], "thinking" in body, lost) == ({"type": "any"}, False, ("reasoning_effort",))
    body, lost = sent(wanted, lane(forced_calls=False, reasoning_off=False))
    assert (body["tool_choice"], body["thinking"], lost) == ({"type": "auto"}, ADAPTIVE, ("tool_choice",))


CALL, RESULT = ToolCall("toolu_1", "f", ""), said("tool", ToolResult("toolu_1", (Text("r"),)))
LED = Thought("hm", Sealed("anthropic", "s"))


@pytest.mark.parametrize(
    ("turns", "thinks"),
    [
        ((said("user", "a"), said("assistant", LED, CALL), RESULT), True),
        ((said("user", "a"), said("assistant", CALL), RESULT), False),
        ((said("user", "a"), said("assistant", Thought("hm", Sealed("openai", "s")), CALL), RESULT), False),
        ((said("user", "a"), said("assistant", CALL), RESULT, said("assistant", "b"), said("user", "c")), True),
        ((said("user", "a"), said("assistant", "b", plain=True)), False),
        ((said("user", "a", plain=True),), True),
    ],
)
def test_with_a_budget_the_assistant_must_have_thought_before(turns: tuple[Turn, ...], thinks: bool) -> None:
    thinking, _, _, lost = plan(Thinking(effort="low"), *turns, **BUDGET)
    assert (thinking is not None, lost) == (thinks, () if thinks else ("reasoning_effort",))
    assert plan(Thinking(effort="low"), *turns)[0] == ADAPTIVE
