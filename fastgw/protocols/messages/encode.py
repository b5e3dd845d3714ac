"""A conversation as the body of a provider's Messages request.

What the lane cannot take is listed as a loss or refused; the order of keys is fixed, so that the same conversation
gives the same bytes and the provider's prompt cache hits.
"""

from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, user_of
from fastgw.protocols.hub.target import Target
from fastgw.protocols.messages import breakpoints
from fastgw.protocols.messages.encode_format import hint_of, output_format
from fastgw.protocols.messages.encode_history import history
from fastgw.protocols.messages.encode_reasoning import capped, reasoning
from fastgw.protocols.messages.encode_sampling import sampling
from fastgw.protocols.messages.encode_tools import chosen
from fastgw.protocols.messages.seals import FAMILY
from fastgw.protocols.messages.strip import plain_user

NAME = "messages"
USER_ID_LENGTH_MAX = 256
"""Of `metadata.user_id` (API reference, 2026-11)."""

_TIERS = {"auto": "auto", "priority": "auto", "default": "standard_only", "standard_only": "standard_only"}
"""From OpenAI's words: Anthropic's `auto` takes priority capacity where the account has some, the other never."""

_encode = msgspec.json.Encoder().encode


def encode_request(conversation: Conversation, target: Target, losses: Losses) -> bytes:
    """Raises `GatewayError` (400) for what would change the meaning."""
    abilities = target.abilities
    choice = chosen(conversation, target, losses)
    system, messages = history(conversation, target, losses)
    plan = reasoning(conversation, target, losses, forced=choice.forced, messages=messages)
    max_tokens, plan = capped(conversation, target, losses, plan)
    hint = hint_of(conversation, abilities)
    if hint is not None:
        system = [*([{"type": "text", "text": system}] if isinstance(system, str) else system), hint]
    body: dict[str, Any] = {}
    if abilities.model_in_body:
        body["model"] = target.model
    body["max_tokens"] = max_tokens
    if system:
        body["system"] = system
    body["messages"] = messages
    if choice.tools:
        body["tools"] = choice.tools
    if choice.choice is not None:
        body["tool_choice"] = choice.choice
    if plan.thinking is not None:
        body["thinking"] = plan.thinking
    form = output_format(conversation, abilities, losses)
    if plan.effort or form:
        body["output_config"] = ({"effort": plan.effort} if plan.effort else {}) | ({"format": form} if form else {})
    sampling(body, conversation, target, losses, thinking=plan.on)
    _about(body, conversation, target, losses)
    if conversation.origin == NAME:
        body |= conversation.same
    elif conversation.same:
        losses.foreign(conversation.same)
    for name, value in abilities.extra.items():
        body.setdefault(name, value)
    encoded = _encode(body)
    if breakpoints.MARK in encoded:
        breakpoints.bound(body, abilities, losses)
        encoded = _encode(body)
    return encoded


def _about(body: dict[str, Any], conversation: Conversation, target: Target, losses: Losses) -> None:
    """What is said about the request, not asked of the model; what this dialect has no field for is a loss."""
    if len(conversation.user) > USER_ID_LENGTH_MAX:
        losses.drop(user_of(conversation))
    elif conversation.user:
        own = target.family == FAMILY
        body["metadata"] = {"user_id": conversation.user if own else plain_user(conversation.user)}
    if conversation.service_tier:
        tier = _TIERS.get(conversation.service_tier)
        if tier is None:
            losses.drop(field_of(conversation.origin, "service_tier"))
        else:
            body["service_tier"] = tier
    if conversation.stream:
        body["stream"] = True
    if conversation.verbosity:
        losses.drop(field_of(conversation.origin, "verbosity"))
    if conversation.cache_key:
        losses.drop(field_of(conversation.origin, "cache_key"))
