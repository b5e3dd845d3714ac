"""Answers of chat providers on the wire, whole and in chunks, as far as they are read.

Fields are typed as OpenAI has them; what does not fit is read once more by the loose types, which take anything where
compatible providers are known to differ.
"""

from typing import Any

import msgspec

from fastgw.protocols.chat.usage import WireUsage

ABSENT = msgspec.Raw(b"")
NOTHING = (b"", b"null")


class Function(msgspec.Struct):
    """A called function, or a piece of one."""

    name: str | None = None
    arguments: str | None = None


class Custom(msgspec.Struct):
    """A called custom tool, or a piece of one."""

    name: str | None = None
    input: str | None = None


class Call(msgspec.Struct):
    """One of `tool_calls`."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Any = None


class Message(msgspec.Struct):
    """A `message` or a `delta`."""

    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Call] | None = None
    refusal: str | None = None
    reasoning_details: list[dict[str, msgspec.Raw]] | None = None
    thinking_blocks: list[dict[str, msgspec.Raw]] | None = None
    function_call: Function | None = None
    annotations: list[dict[str, msgspec.Raw]] | None = None
    images: list[Any] | None = None
    audio: Any = None
    extra_content: Any = None


class LogProbs(msgspec.Struct):
    """`logprobs` of a choice."""

    content: msgspec.Raw = ABSENT


class Choice(msgspec.Struct):
    """One of `choices`."""

    index: int | None = None
    delta: Message | None = None
    message: Message | None = None
    finish_reason: str | None = None
    logprobs: LogProbs | None = None
    stop_reason: Any = None
    """vLLM: the stop sequence that was met, or the number of a token."""
    matched_stop: Any = None
    """SGLang's name for it."""
    usage: WireUsage | None = None
    """Moonshot (platform.moonshot.ai, 2026-08)."""


class Groq(msgspec.Struct):
    """What Groq puts beside its last chunk."""

    usage: WireUsage | None = None


class Chunk(msgspec.Struct):
    """A whole answer, or one chunk of it."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    choices: list[Choice] | None = None
    usage: WireUsage | None = None
    error: msgspec.Raw = ABSENT
    object: str | None = None
    x_groq: Groq | None = None
    citations: list[Any] | None = None
    """Perplexity's and xAI's: URLs."""


class _LooseFunction(msgspec.Struct):
    name: str | None = None
    arguments: msgspec.Raw = ABSENT
    """The object itself from some providers (Ollama, 2025)."""


class _LooseCall(msgspec.Struct):
    index: Any = None
    id: Any = None
    function: _LooseFunction | None = None
    extra_content: Any = None


_chunk = msgspec.json.Decoder(Chunk)
_loose = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_loose_calls = msgspec.json.Decoder(list[_LooseCall])
_string = msgspec.json.Decoder(str)


def read_chunk(data: bytes) -> Chunk:
    """Raises one of `usage.UNREADABLE` for what is no JSON object."""
    try:
        return _chunk.decode(data)
    except msgspec.ValidationError:
        loose: Chunk = _loosely(Chunk, data, {"choices": _choices})
        return loose


def _choices(raw: msgspec.Raw) -> list[Choice]:
    return [_loosely(Choice, item, {"delta": _message, "message": _message}) for item in _items.decode(raw)]


def _message(raw: msgspec.Raw) -> Message | None:
    return None if bytes(raw) == b"null" else _loosely(Message, raw, {"tool_calls": _calls})


def _calls(raw: msgspec.Raw) -> list[Call]:
    found = []
    for loose in _loose_calls.decode(raw) if bytes(raw) != b"null" else ():
        function = loose.function
        made = None
        if function is not None:
            text = bytes(function.arguments)
            arguments = _string.decode(text) if text.startswith(b'"') else "" if text in NOTHING else text.decode()
            made = Function(function.name, arguments)
        index = loose.index if isinstance(loose.index, int) else None
        found.append(Call(index, str(loose.id or ""), made, extra_content=loose.extra_content))
    return found


def _loosely(kind: Any, data: bytes | msgspec.Raw, special: dict[str, Any]) -> Any:
    """A struct of the fields that have their type; the other ones count as absent."""
    fields = _loose.decode(data)
    found = {}
    for field in msgspec.structs.fields(kind):
        if field.name not in fields:
            continue
        raw = fields[field.name]
        if field.type is msgspec.Raw:
            found[field.name] = raw
            continue
        try:
            found[field.name] = msgspec.json.decode(raw, type=field.type)
        except msgspec.ValidationError:
            if field.name in special:
                found[field.name] = special[field.name](raw)
    return kind(**found)
