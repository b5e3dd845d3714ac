"""How the model shall reason: model-specific fields, which Converse passes on, and the cap that holds both.

Claude has `thinking` and `output_config.effort` as at Anthropic, gpt-oss has `reasoning_effort`
(docs.aws.amazon.com/bedrock/latest/userguide/inference-reasoning.html, read 2026-11-21). While Claude thinks, no call
can be demanded; with a budget, an assistant message that the answer goes on from must begin with reasoning. Where both
cannot be had, reasoning yields, as a loss: it tunes, while a demanded call and the history are what the answer means.
"""

from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Effort, Thinking
from fastgw.protocols.hub.effort import budget_of, effort_of, nearest
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, thinking_of
from fastgw.protocols.hub.target import Abilities, Target

BUDGET_MIN = 1_024
ANSWER_MIN = 1_024
"""Tokens that a budget leaves for the answer."""
DEFAULT_EFFORT: Effort = "medium"
"""Of a caller who wants reasoning and does not say how much, where a number is due."""


class Plan(msgspec.Struct, frozen=True):
    """What is sent about reasoning."""

    fields: dict[str, Any] = {}
    max_tokens: int = 0
    """0: not said."""
    thinks: bool = False
    """Claude is told to think."""


def plan_of(
    conversation: Conversation, target: Target, losses: Losses, *, forced: bool, messages: list[dict[str, Any]]
) -> Plan:
    """`forced`: a call is demanded. `messages`: as they are sent."""
    said, abilities = conversation.thinking, target.abilities
    cap = _cap(conversation, abilities, losses)
    if said is None:
        return Plan(max_tokens=cap)
    name = thinking_of(conversation)
    claude = abilities.reasoning in ("budget", "adaptive")
    if said.mode == "off" or said.budget_tokens == 0 or (not said.mode and said.effort == "none"):
        return Plan(_off(abilities, losses, name, claude=claude), cap)
    if abilities.reasoning == "none" or (claude and forced) or (abilities.reasoning == "budget" and _unled(messages)):
        losses.drop(name)
        return Plan(max_tokens=cap)
    if abilities.reasoning == "budget":
        return _budgeted(said, abilities, cap, losses, name)
    word = nearest(_wanted(said), abilities.efforts)
    if not claude:
        if word is None:
            losses.drop(name)
        return Plan({"reasoning_effort": word} if word else {}, cap)
    show = True if said.show is None and said.summary else said.show
    thinking: dict[str, Any] = {"type": "adaptive"}
    if show is not None:
        thinking["display"] = "summarized" if show else "omitted"
    fields: dict[str, Any] = {"thinking": thinking}
    if word is not None and (said.effort is not None or (said.budget_tokens or 0) > 0):
        fields["output_config"] = {"effort": word}
    return Plan(fields, cap, thinks=True)


def _cap(conversation: Conversation, abilities: Abilities, losses: Losses) -> int:
    cap = conversation.output_cap or 0
    if abilities.output_max and cap > abilities.output_max:
        losses.drop(field_of(conversation.origin, "output_cap"))
        return abilities.output_max
    return cap


def _wanted(said: Thinking) -> Effort:
    if said.effort is not None:
        return said.effort
    return effort_of(said.budget_tokens or 0) if (said.budget_tokens or 0) > 0 else DEFAULT_EFFORT


def _off(abilities: Abilities, losses: Losses, name: str, *, claude: bool) -> dict[str, Any]:
    if abilities.reasoning == "none":
        return {}
    if not abilities.reasoning_off:
        losses.drop(name)
        return {}
    if claude:
        return {"thinking": {"type": "disabled"}}
    return {"reasoning_effort": "none"} if "none" in abilities.efforts else {}


def _budgeted(said: Thinking, abilities: Abilities, cap: int, losses: Losses, name: str) -> Plan:
    budget = said.budget_tokens if (said.budget_tokens or 0) > 0 else budget_of(_wanted(said))
    budget = max(budget or 0, abilities.budget_min, BUDGET_MIN)
    if abilities.budget_max:
        budget = min(budget, abilities.budget_max)
    if not cap:
        cap = abilities.output_default + budget
        if abilities.output_max:
            cap = min(cap, abilities.output_max)
    budget = min(budget, cap - ANSWER_MIN)
    if budget < BUDGET_MIN:
        losses.drop(name)
        return Plan(max_tokens=cap)
    return Plan({"thinking": {"type": "enabled", "budget_tokens": budget}}, cap, thinks=True)


def _unled(messages: list[dict[str, Any]]) -> bool:
    """The assistant message from which the answer goes on, for its calls were answered or it is the last one, does not
    begin with reasoning: that of another family is not replayed."""
    for number in range(len(messages) - 1, -1, -1):
        if messages[number]["role"] == "assistant":
            follows = messages[number + 1]["content"] if number + 1 < len(messages) else None
            goes_on = follows is None or "toolResult" in follows[0]
            return goes_on and "reasoningContent" not in messages[number]["content"][0]
    return False
