"""Numbers that tune the choice of words, the form of the answer, and the class of service."""

from typing import Any

from fastgw.protocols.converse.encode_reasoning import Plan
from fastgw.protocols.hub.answerable import answerable
from fastgw.protocols.hub.conversation import Conversation, Sampling
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, format_of
from fastgw.protocols.hub.target import Abilities, Target

OBJECT_HINT = "Answer with one valid JSON object and nothing else: no words around it, no code fence."
SCHEMA_HINT = (
    "Answer with one JSON value that fits this JSON Schema and nothing else: no words around it, no code fence.\n"
)

_FOREIGN = ("frequency_penalty", "presence_penalty", "logprobs", "top_logprobs")
_TIERS = ("priority", "default", "flex")
"""Of `serviceTier.type` (API reference, 2026-11), the same words as OpenAI's."""


def inference(
    conversation: Conversation, target: Target, losses: Losses, plan: Plan
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`inferenceConfig`, and what goes into `additionalModelRequestFields`.

    Raises `GatewayError` (400) for several answers at once, which the API has not.
    """
    said, origin = conversation.sampling, conversation.origin
    if said.n is not None and said.n > 1:
        losses.refuse(field_of(origin, "n"), "it gives one answer to a request. Ask as often as answers are wanted.")
    if said.seed is not None:
        losses.drop(field_of(origin, "seed"))
    for name in _FOREIGN:
        # A penalty of 0 and `logprobs: false` ask for nothing.
        if getattr(said, name):
            losses.drop(field_of(origin, name))
    if said.logit_bias:
        losses.drop("logit_bias")
    fields: dict[str, Any] = {"maxTokens": plan.max_tokens} if plan.max_tokens else {}
    more = _numbers(fields, said, origin, target, losses, thinking=plan.thinks)
    stop = _stops(said, origin, target.abilities, losses)
    if stop:
        fields["stopSequences"] = stop
    return fields, more


def output_config(
    conversation: Conversation, abilities: Abilities, losses: Losses
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`outputConfig` if a schema is sent, else the sentences of the system prompt that stand in."""
    form = conversation.format
    if form is None or form.kind == "text":
        return {}, ()
    if form.kind == "json_object" or not form.schema:
        return {}, (OBJECT_HINT,)
    if abilities.json_schema != "native":
        losses.drop(format_of(conversation))
        return {}, (SCHEMA_HINT + form.schema,)
    wanted: dict[str, Any] = {"schema": answerable(form.schema)}
    if form.name:
        wanted["name"] = form.name
    if form.description:
        wanted["description"] = form.description
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": wanted}}}, ()


def service_tier(conversation: Conversation, losses: Losses) -> dict[str, Any]:
    """`serviceTier`, if the word is known there."""
    tier = conversation.service_tier
    if tier in _TIERS:
        return {"type": tier}
    # `auto` leaves it to the provider, and so does saying nothing.
    if tier not in ("", "auto"):
        losses.drop(field_of(conversation.origin, "service_tier"))
    return {}


def _numbers(
    fields: dict[str, Any], said: Sampling, origin: str, target: Target, losses: Losses, *, thinking: bool
) -> dict[str, Any]:
    abilities = target.abilities
    if said.temperature is not None:
        bound = min(1.0, abilities.temperature_max)
        # While Claude thinks, it takes no other temperature than its default.
        if not abilities.sampling or (thinking and said.temperature != 1):
            losses.drop(field_of(origin, "temperature"))
        elif not 0 <= said.temperature <= bound:
            losses.drop(field_of(origin, "temperature"))
            fields["temperature"] = bound if said.temperature > bound else 0
        else:
            fields["temperature"] = said.temperature
    if said.top_p is not None:
        both = "temperature" in fields and not abilities.temperature_and_top_p
        if abilities.sampling and not thinking and not both:
            fields["topP"] = said.top_p
        else:
            losses.drop(field_of(origin, "top_p"))
    if said.top_k is None:
        return {}
    # Converse has no field for it; Claude's own is passed on to the model.
    if abilities.sampling and not thinking and target.family == "anthropic":
        return {"top_k": said.top_k}
    losses.drop(field_of(origin, "top_k"))
    return {}


def _stops(said: Sampling, origin: str, abilities: Abilities, losses: Losses) -> list[str]:
    """Those with a visible character (others are answered with 400), as many as the lane takes."""
    visible = [text for text in said.stop if text.strip()]
    kept = visible[: abilities.stop_max]
    if len(kept) < len(said.stop):
        losses.drop(field_of(origin, "stop"))
    return kept
