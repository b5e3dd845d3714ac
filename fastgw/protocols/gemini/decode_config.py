"""`generationConfig`, `toolConfig` and `tools` of a caller as the hub's settings and tools."""

from typing import get_args

import msgspec

from fastgw.protocols.gemini import wire
from fastgw.protocols.gemini.schema_in import json_schema
from fastgw.protocols.gemini.spelling import camel, respelled
from fastgw.protocols.hub.conversation import Effort, Format, Sampling, Thinking, Tool, ToolChoice
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.strict import decode
from fastgw.protocols.toplevel import Fields, refuse, typed

# Google takes 64-bit numbers as text, and whole numbers as `40.0`.
_config = msgspec.json.Decoder(wire.GenerationConfig, strict=False)
_usual_config = msgspec.json.Decoder(wire.UsualConfig, strict=False)
_tool_config = msgspec.json.Decoder(wire.ToolConfig)
_declaration = msgspec.json.Decoder(wire.FunctionDeclaration)
_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode

_SEARCHES = ("googleSearch", "googleSearchRetrieval", "enterpriseWebSearch")
_LEFT = tuple(
    field.encode_name
    for field in msgspec.structs.fields(wire.GenerationConfig)
    if field.type is msgspec.Raw and field.name not in ("response_schema", "response_json_schema")
)
"""Fields that no other dialect has."""


class Config(msgspec.Struct):
    """What `generationConfig` says."""

    sampling: Sampling = Sampling()
    output_cap: int | None = None
    thinking: Thinking | None = None
    format: Format | None = None
    same: dict[str, msgspec.Raw] = {}


def config_of(raw: bytes | msgspec.Raw, losses: Losses) -> Config:
    """Raises `GatewayError` (400)."""
    given = respelled(raw, wire.GenerationConfig)
    same: dict[str, msgspec.Raw] = {}
    said: wire.UsualConfig
    try:
        said = _usual_config.decode(given)
    except msgspec.MsgspecError:
        # There is more in it.
        said = decode(_config, given, "generationConfig", losses)
        for name in _LEFT:
            if wire.given(value := getattr(said, _FIELD[name])):
                same[f"generationConfig.{name}"] = value
    if said.response_modalities and [each.upper() for each in said.response_modalities] != ["TEXT"]:
        same["generationConfig.responseModalities"] = msgspec.Raw(_encode(said.response_modalities))
    return Config(
        Sampling(
            temperature=said.temperature,
            top_p=said.top_p,
            top_k=None if said.top_k is None else int(said.top_k),
            seed=said.seed,
            frequency_penalty=said.frequency_penalty,
            presence_penalty=said.presence_penalty,
            stop=tuple(said.stop_sequences or ()),
            n=said.candidate_count,
            logprobs=said.response_logprobs,
            top_logprobs=said.logprobs,
        ),
        said.max_output_tokens,
        _thinking(said.thinking_config, losses),
        _format(said, same, losses),
        same,
    )


_FIELD = {field.encode_name: field.name for field in msgspec.structs.fields(wire.GenerationConfig)}


def _thinking(said: wire.ThinkingConfig | None, losses: Losses) -> Thinking | None:
    if said is None:
        return None
    effort: Effort | None = None
    if said.thinking_level and said.thinking_level.upper() != "THINKING_LEVEL_UNSPECIFIED":
        word = said.thinking_level.lower()
        effort = next((each for each in get_args(Effort) if each == word), None)
        if effort is None:
            losses.drop("generationConfig.thinkingConfig.thinkingLevel")
    budget = said.thinking_budget
    if budget == 0:
        return Thinking("off", effort, 0, said.include_thoughts)
    if budget is not None:
        return Thinking("on" if budget > 0 else "adaptive", effort, max(budget, -1), said.include_thoughts)
    if effort is None and said.include_thoughts is None:
        return None
    return Thinking("", effort, None, said.include_thoughts)


