"""Which dialect a body is of: a caller may send it to the endpoint of another one, and is answered in the body's.

Key names decide, because the hot path can afford no more: a plain chat body is told from the rest in a few look-ups.
Nested bytes are looked at only where the top level hints at Anthropic, whose `messages` have the name of chat's. A body
that fits its endpoint stays there, also if it fits another one too.
"""

from typing import Any

import msgspec

from fastgw.protocols.hub.dialect import Fields

_ANY_RESPONSES = ("input", "instructions", "max_output_tokens", "previous_response_id")

_CHAT_ONLY = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "store",
        "stream_options",
        "top_logprobs",
        "verbosity",
        "web_search_options",
    }
)
_CHAT_ROLES = frozenset({"tool", "function", "developer"})
_CHAT_BLOCKS = frozenset({"image_url", "input_audio", "file", "refusal"})
_ANTHROPIC_BLOCKS = frozenset({"tool_use", "tool_result", "thinking", "redacted_thinking"})
_BLOCK_MARKS = tuple(b'"%s"' % name.encode() for name in sorted(_ANTHROPIC_BLOCKS))


class _Block(msgspec.Struct):
    type: Any = None


class _Message(msgspec.Struct):
    role: str = ""
    content: list[_Block] | str | None = None
    tool_calls: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Tool(msgspec.Struct):
    name: Any = None
    input_schema: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    function: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_messages = msgspec.json.Decoder(list[_Message])
_tools = msgspec.json.Decoder(list[_Tool])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def detect(route: str, fields: Fields, version: str) -> str:
    """The dialect of a body that came to the endpoint of the dialect `route`.

    `version` is the value of `anthropic-version`, empty when unsaid. Legacy completions are left alone: their `prompt`
    is no mistake of anybody.
    """
    if "messages" in fields:
        if route == "chat":
            hinted = version or "system" in fields or "max_tokens" in fields or "stop_sequences" in fields
            return "messages" if hinted and _is_messages(fields, version) else route
        if route == "responses" and not (_asks_responses(fields) or "contents" in fields):
            return "messages" if _is_messages(fields, version) else "chat"
        return route
    return route if route in {"completions", "compact"} else _without_messages(route, fields)


def _without_messages(route: str, fields: Fields) -> str:
    asks_responses = _asks_responses(fields)
    if "contents" in fields:
        return route if asks_responses else "gemini"
    return "responses" if asks_responses else route


def _asks_responses(fields: Fields) -> bool:
    for name in _ANY_RESPONSES:
        if name in fields:
            return True
    if "conversation" in fields and bytes(fields["conversation"]) != b"null":
        return True
    return "prompt" in fields and _is_object(fields["prompt"])


def _is_object(raw: msgspec.Raw) -> bool:
    try:
        _object.decode(raw)
    except msgspec.MsgspecError:
        return False
    return True


def _is_messages(fields: Fields, version: str) -> bool:
    """Whether `messages` are Anthropic's: something says so that chat does not know, and nothing says chat."""
    if "system" in fields or "stop_sequences" in fields or (version and "max_tokens" in fields):
        return not _fits_chat_only(fields) and _blocks(fields) is not False
    if "max_tokens" not in fields or not ("tools" in fields or "thinking" in fields):
        # Anthropic demands a cap, and tools or thinking wherever messages hold blocks that are its own.
        return False
    if _declares(fields):
        return not _fits_chat_only(fields) and _blocks(fields) is not False
    if "tools" in fields and b'"function"' in bytes(fields["tools"]):
        return False
    said = bytes(fields["messages"])
    return any(mark in said for mark in _BLOCK_MARKS) and not _fits_chat_only(fields) and _blocks(fields) is True


def _fits_chat_only(fields: Fields) -> bool:
    if "input" in fields or "contents" in fields or not _CHAT_ONLY.isdisjoint(fields):
        return True
    return "tools" in fields and b'"function"' in bytes(fields["tools"]) and not _declares(fields)


def _declares(fields: Fields) -> bool:
    """Whether tools are declared as Anthropic has them."""
    said = bytes(fields.get("tools", b""))
    if b'"input_schema"' not in said:
        return False
    try:
        listed = _tools.decode(said)
    except msgspec.MsgspecError:
        return False
    if any(tool.function is not msgspec.UNSET for tool in listed):
        return False
    return any(isinstance(tool.name, str) and tool.input_schema is not msgspec.UNSET for tool in listed)


def _blocks(fields: Fields) -> bool | None:
    """True if messages hold what only Anthropic has, False if they hold what only chat has; None if neither."""
    try:
        listed = _messages.decode(fields["messages"])
    except msgspec.MsgspecError:
        return False
    found: bool | None = None
    for message in listed:
        if message.role in _CHAT_ROLES or message.tool_calls is not msgspec.UNSET:
            return False
        for block in message.content if isinstance(message.content, list) else ():
            if block.type in _CHAT_BLOCKS:
                return False
            found = found or (True if block.type in _ANTHROPIC_BLOCKS else None)
    return found
