"""A request of Responses as a `Conversation`."""

from typing import Any

import msgspec

from fastgw.protocols import strict, toplevel
from fastgw.protocols.hub.conversation import Conversation, Effort, Format, Sampling, Text, Thinking, ToolChoice, Turn
from fastgw.protocols.hub.dialect import Fields
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.responses import wire
from fastgw.protocols.responses.decode_items import turns_of
from fastgw.protocols.responses.decode_tools import choice_of, tools_of
from fastgw.protocols.responses.peek import object_text, present
from fastgw.protocols.responses.seals import INSTRUCTIONS

NAME = "responses"
SEALS, LOGPROBS = "reasoning.encrypted_content", "message.output_text.logprobs"
"""The two of `include` that other dialects have too."""
_MAPPED = frozenset((
    "model", "input", "instructions", "stream", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens",
    "temperature", "top_p", "top_logprobs", "include", "store", "text", "reasoning", "safety_identifier", "user",
    "prompt_cache_key", "service_tier",
))  # fmt: skip
_EFFORT = ("effort", "summary")

_texts = msgspec.json.Decoder(list[str] | None)
_text = msgspec.json.Decoder(str | None)
_number = msgspec.json.Decoder(float | None)
_text_field = msgspec.json.Decoder(wire.TextField | None)
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_efforts = msgspec.json.Decoder(Effort | None)
_encode = msgspec.json.Encoder().encode


def decode_request(fields: Fields, losses: Losses) -> Conversation:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    same = {name: raw for name, raw in fields.items() if name not in _MAPPED and bytes(raw) != b"null"}
    if not _said(toplevel.flag, fields, "background"):
        same.pop("background", None)
    turns: list[Turn] = []
    instructions = _said(_text, fields, "instructions")
    if instructions is not None:
        turns.append(Turn("system", (Text(instructions),), plain=True, id=INSTRUCTIONS))
    if present(fields, "input"):
        turns += turns_of(fields["input"], losses)
    store = _said(toplevel.flag, fields, "store")
    if store:
        same["store"] = fields["store"]
    asked = _include(fields, same)
    shape = strict.decode(_text_field, fields["text"], "text", losses) if "text" in fields else None
    user = _said(_text, fields, "safety_identifier") or _said(_text, fields, "user")
    if present(fields, "safety_identifier") and present(fields, "user"):
        same["user"] = fields["user"]
    return Conversation(
        origin=NAME,
        turns=tuple(turns),
        stream=bool(_said(toplevel.flag, fields, "stream")),
        tools=tuple(tools_of(fields["tools"], losses)) if "tools" in fields else (),
        tool_choice=_choice(fields, same),
        parallel_calls=_said(toplevel.flag, fields, "parallel_tool_calls"),
        output_cap=_said(toplevel.count, fields, "max_output_tokens"),
        sampling=Sampling(
            temperature=_said(_number, fields, "temperature"),
            top_p=_said(_number, fields, "top_p"),
            logprobs=True if LOGPROBS in asked else None,
            top_logprobs=_said(toplevel.count, fields, "top_logprobs"),
        ),
        thinking=_thinking(fields, same),
        format=None if shape is None or shape.format is None else _format(shape.format),
        verbosity="" if shape is None else shape.verbosity or "",
        user=user or "",
        user_field="safety_identifier" if _said(_text, fields, "safety_identifier") else "",
        cache_key=_said(_text, fields, "prompt_cache_key") or "",
        service_tier=_said(_text, fields, "service_tier") or "",
        stateless=store is False,
        seals=SEALS in asked,
        same=same,
    )


def _said(decoder: msgspec.json.Decoder[Any], fields: Fields, name: str) -> Any:
    return toplevel.field(decoder, fields, name) if name in fields else None


def _include(fields: Fields, same: dict[str, msgspec.Raw]) -> list[str]:
    asked: list[str] = _said(_texts, fields, "include") or []
    others = [one for one in asked if one not in {SEALS, LOGPROBS}]
    if others:
        same["include"] = msgspec.Raw(_encode(others))
    return asked


def _choice(fields: Fields, same: dict[str, msgspec.Raw]) -> ToolChoice | None:
    if not present(fields, "tool_choice"):
        return None
    choice = choice_of(fields["tool_choice"])
    if choice is None:
        same["tool_choice"] = fields["tool_choice"]
    return choice


def _thinking(fields: Fields, same: dict[str, msgspec.Raw]) -> Thinking | None:
    """Effort and summary; the rest of `reasoning` stays for the own dialect, each field by its path."""
    given: dict[str, msgspec.Raw] = _said(_objects, fields, "reasoning") or {}
    for name, raw in given.items():
        if name not in _EFFORT and bytes(raw) != b"null":
            same[f"reasoning.{name}"] = raw
    effort = _below(_efforts, given, "effort")
    summary = _below(_text, given, "summary")
    if effort is None and summary is None:
        return None
    return Thinking("off" if effort == "none" else "", effort, show=True if summary else None, summary=summary or "")


def _below(decoder: msgspec.json.Decoder[Any], given: Fields, name: str) -> Any:
    return toplevel.typed(decoder, given[name], f"reasoning.{name}") if name in given else None


def _format(given: wire.TextFormat) -> Format:
    return Format(
        given.type,
        given.name or "",
        object_text(given.schema, "text.format.schema"),
        given.strict,
        given.description or "",
    )
