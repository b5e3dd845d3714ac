"""A chat request as a conversation of the hub."""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.chat import decode_messages, decode_tools
from fastgw.protocols.chat.decode_tools import given
from fastgw.protocols.hub.conversation import Conversation, Sampling
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.toplevel import Fields

_number = msgspec.json.Decoder(float | None)
_bias = msgspec.json.Decoder(dict[str, float] | None)
_stop = msgspec.json.Decoder(str | list[str] | None)
_string = msgspec.json.Decoder(str | None)
_object: msgspec.json.Decoder[Fields] = msgspec.json.Decoder(Fields)

CAPS = ("max_completion_tokens", "max_tokens")
_SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_COUNTS = ("top_k", "seed", "n", "top_logprobs")
_TUNING = (*_SAMPLING, *_COUNTS, "stop", "logit_bias", "logprobs")
_UNSAID = Sampling()

_READ = frozenset((
    "model", "messages", "stream", "tools", "functions", "web_search_options", "tool_choice", "function_call",
    "parallel_tool_calls", "response_format", "reasoning_effort", "reasoning", "thinking", "enable_thinking",
    "thinking_budget", "stop", "logit_bias", "logprobs", "verbosity", "user", "safety_identifier",
    "prompt_cache_key", "service_tier", *CAPS, *_SAMPLING, *_COUNTS,
))  # fmt: skip
"""Fields that have a place in the hub; every other one goes into `same`."""
_USUAL = frozenset(("model", "messages", "stream", "tools", "tool_choice", *CAPS, "temperature", "top_p"))
"""Most requests say no more, and what they do not say need not be asked for."""
_STREAM_OPTIONS = frozenset(("include_usage", "include_obfuscation"))
"""The first is honoured by the gateway itself, the second pads the chunks of OpenAI's own streams."""


def decode_request(fields: Fields, said: FromPath, losses: Losses) -> Conversation:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    if "messages" not in fields:
        toplevel.refuse("Missing required parameter: 'messages'.", "messages")
    if fields.keys() <= _USUAL:
        return Conversation(
            origin="chat",
            turns=decode_messages.turns(fields["messages"], losses),
            stream=bool(_flag(fields, "stream")) if said.stream is None else said.stream,
            tools=decode_tools.tools(fields, losses),
            tool_choice=decode_tools.tool_choice(fields, losses),
            output_cap=_cap(fields, losses),
            sampling=_sampling(fields),
        )
    more = fields.keys() - _READ
    same = {name: raw for name, raw in fields.items() if name in more and not _says_nothing(name, raw)} if more else {}
    user = _text(fields, "user")
    identified = _text(fields, "safety_identifier")
    if user and identified:
        same["safety_identifier"] = fields["safety_identifier"]
    parallel = _flag(fields, "parallel_tool_calls")
    if parallel is None and given(fields, "functions") is not None and given(fields, "tools") is None:
        # The old fields know one call at a time.
        parallel = False
    if given(fields, "store") is not None and not _flag(fields, "store"):
        same.pop("store")
    return Conversation(
        origin="chat",
        turns=decode_messages.turns(fields["messages"], losses),
        stream=bool(_flag(fields, "stream")) if said.stream is None else said.stream,
        tools=decode_tools.tools(fields, losses),
        tool_choice=decode_tools.tool_choice(fields, losses),
        parallel_calls=parallel,
        output_cap=_cap(fields, losses),
        sampling=_sampling(fields),
        thinking=decode_tools.thinking(fields, losses),
        format=decode_tools.answer_format(fields, losses),
        verbosity=_text(fields, "verbosity"),
        user=user or identified,
        user_field="safety_identifier" if identified and not user else "",
        cache_key=_text(fields, "prompt_cache_key"),
        service_tier=_text(fields, "service_tier"),
        stateless=given(fields, "store") is not None and not _flag(fields, "store"),
        same=same,
    )


def _says_nothing(name: str, raw: msgspec.Raw) -> bool:
    """A null, or a wish that every answer fulfils."""
    text = bytes(raw)
    if name == "stream_options" and text != b"null":
        return set(toplevel.typed(_object, raw, name)) <= _STREAM_OPTIONS
    return text == b"null" or (name == "modalities" and text.replace(b" ", b"") == b'["text"]')


def _flag(fields: Fields, name: str) -> bool | None:
    value: bool | None = toplevel.field(toplevel.flag, fields, name) if name in fields else None
    return value


def _text(fields: Fields, name: str) -> str:
    value: str | None = toplevel.field(_string, fields, name) if name in fields else None
    return value or ""


def _cap(fields: Fields, losses: Losses) -> int | None:
    """The cap of the output; 0 counts as none (some clients send it for that)."""
    if fields.keys().isdisjoint(CAPS):
        return None
    caps = {name: toplevel.cap(fields, name) for name in CAPS if given(fields, name) is not None}
    chosen = next((cap for cap in caps.values() if cap), None)
    for name, cap in caps.items():
        if cap and cap != chosen:
            losses.drop(name)
    return chosen


def _sampling(fields: Fields) -> Sampling:
    if fields.keys().isdisjoint(_TUNING):
        return _UNSAID
    numbers = {name: toplevel.field(_number, fields, name) for name in _SAMPLING if name in fields}
    counts = {name: toplevel.field(toplevel.count, fields, name) for name in _COUNTS if name in fields}
    stop = toplevel.field(_stop, fields, "stop") if "stop" in fields else None
    bias = given(fields, "logit_bias")
    if bias is not None:
        toplevel.typed(_bias, bias, "logit_bias")
    return Sampling(
        **numbers,
        **counts,
        logit_bias="" if bias is None else bytes(bias).decode(),
        stop=() if stop is None else (stop,) if isinstance(stop, str) else tuple(stop),
        logprobs=_flag(fields, "logprobs"),
    )
