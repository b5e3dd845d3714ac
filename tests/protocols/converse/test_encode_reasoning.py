"""How models on Bedrock are told to reason."""

from typing import Any

import pytest

from fastgw.protocols.hub.conversation import Thinking, Thought, Tool, ToolCall, ToolChoice, ToolResult, Turn
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.converse.kit import asked, lane, said, sent

ON = Thinking(mode="on", budget_tokens=5_000)
TOOLS = (Tool("function", "f"),)


def more(thinking: Thinking, **abilities: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    body, lost = sent(asked(thinking=thinking), lane(**abilities))
    return body.get("additionalModelRequestFields", {}), lost


def test_a_budget_with_room_for_the_answer() -> None:
    body, lost = sent(asked(thinking=ON))
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 5_000}}
    assert body["inferenceConfig"] == {"maxTokens": 4_096 + 5_000}
    body, _ = sent(asked(thinking=ON, output_cap=4_000))
    assert body["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 4_000 - 1_024
    body, lost = sent(asked(thinking=ON, output_cap=1_500))
    assert (body["inferenceConfig"], lost) == ({"maxTokens": 1_500}, ("reasoning_effort",))
    assert "additionalModelRequestFields" not in body


@pytest.mark.parametrize(
    ("thinking", "abilities", "fields", "lost"),
    [
        (Thinking(effort="high"), {"reasoning": "adaptive"},
         {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, ()),
        (Thinking(effort="minimal"), {"reasoning": "adaptive"},
         {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, ()),
        (Thinking(mode="on", budget_tokens=8_000), {"reasoning": "adaptive"},
         {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}, ()),
        (Thinking(mode="adaptive", show=False), {"reasoning": "adaptive"},
         {"thinking": {"type": "adaptive", "display": "omitted"}}, ()),
        (Thinking(mode="off"), {"reasoning": "adaptive"}, {"thinking": {"type": "disabled"}}, ()),
        (Thinking(mode="off"), {"reasoning": "adaptive", "reasoning_off": False}, {}, ("reasoning_effort",)),
        (Thinking(effort="none"), {"reasoning": "budget"}, {"thinking": {"type": "disabled"}}, ()),
        (Thinking(effort="low"), {"reasoning": "effort"}, {"reasoning_effort": "low"}, ()),
        (Thinking(mode="off"), {"reasoning": "effort", "efforts": ("none", "low")}, {"reasoning_effort": "none"}, ()),
        (Thinking(effort="low"), {"reasoning": "none"}, {}, ("reasoning_effort",)),
        (Thinking(mode="off"), {"reasoning": "none"}, {}, ()),
        (Thinking(effort="low"), {"budget_max": 2_000}, {"thinking": {"type": "enabled", "budget_tokens": 1_024}}, ()),
        (Thinking(effort="max"), {"budget_max": 2_000}, {"thinking": {"type": "enabled", "budget_tokens": 2_000}}, ()),
    ],
)  # fmt: skip
def test_words_and_budgets(
    thinking: Thinking, abilities: dict[str, Any], fields: dict[str, Any], lost: tuple[str, ...]
) -> None:
    assert more(thinking, **abilities) == (fields, lost)


def test_a_demanded_call_and_reasoning_do_not_go_together() -> None:
    body, lost = sent(asked(thinking=ON, tools=TOOLS, tool_choice=ToolChoice("required")))
    assert body["toolConfig"]["toolChoice"] == {"any": {}}
    assert "additionalModelRequestFields" not in body
    assert lost == ("reasoning_effort",)


def history(*first: Thought) -> tuple[Turn, ...]:
    call = ToolCall("c", "f", "{}")
    return said("user", "go"), said("assistant", *first, call), said("tool", ToolResult("c", ()))


def test_a_turn_that_goes_on_without_its_reasoning_switches_a_budget_off() -> None:
    own = Thought("hm", Sealed("anthropic", "sig"))
    assert "additionalModelRequestFields" in sent(asked(*history(own), thinking=ON, tools=TOOLS))[0]
    body, lost = sent(asked(*history(Thought("hm", Sealed("openai", "x"))), thinking=ON, tools=TOOLS))
    assert ("additionalModelRequestFields" in body, lost) == (False, ("reasoning_effort",))
    adaptive = sent(asked(*history(), thinking=ON, tools=TOOLS), lane(reasoning="adaptive"))[0]
    assert adaptive["additionalModelRequestFields"]["thinking"] == {"type": "adaptive"}


def test_a_cap_above_what_the_lane_gives_is_lowered() -> None:
    body, lost = sent(asked(output_cap=100_000), lane(output_max=64_000))
    assert (body["inferenceConfig"], lost) == ({"maxTokens": 64_000}, ("max_completion_tokens",))
