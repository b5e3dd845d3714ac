"""Parts of a caller's contents as parts of the hub."""

from collections.abc import Sequence

import msgspec

from fastgw.protocols.gemini import seals, wire
from fastgw.protocols.gemini.spelling import camel, respelled
from fastgw.protocols.hub.conversation import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Video,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.strict import decode
from fastgw.protocols.toplevel import refuse

MINTED = "call_auto_"
"""Ids that are made here for calls without one, numbered over the history; they never leave towards Gemini."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_string = msgspec.json.Decoder(str)
_media_parts = msgspec.json.Decoder(list[wire.FunctionResponsePart])
_encode = msgspec.json.Encoder().encode

_VIDEO_HOSTS = ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/", "https://m.youtube.com/")
_FILES = ("https://generativelanguage.googleapis.com/", "files/")
_EXTENSIONS = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "heic": "image/heic", "heif": "image/heif", "pdf": "application/pdf", "txt": "text/plain", "mp4": "video/mp4",
    "mov": "video/quicktime", "webm": "video/webm", "mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg",
    "flac": "audio/flac", "m4a": "audio/mp4",
}  # fmt: skip

Medium = Image | Document | Audio | Video


class Calls:
    """The calls of a history, so that each result finds its own: by id, else by name in the order of the calls."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []
        self._minted = 0

    def called(self, given: str | None, name: str) -> str:
        """The id of a call."""
        call_id = given or self._mint()
        self._open.append((call_id, name))
        return call_id

    def answered(self, given: str | None, name: str) -> str:
        """The id of the call that a result answers."""
        found = next((each for each in self._open if each[0] == given), None)
        if found is None:
            unnamed = (each for each in self._open if each[1] == name and (not given or each[0].startswith(MINTED)))
            found = next(unnamed, None)
        if found is None:
            return given or self._mint()
        self._open.remove(found)
        return found[0]

    def _mint(self) -> str:
        self._minted += 1
        return f"{MINTED}{self._minted}"


def parts_of(
    parts: Sequence[wire.Part | wire.UsualPart], role: str, path: str, calls: Calls, losses: Losses
) -> list[Part]:
    """The parts of one content, what stands beside each right behind it."""
    made: list[Part] = []
    for number, part in enumerate(parts):
        call, result = part.function_call, part.function_response
        if part.__class__ is not wire.UsualPart or part.thought is not None or part.thought_signature is not None:
            made += _part(_whole(part), role, f"{path}[{number}]", calls, losses)
        elif call is None and result is None:
            if part.text is not None:
                made.append(Text(part.text))
        elif part.text is not None or (call is not None and result is not None):
            made += _part(_whole(part), role, f"{path}[{number}]", calls, losses)
        elif call is not None:
            made.append(_call(call, calls, None))
        elif result is not None:
            beside: dict[str, bytes | msgspec.Raw] = {}
            made.append(_result(result, f"{path}[{number}]", calls, losses, beside))
            made += _marks(beside, f"{path}[{number}]")
    return made


def _whole(part: wire.Part | wire.UsualPart) -> wire.Part:
    if isinstance(part, wire.Part):
        return part
    return wire.Part(
        part.text, part.thought, part.thought_signature, None, None, part.function_call, part.function_response
    )


def _marks(beside: dict[str, bytes | msgspec.Raw], path: str) -> list[Opaque]:
    return [Opaque("gemini", name, bytes(value).decode(), f"{path}.{name}") for name, value in beside.items()]


def _part(part: wire.Part, role: str, path: str, calls: Calls, losses: Losses) -> list[Part]:
    if part.text is not None and part.thought is None and part.thought_signature is None and not _more(part):
        return [Text(part.text)]
    beside: dict[str, bytes | msgspec.Raw] = {}
    data = [name for name in _DATA if getattr(part, name) is not None]
    if len(data) > 1:
        refuse(f"'{path}' must hold one of {', '.join(_DATA)}, not several.", path)
    if part.thought and (role != "assistant" or data not in ([], ["text"])):
        # What a user calls the model's reasoning is not taken for it, and its drafts of pictures are not shown.
        losses.drop(f"{path}.thought")
        if not part.function_call and not part.function_response:
            return []
    made = _one(part, role, path, calls, losses, beside)
    if part.thought_signature and isinstance(made, Image | Document | Audio | Video | ToolResult):
        beside["thoughtSignature"] = _encode(part.thought_signature)
    for name, field in _BESIDE:
        if wire.given(value := getattr(part, field)):
            beside[name] = value
    return [*([] if made is None else [made]), *_marks(beside, path)]


def _call(call: wire.FunctionCall, calls: Calls, sealed: Sealed | None) -> ToolCall:
    arguments = bytes(call.args).decode() if wire.given(call.args) else ""
    return ToolCall(calls.called(call.id, call.name), call.name, arguments, sealed=sealed)


