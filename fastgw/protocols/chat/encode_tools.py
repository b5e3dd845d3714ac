"""Tools and the choice among them, as a lane of this dialect takes them."""

from typing import Any

import msgspec

from fastgw.protocols.chat.grammar import wrapped
from fastgw.protocols.hub.conversation import Cache, Conversation, Tool, ToolChoice
from fastgw.protocols.hub.freeform import described
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, tool_of
from fastgw.protocols.hub.target import Target

NO_PARAMETERS = msgspec.Raw(b'{"type":"object","properties":{}}')
FREE_TEXT = msgspec.Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
)
"""Parameters of the function that stands for a custom tool: its one argument is the text."""


def tools(conversation: Conversation, target: Target, losses: Losses) -> dict[str, Any]:
    """The fields `tools`, `web_search_options`, `tool_choice` and `parallel_tool_calls`, as far as there are any."""
    if not conversation.tools:
        return {}
    choice = conversation.tool_choice
    own = conversation.origin == "chat"
    # Only OpenAI's own models know `allowed_tools`; the others are shown no tool but the allowed ones.
    allowed = choice.allowed if choice is not None and choice.mode == "allowed" and not own else None
    fields: dict[str, Any] = {}
    sent: list[Any] = []
    names: set[str] = set()
    for at, tool in enumerate(conversation.tools):
        path = tool_of(tool, at)
        if allowed is not None and tool.name not in allowed:
            continue
        if tool.kind == "web_search":
            if not target.abilities.web_search:
                losses.drop(path)
                continue
            own_raw = tool.dialect == "chat"
            fields["web_search_options"] = (
                msgspec.Raw(tool.raw.encode()) if own_raw else _search_options(tool, path, losses)
            )
        elif tool.kind == "opaque":
            if tool.dialect != "chat":
                losses.drop(path)
                continue
            sent.append(msgspec.Raw(tool.raw.encode()))
        elif not target.abilities.tools:
            losses.refuse("tools", "it cannot call tools. Leave them out, or choose another model.")
        else:
            names.add(tool.name)
            sent.append(_one(tool, path, conversation, target, losses))
    if sent:
        fields["tools"] = sent
        fields |= _choice(choice, names, conversation, target, losses)
        fields |= _parallel(conversation, target, losses)
    elif choice is not None and choice.mode not in ("auto", "none"):
        losses.drop(field_of(conversation.origin, "tool_choice"))
    return fields


def _search_options(tool: Tool, path: str, losses: Losses) -> dict[str, Any]:
    """What both have to say about a search: where the user is, and how much of the pages is read."""
    given: dict[str, Any] = msgspec.json.decode(tool.raw) if tool.raw else {}
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name == "user_location" and isinstance(value, dict):
            place = {key: inner for key, inner in value.items() if key != "type"}
            made[name] = {"type": "approximate", "approximate": place}
        elif name == "search_context_size" and value is not None:
            made[name] = value
        elif name not in ("type", "name", "cache_control") and value not in (None, {}, []):
            losses.drop(f"{path}.{name}")
    return made


def _one(tool: Tool, path: str, conversation: Conversation, target: Target, losses: Losses) -> dict[str, Any]:
    head = {"name": tool.name} | ({"description": tool.description} if tool.description else {})
    made: dict[str, Any]
    if tool.kind == "custom" and target.abilities.custom_tools:
        form = {"format": msgspec.Raw(wrapped(tool.grammar).encode())} if tool.grammar else {}
        made = {"type": "custom", "custom": head | form}
    elif tool.kind == "custom":
        if told := described(tool, path, losses):
            head["description"] = told
        made = {"type": "function", "function": head | {"parameters": FREE_TEXT}}
    else:
        function: dict[str, Any] = head
        if tool.schema:
            function = head | {"parameters": msgspec.Raw(tool.schema.encode())}
        elif conversation.origin != "chat":
            function = head | {"parameters": NO_PARAMETERS}
        if tool.strict is not None and target.abilities.tool_strict:
            function["strict"] = tool.strict
        elif tool.strict:
            losses.drop(f"{path}.strict")
        made = {"type": "function", "function": function}
    if tool.cache is not None and target.abilities.cache_control:
        made["cache_control"] = cache_control(tool.cache)
    return made


def cache_control(cache: Cache) -> dict[str, str]:
    """OpenRouter's `cache_control`."""
    return {"type": "ephemeral"} | ({"ttl": cache.ttl} if cache.ttl else {})


def _choice(  # noqa: PLR0911  one for each mode
    choice: ToolChoice | None, names: set[str], conversation: Conversation, target: Target, losses: Losses
) -> dict[str, Any]:
    if choice is None:
        return {}
    path = field_of(conversation.origin, "tool_choice")
    demanded = choice.mode in ("required", "named") or (choice.mode == "allowed" and choice.required)
    if choice.mode == "named" and choice.name not in names:
        # The tool itself was left out, or never was.
        losses.drop(path)
        return {}
    if demanded and not target.abilities.forced_calls:
        losses.drop(path)
        return {"tool_choice": "auto"}
    if choice.mode == "named":
        return {"tool_choice": _named(choice.name, conversation, target)}
    if choice.mode == "allowed":
        mode = "required" if choice.required else "auto"
        if conversation.origin != "chat":
            return {"tool_choice": mode}
        listed = [_named(name, conversation, target) for name in choice.allowed]
        return {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": listed}}}
    return {"tool_choice": choice.mode}


def _named(name: str, conversation: Conversation, target: Target) -> dict[str, Any]:
    custom = target.abilities.custom_tools and any(
        tool.kind == "custom" and tool.name == name for tool in conversation.tools
    )
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": name}}


def _parallel(conversation: Conversation, target: Target, losses: Losses) -> dict[str, Any]:
    wanted = conversation.parallel_calls
    if wanted is None:
        return {}
    if target.abilities.parallel_flag:
        return {"parallel_tool_calls": wanted}
    if not wanted:
        losses.drop(field_of(conversation.origin, "parallel_calls"))
    return {}
