"""Tools and the choice among them.

`toolConfig` must be there if the history has calls, and it has no word for "call none": then a sentence of the system
prompt stands in, as a loss (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html, read
2026-11-21).
"""

from typing import Any

import msgspec

from fastgw.protocols.hub.answerable import answerable
from fastgw.protocols.hub.conversation import Conversation, Tool, ToolCall, ToolResult
from fastgw.protocols.hub.freeform import described
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, tool_of
from fastgw.protocols.hub.target import Abilities, Target

NO_PARAMETERS = msgspec.Raw(b'{"type":"object","properties":{}}')
FREE_TEXT = msgspec.Raw(b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}')
"""Stands in for a custom tool, whose argument is any text."""
NO_CALLS = "Do not call any tool in this answer."

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECT = msgspec.Raw(b'"object"')


class Chosen(msgspec.Struct):
    """What is sent about tools."""

    config: dict[str, Any] = {}
    forced: bool = False
    """A call is demanded."""
    hints: tuple[str, ...] = ()
    """Sentences for the system prompt."""


def chosen(conversation: Conversation, target: Target, losses: Losses) -> Chosen:
    """Raises `GatewayError` (400) if the lane knows no tools at all."""
    abilities, choice = target.abilities, conversation.tool_choice
    tools: list[dict[str, Any]] = []
    names: set[str] = set()
    for number, tool in enumerate(conversation.tools):
        if choice is not None and choice.mode == "allowed" and tool.name not in choice.allowed:
            continue
        if not abilities.tools:
            losses.refuse("tools", "it takes no tools. Ask another model.")
        if tool.kind not in ("function", "custom"):
            losses.drop(tool_of(tool, number))
            continue
        tools.append({"toolSpec": _spec(tool, abilities, losses, tool_of(tool, number))})
        names.add(tool.name)
        if tool.cache is not None:
            if abilities.cache_control:
                tools.append(cache_point(tool.cache.ttl))
            else:
                losses.drop("cache_control")
    if conversation.parallel_calls is False:
        losses.drop(field_of(conversation.origin, "parallel_calls"))
    if not tools:
        return _without_tools(conversation, losses)
    return _choose(Chosen({"tools": tools}), conversation, names, abilities, losses)


def cache_point(ttl: str) -> dict[str, Any]:
    """A prompt-cache breakpoint behind a block."""
    return {"cachePoint": {"type": "default"} | ({"ttl": ttl} if ttl else {})}


def _without_tools(conversation: Conversation, losses: Losses) -> Chosen:
    choice = conversation.tool_choice
    if choice is not None and choice.mode not in ("auto", "none"):
        losses.drop(field_of(conversation.origin, "tool_choice"))
    parts = [part for turn in conversation.turns for part in turn.parts]
    names = dict.fromkeys(part.name for part in parts if isinstance(part, ToolCall | ToolResult) and part.name)
    if not names:
        return Chosen()
    tools = [{"toolSpec": {"name": name, "inputSchema": {"json": NO_PARAMETERS}}} for name in names]
    return Chosen({"tools": tools}, hints=(NO_CALLS,))


def _choose(found: Chosen, conversation: Conversation, names: set[str], abilities: Abilities, losses: Losses) -> Chosen:
    choice = conversation.tool_choice
    if choice is None:
        return found
    field = field_of(conversation.origin, "tool_choice")
    mode = choice.mode
    if mode == "allowed":
        mode = "required" if choice.required else "auto"
    if mode == "none":
        parts = [part for turn in conversation.turns for part in turn.parts]
        if not any(isinstance(part, ToolCall | ToolResult) for part in parts):
            return Chosen()
        losses.drop(field)
        found.hints = (NO_CALLS,)
    elif mode == "named" and choice.name not in names:
        losses.drop(field)
    elif mode == "auto" or not abilities.forced_calls:
        if mode != "auto":
            losses.drop(field)
        found.config["toolChoice"] = {"auto": {}}
    else:
        found.forced = True
        found.config["toolChoice"] = {"any": {}} if mode == "required" else {"tool": {"name": choice.name}}
    return found


def _spec(tool: Tool, abilities: Abilities, losses: Losses, path: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": tool.name}
    told = described(tool, path, losses) if tool.kind == "custom" else tool.description
    if told:
        spec["description"] = told
    if tool.kind == "custom":
        return spec | {"inputSchema": {"json": FREE_TEXT}}
    strict = tool.strict
    if strict and not abilities.tool_strict:
        losses.drop(f"{path}.strict")
        strict = None
    spec["inputSchema"] = {"json": _schema(answerable(tool.schema) if strict and tool.schema else tool.schema)}
    return spec | ({"strict": True} if strict else {})


def _schema(schema: str) -> msgspec.Raw:
    """The parameters; the API wants the schema of an object, said as `type`."""
    if not schema:
        return NO_PARAMETERS
    try:
        fields = _fields.decode(schema)
    except (msgspec.MsgspecError, RecursionError):
        return msgspec.Raw(schema.encode())
    if "type" in fields:
        return msgspec.Raw(schema.encode())
    return msgspec.Raw(msgspec.json.encode({"type": _OBJECT} | fields))
