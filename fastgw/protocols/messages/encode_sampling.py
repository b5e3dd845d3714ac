"""The numbers that tune the choice of words, and the words that end it."""

from typing import Any

from fastgw.protocols.hub.conversation import Conversation, Sampling
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.target import Abilities, Target
from fastgw.protocols.messages.version import UNSAMPLED

TEMPERATURE_MAX = 1.0
"""The API's own bound (reference, 2026-11)."""

_FOREIGN = ("seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias")
_NOTHING_ASKED: dict[str, float | bool | str] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "logit_bias": "",
}
"""Values that are as good as none."""


def sampling(
    body: dict[str, Any], conversation: Conversation, target: Target, losses: Losses, *, thinking: bool
) -> None:
    """Adds the fields to send. Raises `GatewayError` (400) for several answers at once, which the API has not."""
    said, origin = conversation.sampling, conversation.origin
    if said.n is not None and said.n > 1:
        losses.refuse(field_of(origin, "n"), "it gives one answer to a request. Ask as often as answers are wanted.")
    for name in _FOREIGN:
        value = getattr(said, name)
        if value is not None and value != _NOTHING_ASKED.get(name):
            losses.drop(field_of(origin, name))
    _numbers(body, said, origin, target.abilities, losses, thinking=thinking)
    if said.stop:
        stop = _stops(said, origin, target.abilities, losses)
        if stop:
            body["stop_sequences"] = stop


def _numbers(
    fields: dict[str, Any], said: Sampling, origin: str, abilities: Abilities, losses: Losses, *, thinking: bool
) -> None:
    taken = abilities.sampling and abilities.version < UNSAMPLED
    if said.temperature is not None:
        bound = min(TEMPERATURE_MAX, abilities.temperature_max)
        # While it thinks, the API takes no other temperature than its default.
        if not taken or (thinking and said.temperature != 1):
            losses.drop(field_of(origin, "temperature"))
        elif not 0 <= said.temperature <= bound:
            losses.drop(field_of(origin, "temperature"))
            fields["temperature"] = bound if said.temperature > bound else 0
        else:
            fields["temperature"] = said.temperature
    if said.top_p is not None:
        both = "temperature" in fields and not abilities.temperature_and_top_p
        if taken and not thinking and not both:
            fields["top_p"] = said.top_p
        else:
            losses.drop(field_of(origin, "top_p"))
    if said.top_k is not None:
        if taken and not thinking:
            fields["top_k"] = said.top_k
        else:
            losses.drop(field_of(origin, "top_k"))


def _stops(said: Sampling, origin: str, abilities: Abilities, losses: Losses) -> list[str]:
    """Those with a visible character (others are answered with 400), as many as the lane takes."""
    visible = [text for text in said.stop if text.strip()]
    kept = visible[: abilities.stop_max]
    if len(kept) < len(said.stop):
        losses.drop(field_of(origin, "stop"))
    return kept