def _one(
    part: wire.Part, role: str, path: str, calls: Calls, losses: Losses, beside: dict[str, bytes | msgspec.Raw]
) -> Part | None:
    sealed, redacted = seals.read(part.thought_signature)
    if part.function_call is not None:
        return _call(part.function_call, calls, sealed)
    if part.function_response is not None:
        return _result(part.function_response, path, calls, losses, beside)
    if part.inline_data is not None or part.file_data is not None:
        return medium(part.inline_data, part.file_data, beside)
    if opaque := _opaque(part, path):
        return opaque
    if part.thought or (sealed and sealed.family != seals.FAMILY and not part.text and role == "assistant"):
        return Thought(part.text or "", sealed, redacted)
    return Text(part.text or "", sealed=sealed) if part.text is not None or sealed is not None else None


_DATA = ("text", "function_call", "function_response", "inline_data", "file_data")
_FIELDS = {field.encode_name: field.name for field in msgspec.structs.fields(wire.Part)}
_BESIDE = [(name, _FIELDS[name]) for name in wire.BESIDE if name in _FIELDS and name != "thoughtSignature"]
_OPAQUE = [(name, _FIELDS[name]) for name in wire.OPAQUE_PARTS]
_ELSE = tuple(field for name, field in _FIELDS.items() if field not in ("text", "thought", "thought_signature"))


def _more(part: wire.Part) -> bool:
    """There is something beside a text."""
    for field in _ELSE:
        value = getattr(part, field)
        if value is not None and value is not wire.ABSENT:
            return True
    return False


def _opaque(part: wire.Part, path: str) -> Opaque | None:
    for name, field in _OPAQUE:
        if wire.given(value := getattr(part, field)):
            whole: dict[str, object] = {name: value}
            if part.thought_signature:
                whole["thoughtSignature"] = part.thought_signature
            return Opaque("gemini", name, _encode(whole).decode(), f"{path}.{name}")
    return None


def medium(blob: wire.Blob | None, file: wire.FileData | None, beside: dict[str, bytes | msgspec.Raw]) -> Medium:
    """A picture, sound, film or document, by its media type. `beside` gets its name where the hub has no place."""
    if blob is not None:
        source, name, kind = Source(blob.mime_type, data=blob.data), blob.display_name, "inlineData"
    else:
        file = file or wire.FileData()
        source, name, kind = _elsewhere(file), file.display_name, "fileData"
    family = source.media_type.partition("/")[0].lower()
    if family not in ("image", "audio", "video"):
        return Document(source, filename=name or "")
    if name is not None:
        beside[f"{kind}.displayName"] = _encode(name)
    return Image(source) if family == "image" else Audio(source) if family == "audio" else Video(source)


def _elsewhere(file: wire.FileData) -> Source:
    uri = file.file_uri
    ending = uri.partition("?")[0].rpartition(".")[2].lower()
    media_type = file.mime_type or ("video/mp4" if uri.startswith(_VIDEO_HOSTS) else _EXTENSIONS.get(ending, ""))
    if uri.startswith(_FILES):
        return Source(media_type, file_id=uri)
    return Source(media_type, url=uri)


def _result(
    answer: wire.FunctionResponse, path: str, calls: Calls, losses: Losses, beside: dict[str, bytes | msgspec.Raw]
) -> ToolResult:
    raw = bytes(answer.response) if wire.given(answer.response) else b""
    text, is_error = said(raw)
    media: list[Medium] = []
    if wire.given(answer.parts):
        inner = respelled(answer.parts, wire.FunctionResponsePart)
        name = f"{path}.functionResponse.parts"
        unknown: dict[str, bytes | msgspec.Raw] = {}
        for each in decode(_media_parts, inner, name, losses):
            media.append(medium(each.inline_data, each.file_data, unknown))
            if any(_value_of(each, field) for field in each.__struct_fields__):
                unknown["?"] = b""
        if unknown:
            beside["functionResponse.parts"] = inner
    for field in ("will_continue", "scheduling"):
        if wire.given(value := getattr(answer, field)):
            beside[f"functionResponse.{camel(field)}"] = value
    return ToolResult(
        call_id=calls.answered(answer.id, answer.name),
        parts=(*((Text(text),) if text or not media else ()), *media),
        is_error=is_error,
        name=answer.name,
        raw_object=raw.decode(),
    )


def _value_of(part: wire.FunctionResponsePart, field: str) -> bool:
    value = getattr(part, field)
    return isinstance(value, msgspec.Raw) and wire.given(value)


def said(raw: bytes) -> tuple[str, bool | None]:
    """The words of a `response` object, and whether it is an error.

    Google's keys are `output` and `error` (FunctionResponse, 2026-11), its SDKs' `result`; a lone one of them that
    holds a string says just that. Anything else is given as the JSON text.
    """
    try:
        fields = _object.decode(raw or b"{}")
    except msgspec.MsgspecError:
        return raw.decode(), None
    is_error = True if "error" in fields and bytes(fields["error"]) != b"null" else None
    if not fields:
        return "", None
    if len(fields) == 1:
        key, value = next(iter(fields.items()))
        if key in ("output", "result", "error") and bytes(value).startswith(b'"'):
            return _string.decode(value), is_error
    return raw.decode(), is_error
