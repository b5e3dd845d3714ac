"""A turn of the assistant as a chat message: words, calls, and the reasoning that may go back to its family."""

from typing import Any

import msgspec

from fastgw.protocols.chat import carriers
from fastgw.protocols.chat.encode_parts import Parts
from fastgw.protocols.chat.encode_tools import cache_control
from fastgw.protocols.hub.conversation import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Refused,
    Text,
    Thought,
    ToolCall,
    Turn,
    Video,
)
from fastgw.protocols.hub.ids import tool_id
from fastgw.protocols.hub.target import Target

ID_LENGTH_MAX = 40
"""Of a call's id at OpenAI (its own error message, 2025)."""

_encode = msgspec.json.encode
_MEDIA = (Image, Document, Audio, Video)


def call_id(given: str, *, own: bool) -> str:
    """The id of a call towards the provider; callers of this dialect have made theirs for it."""
    return given if own else tool_id(given, "call_", ID_LENGTH_MAX)


def assistant(turn: Turn, parts: Parts, target: Target, *, own: bool) -> tuple[dict[str, Any] | None, list[Any]]:
    """The message, None if nothing of it can be said here, and media that only a message of the user can hold."""
    texts: list[Text] = []
    calls: list[dict[str, Any]] = []
    rest: list[Part] = []
    for part in turn.parts:
        if isinstance(part, Text):
            texts.append(part)
        elif isinstance(part, ToolCall):
            calls.append(_call(part, target, own=own))
        else:
            rest.append(part)
    pictures = [one for part in rest if isinstance(part, _MEDIA) and (one := parts.one(part)) is not None]
    refused = "".join([part.text for part in rest if isinstance(part, Refused)])
    sounds = _sounds(rest, parts, own=own)
    content = parts.content(texts, plain=turn.plain, between="") if texts else None
    message: dict[str, Any] = {"role": "assistant", "content": content if content or own else None}
    if refused:
        message["refusal"] = refused
    if own and pictures:
        message["images"], pictures = pictures, []
    if calls:
        message["tool_calls"] = calls
    said = bool(content or refused or calls or sounds)
    reasoning = _reasoning(rest, target, own=own)
    if not said and not own:
        # Reasoning alone is no message; an empty one would be refused.
        return None, pictures
    message |= sounds | reasoning
    message |= _signature(texts, target)
    return message, pictures


def _sounds(rest: list[Part], parts: Parts, *, own: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in rest:
        if isinstance(part, Opaque):
            if own and part.kind == "audio":
                made["audio"] = msgspec.Raw(part.raw.encode())
            else:
                parts.lose(part)
    return made


def _call(call: ToolCall, target: Target, *, own: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"id": call_id(call.id, own=own)}
    if call.custom and target.abilities.custom_tools:
        made |= {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    else:
        arguments = call.arguments
        if call.custom:
            arguments = _encode({"input": call.arguments}).decode()
        elif not own:
            arguments = arguments or "{}"
        made |= {"type": "function", "function": {"name": call.name, "arguments": arguments}}
    if call.sealed is not None and call.sealed.family == target.family:
        made["extra_content"] = {"google": {"thought_signature": call.sealed.data}}
    if own and call.cache is not None and target.abilities.cache_control:
        made["cache_control"] = cache_control(call.cache)
    return made


def _reasoning(rest: list[Part], target: Target, *, own: bool) -> dict[str, Any]:
    """Earlier reasoning, as far as the lane wants it back: sealed in its own carrier, the rest as words."""
    echo = target.abilities.echo_reasoning
    if not echo:
        return {}
    made: dict[str, Any] = {}
    words: list[str] = []
    for part in rest:
        if not isinstance(part, Thought):
            continue
        if part.sealed is not None and part.sealed.family in (target.family, carriers.ANYBODY if own else ""):
            field, item = carriers.restored(part)
            made.setdefault(field, []).append(item)
            if echo != "demanded":
                continue
        if not part.redacted:
            words.append(part.text or "\n\n".join(part.summaries))
    if words or echo == "demanded":
        made["reasoning_content"] = "".join(words)
    return made


def _signature(texts: list[Text], target: Target) -> dict[str, Any]:
    sealed = None
    for text in texts:
        sealed = text.sealed or sealed
    if sealed is None or sealed.family != target.family:
        return {}
    return {"extra_content": {"google": {"thought_signature": sealed.data}}}
