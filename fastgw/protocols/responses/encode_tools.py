"""Tools, and which of them the model must or may call, for a provider of Responses."""

from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Tool
from fastgw.protocols.hub.freeform import described
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, tool_of
from fastgw.protocols.hub.target import Target

DIALECT = "responses"
_NO_PARAMETERS = msgspec.Raw(b'{"type":"object","properties":{}}')
_INPUT = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
)
"""Parameters of a function that stands for a custom tool."""

_object = msgspec.json.Decoder(dict[str, Any])


def tools_of(conversation: Conversation, target: Target, losses: Losses) -> list[Any]:
    """All that the lane can be told. Raises `GatewayError` (400) if it knows no tools at all."""
    if conversation.tools and not target.abilities.tools:
        losses.refuse("tools", "it calls no tools. Ask another model.")
    own = conversation.origin == DIALECT
    made: list[Any] = []
    whole = ""
    for number, tool in enumerate(conversation.tools):
        if tool.dialect == DIALECT and tool.raw:
            # The tools of a namespace all hold the whole of it.
            if tool.raw != whole:
                made.append(msgspec.Raw(tool.raw.encode()))
            whole = tool.raw
            continue
        one = _tool(tool, tool_of(tool, number), target, losses, own=own)
        if one is not None:
            made.append(one)
    return made


def choice_of(conversation: Conversation, target: Target, losses: Losses, tools: list[Any]) -> Any:  # noqa: PLR0911
    """None: nothing is to be said."""
    choice = conversation.tool_choice
    own = conversation.origin == DIALECT
    if choice is None or (not tools and not own):
        return None
    field = field_of(conversation.origin, "tool_choice")
    if choice.mode in {"auto", "none"}:
        return choice.mode
    if not target.abilities.forced_calls and (choice.mode != "allowed" or choice.required):
        losses.drop(field)
        return "auto"
    if choice.mode == "required":
        return "required"
    kinds = {
        tool.name: "custom" if tool.kind == "custom" and target.abilities.custom_tools else "function"
        for tool in conversation.tools
        if tool.kind in {"function", "custom"}
    }
    if choice.mode == "named":
        if choice.name not in kinds and not own:
            losses.drop(field)
            return None
        return {"type": kinds.get(choice.name, "custom" if choice.custom else "function"), "name": choice.name}
    allowed = [{"type": kinds.get(name, "function"), "name": name} for name in choice.allowed]
    return {"type": "allowed_tools", "mode": "required" if choice.required else "auto", "tools": allowed}


def _tool(tool: Tool, path: str, target: Target, losses: Losses, *, own: bool) -> dict[str, Any] | None:
    match tool.kind:
        case "function":
            return _function(tool, path, target, losses, own=own)
        case "custom" if target.abilities.custom_tools:
            made: dict[str, Any] = {"type": "custom", "name": tool.name}
            if tool.description:
                made["description"] = tool.description
            if tool.grammar:
                made["format"] = _format(tool.grammar, f"{path}.format", losses)
            return made
        case "custom":
            told = described(tool, path, losses)
            made = {"type": "function", "name": tool.name, "description": told, "parameters": _INPUT}
            return made | {"strict": False}
        case "web_search" if target.abilities.web_search == "tool":
            return _web_search(tool, path, losses)
    losses.drop(path)
    return None


def _function(tool: Tool, path: str, target: Target, losses: Losses, *, own: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description:
        made["description"] = tool.description
    if tool.schema or not own:
        made["parameters"] = msgspec.Raw(tool.schema.encode()) if tool.schema else _NO_PARAMETERS
    if tool.strict and not target.abilities.tool_strict:
        losses.drop(f"{path}.strict")
    elif tool.strict is not None:
        made["strict"] = tool.strict
    elif not own:
        # Left out it means true here, and false in every other dialect.
        made["strict"] = False
    return made


def _format(grammar: str, path: str, losses: Losses) -> msgspec.Raw:
    given = _object.decode(grammar)
    if given.get("type") != "text" and not {"syntax", "definition"} <= given.keys():
        losses.refuse(path, "the grammar lacks its syntax or its definition. Send both.")
    return msgspec.Raw(grammar.encode())


def _web_search(tool: Tool, path: str, losses: Losses) -> dict[str, Any]:
    """The search tool of another dialect; its fields are those of Anthropic's tool and of chat's options."""
    given = _object.decode(tool.raw) if tool.raw else {}
    made: dict[str, Any] = {"type": "web_search"}
    for name, value in given.items():
        match name:
            case "allowed_domains" if value:
                made["filters"] = {"allowed_domains": value}
            case "user_location" if isinstance(value, dict):
                inner = value.get("approximate")
                made["user_location"] = {"type": "approximate"} | (inner if isinstance(inner, dict) else value)
            case "search_context_size":
                made[name] = value
            case "type" | "name":
                pass
            case _ if value not in (None, {}):
                losses.drop(f"{path}.{name}")
    return made