def _format(said: wire.UsualConfig, same: dict[str, msgspec.Raw], losses: Losses) -> Format | None:
    mime, own, plain = said.response_mime_type, said.response_schema, said.response_json_schema
    if mime not in (None, "", "application/json", "text/plain"):
        same["generationConfig.responseMimeType"] = msgspec.Raw(_encode(mime))
    if mime == "text/plain":
        if wire.given(own) or wire.given(plain):
            losses.drop(f"generationConfig.{'responseSchema' if wire.given(own) else 'responseJsonSchema'}")
        return Format("text")
    if wire.given(plain):
        if wire.given(own):
            losses.drop("generationConfig.responseSchema")
        return Format("json_schema", schema=bytes(plain).decode())
    if wire.given(own):
        return Format("json_schema", schema=json_schema(own), dialect="gemini", raw=bytes(own).decode())
    return Format("json_object") if mime == "application/json" else None


def choice_of(raw: bytes | msgspec.Raw, same: dict[str, msgspec.Raw], losses: Losses) -> ToolChoice | None:
    """What `toolConfig` says of calls; what else it says goes to `same`. Raises `GatewayError` (400)."""
    said = decode(_tool_config, respelled(raw, wire.ToolConfig), "toolConfig", losses)
    for name in ("retrieval_config", "include_server_side_tool_invocations"):
        if wire.given(value := getattr(said, name)):
            same[f"toolConfig.{camel(name)}"] = value
    calling = said.function_calling_config
    if calling is None:
        return None
    if calling.stream_function_call_arguments:
        # Calls come whole from every provider.
        losses.drop("toolConfig.functionCallingConfig.streamFunctionCallArguments")
    names = tuple(calling.allowed_function_names or ())
    mode = (calling.mode or "AUTO").upper()
    if mode == "NONE":
        return ToolChoice("none")
    if mode == "ANY":
        if len(names) == 1:
            return ToolChoice("named", names[0])
        return ToolChoice("allowed", allowed=names, required=True) if names else ToolChoice("required")
    if mode == "VALIDATED":
        same["toolConfig.functionCallingConfig.mode"] = msgspec.Raw(b'"VALIDATED"')
    elif mode not in ("AUTO", "MODE_UNSPECIFIED"):
        path = "toolConfig.functionCallingConfig.mode"
        refuse(f"'{path}' must be one of AUTO, ANY, NONE and VALIDATED.", path)
    return ToolChoice("allowed", allowed=names) if names else ToolChoice("auto")


def tools_of(raw: bytes | msgspec.Raw, losses: Losses) -> list[Tool]:
    """All tools in order. Raises `GatewayError` (400)."""
    data = bytes(raw).lstrip()
    tools: list[Tool] = []
    for number, given in enumerate(typed(_objects, b"[" + data + b"]" if data.startswith(b"{") else data, "tools")):
        for name, value in _wide(given).items():
            path = f"tools[{number}].{name}"
            if name == "functionDeclarations":
                inner = bytes(value).strip()
                listed = typed(_raws, b"[" + inner + b"]" if inner.startswith(b"{") else inner, path)
                tools += [_function(each, f"{path}[{at}]", losses) for at, each in enumerate(listed)]
            elif bytes(value) != b"null":
                kind = _encode({name: value}).decode()
                tools.append(
                    Tool(
                        "web_search" if name in _SEARCHES else "opaque",
                        name=name,
                        dialect="gemini",
                        raw=kind,
                        path=path,
                    )
                )
    return tools


def _wide(fields: Fields) -> Fields:
    return {camel(name): value for name, value in fields.items()}


def _function(raw: msgspec.Raw, path: str, losses: Losses) -> Tool:
    whole = respelled(raw, wire.FunctionDeclaration)
    said = decode(_declaration, whole, path, losses)
    schema = ""
    if wire.given(said.parameters_json_schema):
        schema = bytes(said.parameters_json_schema).decode()
    elif wire.given(said.parameters):
        schema = json_schema(said.parameters)
    for name in ("response", "response_json_schema", "behavior"):
        if wire.given(getattr(said, name)):
            losses.drop(f"{path}.{camel(name)}")
    return Tool("function", said.name, said.description, schema, dialect="gemini", raw=whole.decode())
