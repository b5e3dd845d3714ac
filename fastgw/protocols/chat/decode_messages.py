"""The messages of a chat request as turns of the hub."""

import msgspec

from fastgw.protocols import strict, toplevel
from fastgw.protocols.chat import carriers, media, wire
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Document,
    Image,
    Opaque,
    Part,
    Refused,
    Role,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed, untagged

_messages = msgspec.json.Decoder(list[wire.Message])
_string = msgspec.json.Decoder(str)
_encode = msgspec.json.encode
_PLAIN_ROLES = ("user", "assistant", "system", "developer")


def turns(raw: msgspec.Raw, losses: Losses) -> tuple[Turn, ...]:
    """All messages. Raises `GatewayError` (400) that names the JSON path of the mistake."""
    messages = strict.decode(_messages, raw, "messages", losses)
    if not messages:
        toplevel.refuse("'messages' must hold at least one message.", "messages")
    ids = _Ids()
    return tuple([
        Turn(message.role, (Text(message.content),), name=message.name or "", plain=True)  # type: ignore[arg-type]
        if message.content.__class__ is str and _is_plain(message)
        else _turn(message, f"messages[{at}]", ids, losses)
        for at, message in enumerate(messages)
    ])  # fmt: skip


def _is_plain(message: wire.Message) -> bool:
    """It has a role of its own and words, and nothing beside them, as most messages."""
    return (
        message.role in _PLAIN_ROLES
        and message.cache_control is None
        and message.reasoning_content is None
        and message.reasoning is None
        and not _has_more(message)
    )


class _Ids:
    """Ids of calls: which are of custom tools, and new ones for the old `functions`, which have none: there an answer
    belongs to the last call of its name."""

    def __init__(self) -> None:
        self.custom: set[str] = set()
        self._count = 0
        self._open: dict[str, str] = {}

    def called(self, name: str) -> str:
        self._count += 1
        self._open[name] = f"call_legacy_{self._count}"
        return self._open[name]

    def answered(self, name: str) -> str:
        return self._open.get(name) or self.called(name)


def _turn(message: wire.Message, path: str, ids: _Ids, losses: Losses) -> Turn:
    name = message.name or ""
    if message.role in ("tool", "function"):
        return _result(message, path, ids)
    plain = isinstance(message.content, str)
    content = _content(message.content, path)
    if message.cache_control is not None:
        content = _cached(content, _cache(message.cache_control))
    role: Role = message.role  # type: ignore[assignment]  # the two others are answers of tools
    if role != "assistant":
        _no_reasoning(message, path, losses)
        return Turn(role, tuple(content), name=name, plain=plain)
    if message.annotations:
        # No provider takes them back.
        losses.drop(f"{path}.annotations")
    parts: list[Part] = [*_thoughts(message), *_signed(content, message.extra_content)]
    if message.refusal:
        parts.append(Refused(message.refusal))
    if message.audio is not None:
        parts.append(Opaque("chat", "audio", _encode({"id": message.audio.id}).decode(), f"{path}.audio"))
    for at, image in enumerate(message.images or ()):
        parts.append(_image(image.image_url, f"{path}.images[{at}]", _cache(image.cache_control)))
    for at, call in enumerate(message.tool_calls or ()):
        parts.append(_call(call, path, at))
        if call.custom is not None:
            ids.custom.add(call.id)
    if message.function_call is not None:
        called = message.function_call
        parts.append(ToolCall(ids.called(called.name), called.name, _arguments(called, path, "function_call")))
    return Turn("assistant", tuple(parts), name=name, plain=plain)


def _no_reasoning(message: wire.Message, path: str, losses: Losses) -> None:
    """Only the assistant reasons: what another role claims to have thought or called is left out."""
    if not _has_more(message):
        return
    for field in ("reasoning_content", "reasoning", "reasoning_signature", "reasoning_details", "thinking_blocks",
                  "refusal", "audio", "images", "tool_calls", "function_call", "extra_content",
                  "annotations", "tool_call_id"):  # fmt: skip
        if getattr(message, field):
            losses.drop(f"{path}.{field}")


def _has_more(message: wire.Message) -> bool:
    """Something that only the assistant may say."""
    return bool(
        message.reasoning_content or message.reasoning or message.reasoning_signature or message.reasoning_details
        or message.thinking_blocks or message.refusal or message.audio or message.images or message.tool_calls
        or message.function_call or message.extra_content or message.annotations or message.tool_call_id
    )  # fmt: skip


def _content(content: str | list[wire.Part] | None, path: str) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)]
    return [
        Text(part.text)
        if part.__class__ is wire.TextPart and part.cache_control is None and part.prompt_cache_breakpoint is None
        else _part(part, f"{path}.content[{at}]")
        for at, part in enumerate(content)
    ]


def _part(part: wire.Part, path: str) -> Part:  # noqa: PLR0911  one arm for each kind
    cache = _cache(part.cache_control) or (Cache() if part.prompt_cache_breakpoint else None)
    match part:
        case wire.TextPart():
            return Text(part.text, cache)
        case wire.RefusalPart():
            return Refused(part.refusal)
        case wire.ImagePart():
            return _image(part.image_url, path, cache)
        case wire.VideoPart():
            video = part.video_url if isinstance(part.video_url, wire.ImageUrl) else wire.ImageUrl(part.video_url)
            return Video(media.source(video.url, f"{path}.video_url.url"))
        case wire.AudioPart():
            sound = part.input_audio
            if sound.data.startswith(("data:", "http:", "https:")):
                # Qwen takes URLs here (help.aliyun.com, Qwen-Omni, 2026-08).
                return Audio(media.source(sound.data, f"{path}.input_audio.data"))
            return Audio(Source(media_type=media.audio_type(sound.format), data=sound.data))
        case wire.FilePart():
            return _document(part.file, f"{path}.file", cache)


