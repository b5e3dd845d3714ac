"""Tools, the choice among them, reasoning and the answer's form: the typed settings of a chat request."""

import msgspec

from fastgw.protocols import strict, toplevel
from fastgw.protocols.chat import wire
from fastgw.protocols.chat.grammar import flat
from fastgw.protocols.hub.conversation import Cache, Effort, Format, Thinking, Tool, ToolChoice
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.toplevel import Fields

_raws = msgspec.json.Decoder(list[msgspec.Raw])
_kind = msgspec.json.Decoder(dict[str, msgspec.Raw])
_string = msgspec.json.Decoder(str)
_tool = msgspec.json.Decoder(wire.Tool)
_tools = msgspec.json.Decoder(list[wire.Tool])
_functions = msgspec.json.Decoder(list[wire.ToolFunction] | None)
_choice = msgspec.json.Decoder(wire.Choice)
_named = msgspec.json.Decoder(wire.ChosenName)
_format = msgspec.json.Decoder(wire.ResponseFormat)
_effort: msgspec.json.Decoder[Effort | None] = msgspec.json.Decoder(Effort | None)
_thinking = msgspec.json.Decoder(wire.ThinkingSwitch)
_reasoning = msgspec.json.Decoder(wire.ReasoningSwitch)

_TOOLS = ("tools", "functions", "web_search_options")
_THINKING = ("reasoning", "thinking", "enable_thinking", "thinking_budget", "reasoning_effort")
_NULL = b"null"
_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}
"""`any` is Mistral's word (docs.mistral.ai, 2026-08)."""


def given(fields: Fields, name: str) -> msgspec.Raw | None:
    """The bytes of a field, None if it is absent or null."""
    raw = fields.get(name)
    return None if raw is None or bytes(raw) == _NULL else raw


def tools(fields: Fields, losses: Losses) -> tuple[Tool, ...]:
    """`tools`, `functions` and `web_search_options`."""
    if fields.keys().isdisjoint(_TOOLS):
        return ()
    found = []
    if (raw := given(fields, "tools")) is not None:
        found += _listed(raw, losses)
    if (raw := given(fields, "functions")) is not None:
        for function in strict.decode(_functions, raw, "functions", losses) or ():
            found.append(_function(function))
    if (raw := given(fields, "web_search_options")) is not None:
        found.append(
            Tool("web_search", "web_search", dialect="chat", raw=bytes(raw).decode(), path="web_search_options")
        )
    return tuple(found)


def _listed(raw: msgspec.Raw, losses: Losses) -> list[Tool]:
    try:
        known = _tools.decode(raw)
    except msgspec.MsgspecError:
        # Something is unknown or wrong; one by one it is told which.
        items = toplevel.typed(_raws, raw, "tools")
        return [_one(item, f"tools[{at}]", losses) for at, item in enumerate(items)]
    return [_said(tool, tool.type, at) for at, tool in enumerate(known)]


def _one(raw: msgspec.Raw, path: str, losses: Losses) -> Tool:
    head = toplevel.typed(_kind, raw, path)
    kind = toplevel.typed(_string, head["type"], f"{path}.type") if "type" in head else "function"
    if kind not in ("function", "custom"):
        return Tool("opaque", kind, dialect="chat", raw=bytes(raw).decode())
    return _said(strict.decode(_tool, raw, path, losses), kind, path)


def _said(tool: wire.Tool, kind: str, where: str | int) -> Tool:
    """`where`: its path, or its number among the tools."""
    cache = None
    if tool.cache_control is not None:
        cache = Cache("1h" if tool.cache_control.ttl == "1h" else "5m" if tool.cache_control.ttl == "5m" else "")
    if tool.custom is not None and kind == "custom":
        custom = tool.custom
        return Tool("custom", custom.name, custom.description or "", grammar=flat(_json(custom.format)), cache=cache)
    if tool.function is None:
        missing = f"tools[{where}].{kind}" if isinstance(where, int) else f"{where}.{kind}"
        toplevel.refuse(f"Missing required parameter: '{missing}'.", missing)
    return _function(tool.function, cache)


