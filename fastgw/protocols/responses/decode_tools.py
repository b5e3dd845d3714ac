"""The tools of a request, and which of them the model must or may call."""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import Tool, ToolChoice
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.responses import wire
from fastgw.protocols.responses.namespaces import flat
from fastgw.protocols.responses.peek import object_text

DIALECT = "responses"
_FUNCTION_FIELDS = frozenset(("type", "name", "description", "parameters", "strict"))
_CUSTOM_FIELDS = frozenset(("type", "name", "description", "format"))


class _Head(msgspec.Struct):
    type: str


_tools = msgspec.json.Decoder(list[msgspec.Raw] | None)
_head = msgspec.json.Decoder(_Head)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_function = msgspec.json.Decoder(wire.Function)
_custom = msgspec.json.Decoder(wire.Custom)
_namespace = msgspec.json.Decoder(wire.Namespace)
_choice = msgspec.json.Decoder(str | wire.Named)


def tools_of(raw: msgspec.Raw, losses: Losses) -> list[Tool]:
    """All tools, those of a namespace each by its flat name. Raises `GatewayError` (400)."""
    tools: list[Tool] = []
    for number, one in enumerate(toplevel.typed(_tools, raw, "tools") or ()):
        path = f"tools[{number}]"
        made = _tool(one, path, losses)
        if len(tools) != number or len(made) > 1:
            made = [msgspec.structs.replace(tool, path=path) for tool in made]
        tools += made
    return tools


def choice_of(raw: msgspec.Raw) -> ToolChoice | None:
    """None: a choice that only a provider of Responses can honour."""
    said: str | wire.Named = toplevel.typed(_choice, raw, "tool_choice")
    match said:
        case "auto" | "none" | "required":
            return ToolChoice(said)
        case str():
            toplevel.refuse("'tool_choice' must be 'auto', 'none', 'required' or an object.", "tool_choice")
        case wire.Named(type="function" | "custom", name=str() as name):
            return ToolChoice("named", name, custom=said.type == "custom")
        case wire.Named(type="allowed_tools", tools=list() as tools):
            names = tuple(tool.name for tool in tools if tool.type in {"function", "custom"} and tool.name)
            if len(names) == len(tools):
                return ToolChoice("allowed", allowed=names, required=said.mode == "required")
    return None


def _tool(raw: msgspec.Raw, path: str, losses: Losses) -> list[Tool]:
    kind: str = toplevel.typed(_head, raw, path).type
    if kind == "function":
        return [_function_tool(raw, path, losses)]
    if kind == "custom":
        return [_custom_tool(raw, path, losses)]
    text = bytes(raw).decode()
    if kind == "namespace":
        return _nested(raw, text, path, losses)
    if kind.startswith("web_search"):
        return [Tool("web_search", kind, dialect=DIALECT, raw=text)]
    return [Tool("opaque", kind, dialect=DIALECT, raw=text)]


def _function_tool(raw: msgspec.Raw, path: str, losses: Losses, namespace: str = "", whole: str = "") -> Tool:
    tool: wire.Function = toplevel.typed(_function, raw, path)
    more = _more(raw, _FUNCTION_FIELDS, path, losses)
    whole = whole or more
    return Tool(
        "function",
        flat(namespace, tool.name),
        tool.description or "",
        object_text(tool.parameters, f"{path}.parameters"),
        tool.strict,
        dialect=DIALECT if whole else "",
        raw=whole,
    )


def _custom_tool(raw: msgspec.Raw, path: str, losses: Losses, namespace: str = "", whole: str = "") -> Tool:
    tool: wire.Custom = toplevel.typed(_custom, raw, path)
    more = _more(raw, _CUSTOM_FIELDS, path, losses)
    whole = whole or more
    return Tool(
        "custom",
        flat(namespace, tool.name),
        tool.description or "",
        grammar=object_text(tool.format, f"{path}.format"),
        dialect=DIALECT if whole else "",
        raw=whole,
    )


def _nested(raw: msgspec.Raw, text: str, path: str, losses: Losses) -> list[Tool]:
    """The tools of a namespace; each keeps the whole of it, for a replay. Its description is said by the first one."""
    namespace: wire.Namespace = toplevel.typed(_namespace, raw, path)
    if namespace.description:
        losses.drop(f"{path}.description")
    tools: list[Tool] = []
    for number, one in enumerate(namespace.tools):
        inner = f"{path}.tools[{number}]"
        kind: str = toplevel.typed(_head, one, inner).type
        if kind == "custom":
            tools.append(_custom_tool(one, inner, losses, namespace.name, text))
        else:
            tools.append(_function_tool(one, inner, losses, namespace.name, text))
    return tools


def _more(raw: msgspec.Raw, known: frozenset[str], path: str, losses: Losses) -> str:
    """The whole tool for a replay to its own dialect, if it says more than other dialects can."""
    more = [name for name in _fields.decode(raw) if name not in known]
    for name in more:
        losses.drop(f"{path}.{name}")
    return bytes(raw).decode() if more else ""