def _image(given: wire.ImageUrl | str, path: str, cache: Cache | None) -> Image:
    image = given if isinstance(given, wire.ImageUrl) else wire.ImageUrl(given)
    return Image(media.source(image.url, f"{path}.image_url.url"), image.detail or "", cache)


def _document(file: wire.FileData, path: str, cache: Cache | None) -> Document:
    if file.file_data:
        bare = not file.file_data[:8].lower().startswith(("data:", "http:", "https:"))
        # OpenAI's own clients send a data URL; bare base64 is read as what the bytes show.
        found = Source(data=file.file_data) if bare else media.source(file.file_data, f"{path}.file_data")
        if file.format and not found.media_type:
            found = Source(file.format, found.url, found.data)
    elif file.file_id:
        found = Source(url=file.file_id) if "://" in file.file_id else Source(file_id=file.file_id)
    else:
        toplevel.refuse(f"'{path}' needs 'file_data' or 'file_id'.", path)
    return Document(found, file.filename or "", cache=cache)


def _cache(given: wire.CacheControl | None) -> Cache | None:
    if given is None:
        return None
    return Cache("1h" if given.ttl == "1h" else "5m" if given.ttl == "5m" else "")


def _cached(parts: list[Part], cache: Cache | None) -> list[Part]:
    for at in range(len(parts) - 1, -1, -1):
        part = parts[at]
        if isinstance(part, Text | Image | Document) and part.cache is None:
            return [*parts[:at], msgspec.structs.replace(part, cache=cache), *parts[at + 1 :]]
    return parts


def _signed(content: list[Part], extra: wire.Extra | None) -> list[Part]:
    """The content with the signature of its text, which Google's endpoint puts beside it."""
    seal = _google_seal(extra)
    for at in range(len(content) - 1, -1, -1):
        part = content[at]
        if seal is not None and isinstance(part, Text):
            return [*content[:at], msgspec.structs.replace(part, sealed=seal), *content[at + 1 :]]
    return [*content, Text("", sealed=seal)] if seal is not None else content


def _google_seal(extra: wire.Extra | None) -> Sealed | None:
    if extra is None or extra.google is None or not extra.google.thought_signature:
        return None
    return untagged(extra.google.thought_signature, carriers.GOOGLE)


def _thoughts(message: wire.Message) -> list[Thought]:
    """Reasoning from the richest of its carriers; clients that keep every field send the same words in several."""
    if message.reasoning_details:
        return carriers.thoughts(message.reasoning_details)
    if message.thinking_blocks:
        return carriers.thoughts(message.thinking_blocks)
    text = message.reasoning_content if message.reasoning_content is not None else message.reasoning
    if message.reasoning_signature:
        return [Thought(text or "", untagged(message.reasoning_signature, carriers.ANYBODY))]
    return [] if text is None else [Thought(text)]


def _call(call: wire.Call, path: str, at: int) -> ToolCall:
    cache, seal = _cache(call.cache_control), _google_seal(call.extra_content)
    if call.custom is not None:
        return ToolCall(call.id, call.custom.name, call.custom.input, custom=True, sealed=seal, cache=cache)
    if call.function is None:
        missing = f"{path}.tool_calls[{at}].function"
        toplevel.refuse(f"Missing required parameter: '{missing}'.", missing)
    arguments = _arguments(call.function, path, "tool_calls", at)
    return ToolCall(call.id, call.function.name, arguments, sealed=seal, cache=cache)


def _arguments(function: wire.Function, path: str, field: str, at: int | None = None) -> str:
    """The JSON text of the arguments: in a string, or, from some clients, as the object itself."""
    raw = bytes(function.arguments)
    if raw.startswith(b'"'):
        try:
            return _string.decode(raw)
        except msgspec.MsgspecError:
            where = f"{path}.{field}" if at is None else f"{path}.{field}[{at}].function"
            arguments: str = toplevel.typed(_string, raw, f"{where}.arguments")
            return arguments
    return "" if raw == b"null" else raw.decode()


def _result(message: wire.Message, path: str, ids: _Ids) -> Turn:
    call_id = message.tool_call_id or ""
    if message.role == "function":
        if not message.name:
            toplevel.refuse(f"Missing required parameter: '{path}.name'.", f"{path}.name")
        call_id = ids.answered(message.name)
    elif message.tool_call_id is None:
        toplevel.refuse(f"Missing required parameter: '{path}.tool_call_id'.", f"{path}.tool_call_id")
    parts = tuple([
        Text(part.text) if part.__class__ is Refused else part for part in _content(message.content, path)
    ])  # fmt: skip
    result = ToolResult(
        call_id,
        parts,  # type: ignore[arg-type]  # a message's content holds no other parts
        name=message.name or "",
        custom=call_id in ids.custom,
        cache=_cache(message.cache_control),
    )
    return Turn("tool", (result,), plain=isinstance(message.content, str))
