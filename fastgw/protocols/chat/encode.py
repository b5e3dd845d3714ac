"""A conversation of the hub as a chat request for a provider, in the words that its lane takes."""

import hashlib
from typing import Any

import msgspec

from fastgw.protocols.chat import encode_messages, encode_tools
from fastgw.protocols.chat.encode_reasoning import reasoning
from fastgw.protocols.hub.conversation import Cache, Conversation, Format, Sampling
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, format_of
from fastgw.protocols.hub.target import Target

Body = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_ASK_USAGE = {"include_usage": True}
_KEY_CHARS = 32
USER_CHARS_MAX = 64
"""Of `user` at OpenAI; OpenRouter and Zhipu take 128 (maximhq/bifrost pull request 1000, looplj/axonhub issue 1669,
2026-05). Claude Code's user ids are longer, and go as a digest, which is just as unique."""
_OWN = frozenset(("stream_options",))
"""Fields of `same` that are joined with the gateway's own."""


def encode_request(conversation: Conversation, target: Target, losses: Losses) -> bytes:
    """The body. Raises `GatewayError` (400) for what would change the meaning."""
    abilities = target.abilities
    messages = encode_messages.messages(conversation, target, losses)
    body: Body = {"model": target.model, "messages": messages} if abilities.model_in_body else {"messages": messages}
    if conversation.stream:
        body["stream"] = True
        if abilities.stream_usage:
            body["stream_options"] = _ASK_USAGE
    body |= encode_tools.tools(conversation, target, losses)
    _cap(body, conversation, target, losses)
    _sampling(body, conversation, target, losses)
    body |= reasoning(conversation, abilities, losses)
    if conversation.format is not None:
        _format(body, conversation.format, conversation, target, losses)
    _settings(body, conversation, target, losses)
    if conversation.origin == "chat":
        for name, raw in conversation.same.items():
            own = body.get(name)
            body[name] = msgspec.convert(msgspec.json.decode(raw), dict) | own if own and name in _OWN else raw
    else:
        losses.foreign(conversation.same)
    for name, raw in abilities.extra.items():
        body.setdefault(name, raw)
    return _encode(body)


def _cap(body: Body, conversation: Conversation, target: Target, losses: Losses) -> None:
    cap, most = conversation.output_cap, target.abilities.output_max
    if not cap:
        return
    if most and cap > most:
        losses.drop(field_of(conversation.origin, "output_cap"))
        cap = most
    body[target.abilities.output_cap] = cap


def _sampling(body: Body, conversation: Conversation, target: Target, losses: Losses) -> None:
    abilities, said, origin = target.abilities, conversation.sampling, conversation.origin
    for name in ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty"):
        value = getattr(said, name)
        if value is None:
            continue
        both = name == "top_p" and said.temperature is not None and not abilities.temperature_and_top_p
        unknown = name == "seed" and not abilities.seed
        # `top_k` is no field of OpenAI's; a caller of this dialect knows its provider.
        if not abilities.sampling or both or unknown or (name == "top_k" and origin != "chat"):
            losses.drop(field_of(origin, name))
        elif name == "temperature" and value > abilities.temperature_max:
            losses.drop(field_of(origin, name))
            body[name] = abilities.temperature_max
        else:
            body[abilities.seed if name == "seed" else name] = value
    if said.logit_bias:
        if abilities.sampling:
            body["logit_bias"] = msgspec.Raw(said.logit_bias.encode())
        else:
            losses.drop(field_of(origin, "logit_bias"))
    if said.stop:
        if len(said.stop) > abilities.stop_max:
            losses.drop(field_of(origin, "stop"))
        if abilities.stop_max:
            body["stop"] = list(said.stop[: abilities.stop_max])
    _choices(body, said, conversation, target, losses)


def _choices(body: Body, said: Sampling, conversation: Conversation, target: Target, losses: Losses) -> None:
    origin = conversation.origin
    if said.n is not None:
        if said.n > 1 and not target.abilities.choices:
            losses.refuse(field_of(origin, "n"), "it gives one answer at a time. Ask once for each.")
        if target.abilities.choices:
            body["n"] = said.n
    if said.logprobs is not None or said.top_logprobs is not None:
        if target.abilities.logprobs:
            body |= {name: value for name in ("logprobs", "top_logprobs")
                     if (value := getattr(said, name)) is not None}  # fmt: skip
        else:
            for name in ("logprobs", "top_logprobs"):
                if getattr(said, name):
                    losses.drop(field_of(origin, name))


def _format(body: Body, form: Format, conversation: Conversation, target: Target, losses: Losses) -> None:
    """Native where the lane has it; else a system message asks for it, which is no guarantee and thus a loss."""
    ability, own = target.abilities.json_schema, conversation.origin == "chat"
    if form.kind == "text":
        if own:
            body["response_format"] = {"type": "text"}
        return
    if ability == "native" and form.kind == "json_schema":
        schema: Body = {"name": form.name or "answer"}
        if form.description:
            schema["description"] = form.description
        if form.schema:
            schema["schema"] = msgspec.Raw(form.schema.encode())
        if form.strict is not None:
            schema["strict"] = form.strict
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return
    if ability != "none":
        body["response_format"] = {"type": "json_object"}
    if form.kind == "json_schema" or ability == "none":
        losses.drop(format_of(conversation))
    if form.kind == "json_schema" or ability == "none" or not own:
        # OpenAI refuses `json_object` unless the messages speak of JSON (API reference, 2026-08).
        encode_messages.hint(body["messages"], form)


def _settings(body: Body, conversation: Conversation, target: Target, losses: Losses) -> None:
    for name in ("verbosity", "user", "service_tier"):
        if value := getattr(conversation, name):
            body[name] = value
    if len(conversation.user) > USER_CHARS_MAX and conversation.origin != "chat":
        body["user"] = hashlib.sha256(conversation.user.encode("utf-8", "surrogatepass")).hexdigest()
    if conversation.stateless and conversation.origin == "chat":
        body["store"] = False
    if target.abilities.cache_key:
        key = conversation.cache_key or _derived_key(body, conversation)
        if key:
            body["prompt_cache_key"] = key
    elif conversation.cache_key:
        losses.drop(field_of(conversation.origin, "cache_key"))
    for name in target.abilities.lacks:
        if body.pop(name, None) is not None:
            setting = _HUB_NAMES.get(name, name)
            losses.drop(format_of(conversation) if setting == "format" else field_of(conversation.origin, setting))


_HUB_NAMES = {"max_completion_tokens": "output_cap", "max_tokens": "output_cap", "response_format": "format",
              "reasoning_effort": "thinking", "parallel_tool_calls": "parallel_calls",
              "prompt_cache_key": "cache_key"}  # fmt: skip
"""What the hub calls the fields that it calls otherwise."""


def _derived_key(body: Body, conversation: Conversation) -> str:
    """A key for a prompt cache that has no breakpoints: the same for all turns of one conversation, else another.

    Only for callers that set breakpoints, which is to say that they want to be cached (Anthropic's dialect).
    """
    if conversation.origin == "chat" or not _has_breakpoint(conversation):
        return ""
    messages = body["messages"]
    first = next((at for at, message in enumerate(messages) if message["role"] == "user"), len(messages))
    seen = _encode([body.get("tools"), messages[: first + 1]])
    return hashlib.sha256(seen).hexdigest()[:_KEY_CHARS]


def _has_breakpoint(conversation: Conversation) -> bool:
    parts = (part for turn in conversation.turns for part in turn.parts)
    return any(tool.cache is not None for tool in conversation.tools) or any(
        isinstance(getattr(part, "cache", None), Cache) for part in parts
    )
