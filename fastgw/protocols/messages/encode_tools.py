"""Tools and the choice among them, as the lane takes them."""

from typing import Any

import msgspec

from fastgw.protocols.hub.answerable import answerable
from fastgw.protocols.hub.conversation import Cache, Conversation, Tool, ToolCall
from fastgw.protocols.hub.freeform import described
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, tool_of
from fastgw.protocols.hub.target import Abilities, Target
from fastgw.protocols.messages.web_search import web_search

NAME = "messages"
NO_PARAMETERS = msgspec.Raw(b'{"type":"object","properties":{}}')
FREE_TEXT = msgspec.Raw(b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}')
"""Stands in for a custom tool, whose argument is any text."""

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECT = msgspec.Raw(b'"object"')


class Chosen(msgspec.Struct):
    """What is sent about tools."""

    tools: list[dict[str, Any]]
    choice: dict[str, Any] | None = None
    forced: bool = False
    """A call is demanded."""


def chosen(conversation: Conversation, target: Target, losses: Losses) -> Chosen:
    """Raises `GatewayError` (400) if the lane knows no tools at all."""
    abilities = target.abilities
    choice = conversation.tool_choice
    if not conversation.tools:
        return _without_tools(conversation, losses)
    tools: list[dict[str, Any]] = []
    names: set[str] = set()
    for number, tool in enumerate(conversation.tools):
        if choice is not None and choice.mode == "allowed" and tool.name not in choice.allowed:
            continue
        if not abilities.tools:
            losses.refuse("tools", "it takes no tools. Ask another model.")
        made = _tool(tool, conversation.origin, abilities, losses, tool_of(tool, number))
        if made is not None:
            tools.append(made)
            names.add(tool.name)
    if not tools:
        return _without_tools(conversation, losses)
    found = Chosen(tools)
    _choose(found, conversation, names, abilities, losses)
    _forbid_parallel(found, conversation, abilities, losses)
    return found


def mark(block: dict[str, Any], cache: Cache | None) -> dict[str, Any]:
    """`block` with its breakpoint."""
    if cache is not None:
        block["cache_control"] = {"type": "ephemeral"} | ({"ttl": cache.ttl} if cache.ttl else {})
    return block


def _without_tools(conversation: Conversation, losses: Losses) -> Chosen:
    choice = conversation.tool_choice
    if choice is not None and choice.mode not in ("auto", "none"):
        losses.drop(field_of(conversation.origin, "tool_choice"))
    if conversation.origin == NAME:
        return Chosen([])
    # The API has refused a history with calls whose tools are not declared: declare them by name, and forbid them.
    names: dict[str, None] = {}
    for turn in conversation.turns:
        for part in turn.parts:
            if part.__class__ is ToolCall and part.name:
                names[part.name] = None
    tools = [{"name": name, "input_schema": NO_PARAMETERS} for name in names]
    return Chosen(tools, {"type": "none"}) if tools else Chosen([])


def _choose(found: Chosen, conversation: Conversation, names: set[str], abilities: Abilities, losses: Losses) -> None:
    choice = conversation.tool_choice
    if choice is None:
        return
    field = field_of(conversation.origin, "tool_choice")
    mode = choice.mode
    if mode == "allowed":
        mode = "required" if choice.required else "auto"
    if mode == "named" and choice.name not in names:
        losses.drop(field)
    elif mode in ("required", "named"):
        found.forced = abilities.forced_calls
        if not found.forced:
            losses.drop(field)
            found.choice = {"type": "auto"}
        else:
            found.choice = {"type": "any"} if mode == "required" else {"type": "tool", "name": choice.name}
    else:
        found.choice = {"type": mode}


def _forbid_parallel(found: Chosen, conversation: Conversation, abilities: Abilities, losses: Losses) -> None:
    said = conversation.parallel_calls
    if said is None or (found.choice is not None and found.choice["type"] == "none"):
        return
    if not abilities.parallel_flag:
        if not said:
            losses.drop(field_of(conversation.origin, "parallel_calls"))
    elif not said:
        found.choice = (found.choice or {"type": "auto"}) | {"disable_parallel_tool_use": True}
    elif conversation.origin == NAME and found.choice is not None:
        found.choice["disable_parallel_tool_use"] = False


def _tool(tool: Tool, origin: str, abilities: Abilities, losses: Losses, path: str) -> dict[str, Any] | None:
    match tool.kind:
        case "function":
            return mark(_function(tool, origin, abilities, losses, path), tool.cache)
        case "custom":
            told = described(tool, path, losses)
            head = {"name": tool.name} | ({"description": told} if told else {})
            return mark(head | {"input_schema": FREE_TEXT}, tool.cache)
        case "web_search" if abilities.web_search == "tool":
            made = _fields.decode(tool.raw) if tool.dialect == NAME else web_search(tool, losses, path)
            return dict(made)
        case "opaque" if tool.dialect == NAME:
            return dict(_fields.decode(tool.raw))
        case _:
            losses.drop(path)
            return None


def _function(tool: Tool, origin: str, abilities: Abilities, losses: Losses, path: str) -> dict[str, Any]:
    own = origin == NAME
    made: dict[str, Any] = {"name": tool.name}
    if tool.description:
        made["description"] = tool.description
    strict = tool.strict
    if strict and not abilities.tool_strict:
        losses.drop(f"{path}.strict")
        strict = None
    made["input_schema"] = _schema(answerable(tool.schema) if strict and not own and tool.schema else tool.schema)
    # Elsewhere false is only how the default is said.
    if strict or (own and strict is not None):
        made["strict"] = strict
    return made


def _schema(schema: str) -> msgspec.Raw:
    """The parameters; the API wants the schema of an object, said as `type`."""
    if not schema:
        return NO_PARAMETERS
    if schema.startswith('{"type":'):
        return msgspec.Raw(schema.encode())
    try:
        fields = _fields.decode(schema)
    except msgspec.MsgspecError:
        return NO_PARAMETERS
    if "type" in fields:
        return msgspec.Raw(schema.encode())
    if not fields:
        return NO_PARAMETERS
    return msgspec.Raw(msgspec.json.encode({"type": _OBJECT} | fields))
