"""How the model shall reason, in the words of the lane, and the cap that holds both the reasoning and the answer.

`thinking` is `enabled` with a budget on older models, `adaptive` with `output_config.effort` on newer ones. While it is
on, no call can be demanded; and with a budget, an assistant message that the conversation goes on from must begin with
a thinking block (platform.claude.com/docs/en/build-with-claude/extended-thinking, 2026-11). Where both cannot be had,
reasoning yields, as a loss: it tunes, while a demanded call and the history are what the answer means.
"""

from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Effort, Thinking
from fastgw.protocols.hub.effort import EFFORTS, budget_of, effort_of, nearest
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.target import Abilities, Target

BUDGET_MIN = 1_024
ANSWER_MIN = 1_024
"""Tokens that a budget made here leaves for the answer."""
DEFAULT_EFFORT: Effort = "medium"
"""Of a caller who wants reasoning and does not say how much, where a number is due."""

_BUDGETED = ("budget", "thinking", "enable_thinking")
"""Ways of lanes that take `enabled` with a budget; the last two are what a vendor's chat is told, whose Messages
endpoint knows no newer form either."""
_WORDS: tuple[Effort, ...] = tuple(effort for effort in EFFORTS if effort not in ("none", "minimal"))


class Plan(msgspec.Struct, frozen=True):
    """What is sent about reasoning."""

    thinking: dict[str, Any] | None = None
    effort: str = ""

    @property
    def budget_tokens(self) -> int:
        """0 unless a budget is sent."""
        found: int = (self.thinking or {}).get("budget_tokens", 0)
        return found

    @property
    def on(self) -> bool:
        """The model is told to think."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def reasoning(
    conversation: Conversation, target: Target, losses: Losses, *, forced: bool, messages: list[dict[str, Any]]
) -> Plan:
    """`forced`: a call is demanded. `messages`: as they are sent."""
    said, abilities = conversation.thinking, target.abilities
    if said is None:
        return Plan()
    name = field_of(conversation.origin, "thinking")
    own = conversation.origin == "messages"
    if own and said.effort is not None and abilities.reasoning in (*_BUDGETED, "none"):
        # Models before adaptive thinking do not know the field.
        losses.drop("output_config.effort")
    if own and not said.mode:
        # In this dialect effort alone does not ask for thinking.
        return Plan(effort=_adaptive(said, abilities, own=own).effort)
    if said.mode == "off" or said.budget_tokens == 0 or (not said.mode and said.effort == "none"):
        return _off(said, abilities, losses, name)
    if abilities.reasoning == "none" or forced or (abilities.reasoning == "budget" and _unled(messages)):
        losses.drop(name)
        return Plan(effort=_adaptive(said, abilities, own=own).effort if own else "")
    if abilities.reasoning in _BUDGETED:
        return Plan(_budgeted(said, abilities, own=own))
    return _adaptive(said, abilities, own=own)


def capped(conversation: Conversation, target: Target, losses: Losses, plan: Plan) -> tuple[int, Plan]:
    """`max_tokens`, which the API demands and which counts reasoning too, and the plan with a budget below it.

    A caller without a cap gets the lane's default on top of the budget. 0 is only kept for a caller of this dialect,
    to whom it means to fill the cache.
    """
    abilities, said = target.abilities, conversation.output_cap
    own = conversation.origin == "messages"
    if said is None or (said == 0 and not own):
        cap = abilities.output_default + plan.budget_tokens
        if abilities.output_max:
            cap = min(cap, abilities.output_max)
    elif abilities.output_max and said > abilities.output_max:
        losses.drop(field_of(conversation.origin, "output_cap"))
        cap = abilities.output_max
    else:
        cap = said
    if not plan.budget_tokens:
        return cap, plan
    asked = conversation.thinking.budget_tokens if conversation.thinking else None
    # A budget that the caller chose need only be below the cap, which is all that the API wants.
    most = cap - 1 if own and asked == plan.budget_tokens else cap - ANSWER_MIN
    if plan.budget_tokens <= most:
        return cap, plan
    if most < BUDGET_MIN:
        losses.drop(field_of(conversation.origin, "thinking"))
        return cap, Plan(effort=plan.effort)
    return cap, msgspec.structs.replace(plan, thinking=(plan.thinking or {}) | {"budget_tokens": most})


def _adaptive(said: Thinking, abilities: Abilities, *, own: bool) -> Plan:
    """For a lane that reasons as it likes, and for one that takes both (`reasoning` is of another dialect). No effort
    goes to one that does not know the field."""
    if abilities.reasoning in (*_BUDGETED, "none"):
        return Plan()
    if abilities.reasoning != "adaptive" and said.mode == "on" and said.budget_tokens:
        return Plan(_budgeted(said, abilities, own=own), _word(said.effort, _WORDS))
    known = tuple(word for word in abilities.efforts if word in _WORDS) if abilities.reasoning == "adaptive" else _WORDS
    wanted = said.effort
    if wanted is None and (said.budget_tokens or 0) > 0:
        wanted = effort_of(said.budget_tokens or 0)
    return Plan(_shown({"type": "adaptive"}, said), _word(wanted, known))


def _off(said: Thinking, abilities: Abilities, losses: Losses, name: str) -> Plan:
    if abilities.reasoning == "none":
        return Plan()
    if not abilities.reasoning_off:
        losses.drop(name)
        return Plan()
    effort = _adaptive(said, abilities, own=True).effort
    return Plan({"type": "disabled"}, effort)


def _budgeted(said: Thinking, abilities: Abilities, *, own: bool) -> dict[str, Any]:
    asked = said.budget_tokens or 0
    budget = asked if asked > 0 else budget_of(said.effort or DEFAULT_EFFORT)
    budget = max(budget, abilities.budget_min, BUDGET_MIN)
    if abilities.budget_max:
        budget = min(budget, abilities.budget_max)
    wire = {"type": "enabled", "budget_tokens": budget}
    # Models with budgets are older than `display`; whoever sends it knows that his takes it.
    return _shown(wire, said) if own else wire


def _shown(wire: dict[str, Any], said: Thinking) -> dict[str, Any]:
    """Whether the reasoning is to be sent back; by default newer models leave its text out."""
    show = True if said.show is None and said.summary else said.show
    return wire if show is None else wire | {"display": "summarized" if show else "omitted"}


def _word(effort: Effort | None, known: tuple[Effort, ...]) -> str:
    return "" if effort is None or effort == "none" else nearest(effort, known) or ""


def _unled(messages: list[dict[str, Any]]) -> bool:
    """The assistant message from which the answer goes on, for its calls were answered or it is the last one, does not
    begin with a thinking block: those of another family are not replayed."""
    for number in range(len(messages) - 1, -1, -1):
        if messages[number]["role"] != "assistant":
            continue
        follows = messages[number + 1]["content"] if number + 1 < len(messages) else None
        if follows is not None and not (
            isinstance(follows, list) and isinstance(follows[0], dict) and follows[0]["type"] == "tool_result"
        ):
            return False
        content = messages[number]["content"]
        first = content[0] if isinstance(content, list) else None
        return not (isinstance(first, dict) and first["type"] in ("thinking", "redacted_thinking"))
    return False
