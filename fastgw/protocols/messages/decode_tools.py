"""Tools and the choice among them, from a caller's Messages request."""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import Cache, Tool, ToolChoice
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.messages import wire
from fastgw.protocols.strict import decode as strictly
from fastgw.protocols.toplevel import Fields

NAME = "messages"

_raws = msgspec.json.Decoder(list[msgspec.Raw] | None)
_kind = msgspec.json.Decoder(wire.Kind)
_functions = msgspec.json.Decoder(list[wire.FunctionTool])
_function = msgspec.json.Decoder(wire.FunctionTool)
_server = msgspec.json.Decoder(wire.ServerTool)
_choice = msgspec.json.Decoder(wire.ToolChoice | None)
_FUNCTIONS = (None, "", "custom")


def tools_of(fields: Fields, losses: Losses) -> tuple[Tool, ...]:
    """The tools in order. Anthropic's own keep their raw text; `web_search` is a kind that others have too."""
    if "tools" not in fields:
        return ()
    try:
        known = _functions.decode(fields["tools"])
    except msgspec.MsgspecError:
        known = []
    if known and all(tool.type in _FUNCTIONS for tool in known):
        return tuple(_said(tool) for tool in known)
    given: list[msgspec.Raw] = toplevel.field(_raws, fields, "tools") or []
    return tuple(_tool(raw, f"tools[{number}]", losses) for number, raw in enumerate(given))


def choice_of(fields: Fields, tools: tuple[Tool, ...], losses: Losses) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether calls may come in parallel (None: unsaid)."""
    if "tool_choice" not in fields:
        return None, None
    said: wire.ToolChoice | None = strictly(_choice, fields["tool_choice"], "tool_choice", losses)
    if said is None:
        return None, None
    parallel = None if said.disable_parallel_tool_use is None else not said.disable_parallel_tool_use
    match said.type:
        case "auto":
            return ToolChoice("auto"), parallel
        case "none":
            return ToolChoice("none"), parallel
        case "any":
            return ToolChoice("required"), parallel
        case "tool":
            if not said.name:
                toplevel.refuse("tool_choice.tool.name: Field required", "tool_choice.name")
            return ToolChoice("named", name=said.name), parallel
        case other:
            toplevel.refuse(f"tool_choice: '{other}' is not one of 'auto', 'any', 'tool', 'none'", "tool_choice.type")


def cache_of(control: wire.CacheControl | None) -> Cache | None:
    """A breakpoint, if one is set. An unknown time to live is the provider's default."""
    if control is None:
        return None
    return Cache(control.ttl) if control.ttl in ("5m", "1h") else Cache()  # type: ignore[arg-type]


def _tool(raw: msgspec.Raw, path: str, losses: Losses) -> Tool:
    kind: str | None = toplevel.typed(_kind, raw, path).type
    if kind in _FUNCTIONS:
        return _said(strictly(_function, raw, path, losses))
    own: wire.ServerTool = toplevel.typed(_server, raw, path)
    return Tool(
        "web_search" if own.type.startswith("web_search_") else "opaque",
        name=own.name or own.mcp_server_name,
        cache=cache_of(own.cache_control),
        dialect=NAME,
        raw=bytes(raw).decode(),
    )


def _said(tool: wire.FunctionTool) -> Tool:
    schema = bytes(tool.input_schema)
    return Tool(
        "function",
        name=tool.name,
        description=tool.description or "",
        schema="" if schema in wire.NOTHING else schema.decode(),
        strict=tool.strict,
        cache=cache_of(tool.cache_control),
    )
