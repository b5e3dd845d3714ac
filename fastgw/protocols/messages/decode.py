"""A caller's Messages request as a conversation."""

from typing import Any

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import (
    Conversation,
    Effort,
    Format,
    Sampling,
    Text,
    Thinking,
    Turn,
)
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.effort import EFFORTS
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.messages import wire
from fastgw.protocols.messages.decode_tools import choice_of, tools_of
from fastgw.protocols.messages.decode_turns import blocks_of, turns_of
from fastgw.protocols.messages.version import UNSAMPLED
from fastgw.protocols.strict import decode as strictly
from fastgw.protocols.toplevel import Fields

KNOWN = frozenset(
    (
        "model", "messages", "system", "max_tokens", "stop_sequences", "stream", "temperature", "top_p", "top_k",
        "tools", "tool_choice", "thinking", "output_config", "metadata", "service_tier",
    )
)  # fmt: skip
"""Top-level fields that mean something elsewhere too; every other one goes to `Conversation.same`."""

_TIERS = {"standard_only": "default"}
"""Into the words that the hub has from OpenAI."""

_number = msgspec.json.Decoder(float | None)
_strings = msgspec.json.Decoder(list[str] | None)
_word = msgspec.json.Decoder(str | None)
_thinking = msgspec.json.Decoder(wire.Thinking | None)
_output_config = msgspec.json.Decoder(wire.OutputConfig | None)
_metadata = msgspec.json.Decoder(wire.Metadata | None)


def decode_request(fields: Fields, said: FromPath, losses: Losses) -> Conversation:
    """Raises `GatewayError` (400) that names the JSON path of the mistake, or of what the caller's version forbids."""
    toplevel.model(fields)
    if said.version >= UNSAMPLED:
        for name in ("temperature", "top_p", "top_k"):
            if name in fields:
                toplevel.refuse(f"{name}: Extra inputs are not permitted", name)
    config: wire.OutputConfig | None = _strict(_output_config, fields, "output_config", losses)
    tools = tools_of(fields, losses)
    choice, parallel = choice_of(fields, tools, losses)
    metadata: wire.Metadata | None = _strict(_metadata, fields, "metadata", losses)
    tier: str | None = _typed(_word, fields, "service_tier")
    return Conversation(
        origin="messages",
        turns=(*_system(fields, losses), *turns_of(fields, said.version, losses)),
        stream=bool(_typed(toplevel.flag, fields, "stream")),
        tools=tools,
        tool_choice=choice,
        parallel_calls=parallel,
        output_cap=_typed(toplevel.count, fields, "max_tokens"),
        sampling=Sampling(
            temperature=_typed(_number, fields, "temperature"),
            top_p=_typed(_number, fields, "top_p"),
            top_k=_typed(toplevel.count, fields, "top_k"),
            stop=tuple(_typed(_strings, fields, "stop_sequences") or ()),
        ),
        thinking=_thought(fields, config, losses),
        format=_format(config, losses),
        user=(metadata.user_id if metadata else None) or "",
        service_tier=_TIERS.get(tier, tier) if tier else "",
        same={name: value for name, value in fields.items() if name not in KNOWN},
    )


def _system(fields: Fields, losses: Losses) -> tuple[Turn, ...]:
    """The instructions ahead of the conversation, as one turn."""
    if bytes(fields.get("system", wire.ABSENT)) in wire.NOTHING:
        return ()
    parts, plain = blocks_of(fields["system"], "system", "system", "", losses)
    for part in parts:
        if not isinstance(part, Text):
            toplevel.refuse("system: only text blocks are permitted", "system")
    return (Turn("system", parts, plain=plain),)


def _thought(fields: Fields, config: wire.OutputConfig | None, losses: Losses) -> Thinking | None:
    said: wire.Thinking | None = _strict(_thinking, fields, "thinking", losses)
    effort: Effort | None = None
    if config is not None and config.effort is not None:
        if config.effort not in EFFORTS:
            toplevel.refuse(
                f"output_config.effort: '{config.effort}' is no effort that is known", "output_config.effort"
            )
        effort = config.effort
    if said is None:
        return None if effort is None else Thinking(effort=effort)
    show = None if said.display is None else said.display != "omitted"
    match said.type:
        case "enabled":
            if said.budget_tokens is None:
                toplevel.refuse("thinking.enabled.budget_tokens: Field required", "thinking.budget_tokens")
            return Thinking("on", effort, said.budget_tokens, show)
        case "disabled":
            return Thinking("off", effort)
        case "adaptive":
            return Thinking("adaptive", effort, show=show)
        case "between_tools":
            # Reasoning between calls only: the nearest that others know is to let the model decide.
            losses.drop("thinking.type")
            return Thinking("adaptive", effort)
        case other:
            toplevel.refuse(f"thinking.type: '{other}' is not known", "thinking.type")


def _format(config: wire.OutputConfig | None, losses: Losses) -> Format | None:
    if config is None or config.format is None:
        return None
    if config.format.type != "json_schema":
        losses.refuse("output_config.format.type", f"'{config.format.type}' is not known; use 'json_schema'.")
    if bytes(config.format.schema) in wire.NOTHING:
        toplevel.refuse("output_config.format.schema: Field required", "output_config.format.schema")
    return Format("json_schema", schema=bytes(config.format.schema).decode())


def _typed(decoder: msgspec.json.Decoder[Any], fields: Fields, name: str) -> Any:
    return toplevel.field(decoder, fields, name) if name in fields else None


def _strict(decoder: msgspec.json.Decoder[Any], fields: Fields, name: str, losses: Losses) -> Any:
    return strictly(decoder, fields[name], name, losses) if name in fields else None
