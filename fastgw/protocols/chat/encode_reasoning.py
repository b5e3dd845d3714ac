"""How much to reason, in the field that the lane reads."""

from typing import Any

from fastgw.protocols.hub.conversation import Conversation, Effort, Thinking
from fastgw.protocols.hub.effort import BUDGETS, budget_of, effort_of, nearest
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, thinking_of
from fastgw.protocols.hub.target import Abilities


def reasoning(conversation: Conversation, abilities: Abilities, losses: Losses) -> dict[str, Any]:
    """The fields that say it, none where nothing was said or the lane cannot be told (a loss)."""
    asked = conversation.thinking
    if asked is None:
        return {}
    path = thinking_of(conversation)
    if asked.summary or asked.show is False:
        # Reasoning that the provider sends is passed on as it is.
        shown = field_of(conversation.origin, "thinking")
        losses.drop(f"{shown}.summary" if asked.summary else _SHOWN.get(conversation.origin, shown))
    on, effort = _asked(asked)
    if abilities.reasoning == "none":
        if on:
            losses.drop(path)
        return {}
    if on is False:
        return _off(abilities, path, losses)
    return _on(asked, effort, abilities, losses, path) if on else {}


_SHOWN = {"messages": "thinking.display", "gemini": "generationConfig.thinkingConfig.includeThoughts"}
"""What callers call whether they are shown the reasoning."""


def _on(asked: Thinking, effort: Effort | None, abilities: Abilities, losses: Losses, path: str) -> dict[str, Any]:
    match abilities.reasoning:
        case "thinking":
            level: dict[str, Any] = {}
            if effort is not None:
                level = _effort(effort, abilities, path, losses)
            return {"thinking": {"type": "enabled"}} | level
        case "enable_thinking":
            return {"enable_thinking": True} | _budget(asked, effort, abilities)
        case _:
            return _effort(effort, abilities, path, losses)


def _asked(asked: Thinking) -> tuple[bool | None, Effort | None]:
    """Whether to reason, None if left to the model, and how much."""
    if asked.mode == "off" or asked.effort == "none" or (asked.budget_tokens == 0 and not asked.effort):
        return False, None
    effort: Effort | None = asked.effort
    if effort is None and asked.budget_tokens is not None and asked.budget_tokens > 0:
        effort = effort_of(asked.budget_tokens)
    on = True if asked.mode == "on" or effort is not None else None
    return on, effort


def _off(abilities: Abilities, path: str, losses: Losses) -> dict[str, Any]:
    if abilities.reasoning_off:
        match abilities.reasoning:
            case "thinking":
                return {"thinking": {"type": "disabled"}}
            case "enable_thinking":
                return {"enable_thinking": False}
            case _ if "none" in abilities.efforts:
                return {"reasoning_effort": "none"}
    losses.drop(path)
    if abilities.reasoning in ("thinking", "enable_thinking"):
        return {}
    least = nearest("minimal", abilities.efforts)
    return {"reasoning_effort": least} if least else {}


def _effort(effort: Effort | None, abilities: Abilities, path: str, losses: Losses) -> dict[str, Any]:
    word = nearest(effort or "medium", abilities.efforts)
    if word is None or (effort is not None and word != effort):
        losses.drop(path)
    return {"reasoning_effort": word} if word else {}


def _budget(asked: Thinking, effort: Effort | None, abilities: Abilities) -> dict[str, Any]:
    tokens = asked.budget_tokens
    if tokens is None or tokens <= 0:
        if effort is None:
            return {}
        tokens = budget_of(effort)
    most = abilities.budget_max or BUDGETS["max"]
    return {"thinking_budget": max(min(tokens, most), min(abilities.budget_min, most))}
