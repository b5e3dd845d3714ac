"""A `Conversation` as a request to a provider of Responses. The same question always makes the same bytes."""

import hashlib
from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Text, Thinking
from fastgw.protocols.hub.effort import effort_of, nearest
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, format_of, thinking_of
from fastgw.protocols.hub.target import Target
from fastgw.protocols.responses.decode import LOGPROBS, SEALS
from fastgw.protocols.responses.encode_items import Items
from fastgw.protocols.responses.encode_tools import choice_of, tools_of

NAME = "responses"
OUTPUT_CAP_MIN = 16
"""OpenAI answers a smaller `max_output_tokens` with an error (API reference, 2026-08)."""
USER_CHARS_MAX = 64
"""Of `safety_identifier` (API reference, 2026-08); Claude Code's user ids are longer."""
_TIERS = frozenset(("auto", "default", "flex", "priority", "scale", "fast"))
_STANDARD = "standard_only"
"""Anthropic's word for `default`."""
_UNKNOWN = ("top_k", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "stop")
_encode = msgspec.json.Encoder().encode


def encode_request(conversation: Conversation, target: Target, losses: Losses) -> bytes:
    """Raises `GatewayError` (400) for what would change the meaning."""
    abilities = target.abilities
    own = conversation.origin == NAME
    body: dict[str, Any] = dict(abilities.extra)
    if abilities.model_in_body:
        body["model"] = target.model
    items = Items(conversation, target, losses)
    items.encode()
    if items.instructions is not None:
        body["instructions"] = items.instructions
    body["input"] = items.input
    tools = tools_of(conversation, target, losses)
    if tools or (own and "tools" in conversation.same):
        body["tools"] = tools
    choice = choice_of(conversation, target, losses, tools)
    if choice is not None:
        body["tool_choice"] = choice
    if conversation.parallel_calls is not None and (tools or own):
        if abilities.parallel_flag:
            body["parallel_tool_calls"] = conversation.parallel_calls
        else:
            losses.drop(field_of(conversation.origin, "parallel_calls"))
    _sampling(body, conversation, target, losses)
    _logprobs(body, conversation, target, losses)
    _output(body, conversation, target, losses)
    _thinking(body, conversation, target, losses)
    _told(body, conversation, losses)
    _cache_key(body, conversation, target, losses, breakpoints_lost=_breakpoints(conversation, items))
    _kept(body, conversation, target, losses)
    if conversation.stream:
        body["stream"] = True
    return _encode(body)


def _sampling(body: dict[str, Any], conversation: Conversation, target: Target, losses: Losses) -> None:
    sampling, abilities, origin = conversation.sampling, target.abilities, conversation.origin
    for name in _UNKNOWN:
        if getattr(sampling, name) not in {None, "", ()}:
            losses.drop(field_of(origin, name))
    if sampling.n is not None and sampling.n > 1:
        losses.refuse(field_of(origin, "n"), "it gives one answer at a time. Ask several times.")
    temperature, top_p = sampling.temperature, sampling.top_p
    if not abilities.sampling:
        for name, value in (("temperature", temperature), ("top_p", top_p)):
            if value is not None:
                losses.drop(field_of(origin, name))
        temperature = top_p = None
    if temperature is not None and temperature > abilities.temperature_max:
        losses.drop(field_of(origin, "temperature"))
        temperature = abilities.temperature_max
    if temperature is not None and top_p is not None and not abilities.temperature_and_top_p:
        losses.drop(field_of(origin, "top_p"))
        top_p = None
    if temperature is not None:
        body["temperature"] = temperature
    if top_p is not None:
        body["top_p"] = top_p


def _logprobs(body: dict[str, Any], conversation: Conversation, target: Target, losses: Losses) -> None:
    sampling = conversation.sampling
    asked = sampling.top_logprobs is not None or bool(sampling.logprobs)
    if asked and not target.abilities.logprobs:
        for name in ("logprobs", "top_logprobs"):
            if getattr(sampling, name):
                losses.drop(field_of(conversation.origin, name))
    elif asked:
        if sampling.top_logprobs is not None:
            body["top_logprobs"] = sampling.top_logprobs
        if sampling.logprobs:
            body["include"] = [LOGPROBS]