def _function(function: wire.ToolFunction, cache: Cache | None = None) -> Tool:
    schema = _json(function.parameters)
    return Tool(
        "function", function.name, function.description or "", schema=schema, strict=function.strict, cache=cache
    )


def _json(raw: msgspec.Raw) -> str:
    """The text of a value, empty if it is absent or null."""
    text = bytes(raw)
    return "" if text == _NULL else text.decode()


def tool_choice(fields: Fields, losses: Losses) -> ToolChoice | None:
    """`tool_choice`, or the old `function_call`."""
    if (raw := given(fields, "tool_choice")) is not None:
        if bytes(raw).startswith(b'"'):
            return _by_word(toplevel.typed(_string, raw, "tool_choice"), "tool_choice")
        return _by_object(strict.decode(_choice, raw, "tool_choice", losses))
    if (raw := given(fields, "function_call")) is not None:
        if bytes(raw).startswith(b'"'):
            return _by_word(toplevel.typed(_string, raw, "function_call"), "function_call")
        return ToolChoice("named", strict.decode(_named, raw, "function_call", losses).name)
    return None


def _by_word(word: str, path: str) -> ToolChoice:
    mode = _MODES.get(word)
    if mode is None:
        toplevel.refuse(f"'{path}' must be 'auto', 'none', 'required' or an object that names a tool.", path)
    return ToolChoice(mode)  # type: ignore[arg-type]  # the table has modes only


def _by_object(choice: wire.Choice) -> ToolChoice:
    if choice.type in _MODES:
        return ToolChoice(_MODES[choice.type])  # type: ignore[arg-type]  # the table has modes only
    if choice.allowed_tools is not None:
        allowed = tuple(
            named.name for tool in choice.allowed_tools.tools if (named := tool.function or tool.custom) is not None
        )
        return ToolChoice("allowed", allowed=allowed, required=choice.allowed_tools.mode == "required")
    named = choice.custom or choice.function
    if named is None:
        toplevel.refuse(f"Missing required parameter: 'tool_choice.{choice.type}'.", f"tool_choice.{choice.type}")
    return ToolChoice("named", named.name, custom=choice.custom is not None)


def answer_format(fields: Fields, losses: Losses) -> Format | None:
    """`response_format`."""
    raw = given(fields, "response_format")
    if raw is None:
        return None
    form = strict.decode(_format, raw, "response_format", losses)
    if form.type != "json_schema":
        return Format(form.type)
    schema = form.json_schema
    if schema is None:
        toplevel.refuse("Missing required parameter: 'response_format.json_schema'.", "response_format.json_schema")
    return Format("json_schema", schema.name, _json(schema.schema), schema.strict, schema.description or "")


def thinking(fields: Fields, losses: Losses) -> Thinking | None:
    """`reasoning_effort`, and the switches of other vendors: `reasoning`, `thinking`, `enable_thinking`."""
    if fields.keys().isdisjoint(_THINKING):
        return None
    found = Thinking()
    if (raw := given(fields, "reasoning")) is not None:
        asked = strict.decode(_reasoning, raw, "reasoning", losses)
        mode = "" if asked.enabled is None else "on" if asked.enabled else "off"
        show = None if asked.exclude is None else not asked.exclude
        found = Thinking(mode, asked.effort, asked.max_tokens, show, asked.summary or "")  # type: ignore[arg-type]
    if (raw := given(fields, "thinking")) is not None:
        switch = strict.decode(_thinking, raw, "thinking", losses)
        mode = {"enabled": "on", "disabled": "off"}.get(switch.type, "adaptive")
        found = msgspec.structs.replace(found, mode=mode, budget_tokens=switch.budget_tokens)
    if (raw := given(fields, "enable_thinking")) is not None:
        on = toplevel.typed(toplevel.flag, raw, "enable_thinking")
        found = msgspec.structs.replace(found, mode="on" if on else "off")
    if (raw := given(fields, "thinking_budget")) is not None:
        budget = toplevel.typed(toplevel.count, raw, "thinking_budget")
        found = msgspec.structs.replace(found, budget_tokens=budget)
    if (raw := given(fields, "reasoning_effort")) is not None:
        found = msgspec.structs.replace(found, effort=toplevel.typed(_effort, raw, "reasoning_effort"))
    return None if found == Thinking() else found
