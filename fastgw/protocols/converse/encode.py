"""A conversation as the body of a Converse request.

What the lane cannot take is listed as a loss or refused; the order of keys is fixed, so that the same conversation
gives the same bytes and the provider's prompt cache hits. The model stands in the path.
"""

from typing import Any

import msgspec

from fastgw.protocols.converse.encode_history import history
from fastgw.protocols.converse.encode_reasoning import plan_of
from fastgw.protocols.converse.encode_settings import inference, output_config, service_tier
from fastgw.protocols.converse.encode_tools import chosen
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, user_of
from fastgw.protocols.hub.target import Target

CACHE_POINTS_MAX = 4
"""Of one request (docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html, read 2026-11-21)."""

_encode = msgspec.json.Encoder().encode


def encode_request(conversation: Conversation, target: Target, losses: Losses) -> bytes:
    """Raises `GatewayError` (400) for what would change the meaning."""
    abilities = target.abilities
    choice = chosen(conversation, target, losses)
    form, hints = output_config(conversation, abilities, losses)
    system, messages = history(conversation, target, losses)
    system += [{"text": hint} for hint in (*hints, *choice.hints)]
    plan = plan_of(conversation, target, losses, forced=choice.forced, messages=messages)
    settings, more = inference(conversation, target, losses, plan)
    body: dict[str, Any] = {"messages": messages}
    if system:
        body["system"] = system
    if settings:
        body["inferenceConfig"] = settings
    if choice.config:
        body["toolConfig"] = choice.config
    if form:
        body["outputConfig"] = form
    more = plan.fields | more
    if more:
        body["additionalModelRequestFields"] = more
    if settings.get("stopSequences") and target.family == "anthropic":
        # Only Claude tells which one was met, and only when it is asked.
        body["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    tier = service_tier(conversation, losses)
    if tier:
        body["serviceTier"] = tier
    for name in ("verbosity", "cache_key"):
        if getattr(conversation, name):
            losses.drop(field_of(conversation.origin, name))
    if conversation.user:
        losses.drop(user_of(conversation))
    losses.foreign(conversation.same)
    for name, value in abilities.extra.items():
        body.setdefault(name, value)
    _bound(body, losses)
    return _encode(body)


def _bound(body: dict[str, Any], losses: Losses) -> None:
    """Keep the last cache points: each stands for everything before it, so that they hold the longest prefixes."""
    lists = [body.get("toolConfig", {}).get("tools", []), body.get("system", [])]
    lists += [message["content"] for message in body["messages"]]
    surplus = sum("cachePoint" in block for blocks in lists for block in blocks) - CACHE_POINTS_MAX
    for blocks in lists:
        for block in [block for block in blocks if "cachePoint" in block]:
            if surplus > 0:
                surplus -= 1
                blocks.remove(block)
                losses.drop("cache_control")