def _output(body: dict[str, Any], conversation: Conversation, target: Target, losses: Losses) -> None:
    cap, most, own = conversation.output_cap, target.abilities.output_max, conversation.origin == NAME
    if cap is not None and (cap or own):
        bounded = cap if own else max(cap, OUTPUT_CAP_MIN)
        bounded = min(bounded, most) if most else bounded
        if bounded != cap:
            losses.drop(field_of(conversation.origin, "output_cap"))
        body["max_output_tokens"] = bounded
    elif cap is not None:
        losses.drop(field_of(conversation.origin, "output_cap"))
    text: dict[str, Any] = {}
    shape = conversation.format
    if shape is not None:
        kind = shape.kind
        able = target.abilities.json_schema
        if kind == "json_schema" and able != "native":
            losses.drop(format_of(conversation))
            kind = "json_object"
        if able != "none" or kind == "text":
            text["format"] = {"type": kind}
        if kind == "json_schema":
            text["format"]["name"] = shape.name or "answer"
            text["format"]["schema"] = msgspec.Raw(shape.schema.encode() or b"{}")
            if shape.strict is not None:
                text["format"]["strict"] = shape.strict
            if shape.description:
                text["format"]["description"] = shape.description
        elif kind == "json_object" and able == "none":
            losses.drop(format_of(conversation))
    if conversation.verbosity:
        text["verbosity"] = conversation.verbosity
    if text:
        body["text"] = text


def _thinking(body: dict[str, Any], conversation: Conversation, target: Target, losses: Losses) -> None:
    thinking, abilities = conversation.thinking, target.abilities
    field = thinking_of(conversation)
    if thinking is not None and abilities.reasoning == "none":
        if thinking.mode != "off":
            losses.drop(field)
        return
    said: dict[str, Any] = {}
    if thinking is not None:
        wanted = _effort(thinking)
        if wanted == "none" and not abilities.reasoning_off:
            losses.drop(field)
            wanted = next((word for word in abilities.efforts if word != "none"), None)
        known = None if wanted is None else nearest(wanted, abilities.efforts)
        if wanted is not None and known != wanted:
            losses.drop(field)
        if known is not None:
            said["effort"] = known
        if thinking.summary or thinking.show:
            said["summary"] = thinking.summary or "auto"
    if said:
        body["reasoning"] = said


def _effort(thinking: Thinking) -> Any:
    if thinking.effort is not None:
        return thinking.effort
    if thinking.mode == "off":
        return "none"
    if thinking.budget_tokens is not None and thinking.budget_tokens >= 0:
        return effort_of(thinking.budget_tokens)
    return None


def _told(body: dict[str, Any], conversation: Conversation, losses: Losses) -> None:
    if user := conversation.user:
        long = len(user) > USER_CHARS_MAX and conversation.origin != NAME
        body["safety_identifier"] = hashlib.sha256(user.encode("utf-8", "surrogatepass")).hexdigest() if long else user
    if tier := conversation.service_tier:
        tier = "default" if tier == _STANDARD else tier
        if tier in _TIERS or conversation.origin == NAME:
            body["service_tier"] = tier
        else:
            losses.drop(field_of(conversation.origin, "service_tier"))


def _breakpoints(conversation: Conversation, items: Items) -> bool:
    return items.parts.breakpoint_lost or any(tool.cache is not None for tool in conversation.tools)


def _cache_key(
    body: dict[str, Any], conversation: Conversation, target: Target, losses: Losses, *, breakpoints_lost: bool
) -> None:
    """Prompts are cached unasked; a caller who marked breakpoints gets a key that leads like calls to one cache."""
    if conversation.cache_key:
        if target.abilities.cache_key:
            body["prompt_cache_key"] = conversation.cache_key
        else:
            losses.drop(field_of(conversation.origin, "cache_key"))
    elif breakpoints_lost and target.abilities.cache_key:
        system = [
            part.text
            for turn in conversation.turns
            if turn.role in {"system", "developer"}
            for part in turn.parts
            if isinstance(part, Text) and not part.text.startswith("x-anthropic-billing-header:")
        ]
        seed = "\x00".join((*system, *(tool.name for tool in conversation.tools)))
        body["prompt_cache_key"] = "fgw-" + hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    if breakpoints_lost and not target.abilities.cache_key:
        losses.drop("cache_control")


def _kept(body: dict[str, Any], conversation: Conversation, target: Target, losses: Losses) -> None:
    """Fields of the caller's own dialect; whether the answer may be kept, and its reasoning is wanted sealed."""
    include: list[Any] = body.pop("include", [])
    own = conversation.origin == NAME
    if conversation.seals if own else target.abilities.reasoning != "none":
        include.insert(0, SEALS)
    if own:
        if conversation.stateless:
            body["store"] = False
        for name, raw in conversation.same.items():
            if name == "include":
                include += msgspec.json.decode(raw)
            elif name.startswith("reasoning."):
                body.setdefault("reasoning", {})[name.removeprefix("reasoning.")] = raw
            else:
                body[name] = raw
    else:
        # Nothing is ever asked about later, so nothing needs to be kept.
        body["store"] = False
        losses.foreign(conversation.same)
    if include:
        body["include"] = include
