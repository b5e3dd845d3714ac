"""Parts of a conversation as content blocks of Converse."""

import base64
import re
from typing import Any, NoReturn

import msgspec

from fastgw.protocols.converse.encode_tools import cache_point
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Document,
    Image,
    Opaque,
    Part,
    Refused,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Video,
)
from fastgw.protocols.hub.ids import tool_id
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.media import media_type_of
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.target import Target

IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
VIDEOS = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
"""What the API takes, by media type (API reference: ImageBlock, VideoBlock, DocumentBlock, read 2026-11-21)."""
ERROR_UNSAID = "The tool failed without a message."
NOTHING_SAID = "(no content)"
"""The content of a result may not be empty."""

_NAME_WRONG = re.compile(r"[^A-Za-z0-9\-()\[\] ]+| {2,}")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_EMPTY_OBJECT = msgspec.Raw(b"{}")

Block = dict[str, Any]


class Blocks:
    """Makes the blocks for one lane."""

    def __init__(self, origin: str, target: Target, losses: Losses) -> None:
        self._family = target.family
        self._abilities = target.abilities
        self._losses = losses
        self._path = field_of(origin, "turns")
        self._cites = field_of(origin, "citations")
        self._documents = 0

    def kept(self, part: Part, *, assistant: bool) -> bool:
        """Whether anything of the part is sent. Reasoning that the lane's family cannot read is left out by design."""
        match part:
            case Text() | Refused():
                return bool(part.text.strip())
            case Thought():
                return assistant and self._thought(part) is not None
            case Opaque():
                self._losses.opaque(part)
                return False
            case _:
                return True

    def of(self, part: Part) -> list[Block]:
        """The blocks of a part that is `kept`. Raises `GatewayError` (400) for what no block can hold."""
        match part:
            case Text():
                if part.citations:
                    self._losses.drop(f"{self._path}.{self._cites}")
                return self._marked({"text": part.text}, part.cache)
            case Refused():
                return [{"text": part.text}]
            case Thought():
                return [thought for thought in (self._thought(part),) if thought]
            case ToolCall():
                call = {"toolUseId": tool_id(part.id, "tooluse_"), "name": part.name, "input": _input(part)}
                return self._marked({"toolUse": call}, part.cache)
            case ToolResult():
                return self._result(part)
            case _:
                assert not isinstance(part, Opaque), "no opaque part is kept"
                return self._marked(self._medium(part), getattr(part, "cache", None))

    def _marked(self, block: Block, cache: Cache | None) -> list[Block]:
        if cache is None:
            return [block]
        if not self._abilities.cache_control:
            self._losses.drop("cache_control")
            return [block]
        return [block, cache_point(cache.ttl)]

    def _thought(self, part: Thought) -> Block | None:
        sealed = part.sealed
        if sealed is not None and sealed.family == self._family:
            if part.redacted:
                return {"reasoningContent": {"redactedContent": sealed.data}}
            return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": sealed.data}}}
        text = part.text or "\n\n".join(part.summaries)
        if text and self._abilities.echo_reasoning:
            return {"reasoningContent": {"reasoningText": {"text": text}}}
        return None

    def _result(self, part: ToolResult) -> list[Block]:
        content: list[Block] = []
        cache = part.cache
        for inner in part.parts:
            if isinstance(inner, Text):
                # Within a result no cache point may stand: it goes behind it.
                cache = cache or inner.cache
                if inner.citations:
                    self._losses.drop(f"{self._path}.{self._cites}")
                if inner.text.strip():
                    content.append({"text": inner.text})
            else:
                cache = cache or getattr(inner, "cache", None)
                content.append(self._medium(inner))
        if not content:
            content = [{"text": ERROR_UNSAID if part.is_error else NOTHING_SAID}]
        result: Block = {"toolUseId": tool_id(part.call_id, "tooluse_"), "content": content}
        if part.is_error is not None:
            result["status"] = "error" if part.is_error else "success"
        return self._marked({"toolResult": result}, cache)

    def _medium(self, part: Image | Document | Audio | Video) -> Block:
        abilities = self._abilities
        match part:
            case Image():
                if not abilities.image_input:
                    self._losses.refuse(self._path, "it sees no pictures. Ask a model that takes images.")
                if part.detail and part.detail != "auto":
                    self._losses.drop(f"{self._path}.detail")
                return {"image": self._bytes(part.source, IMAGES, "Send PNG, JPEG, GIF or WebP.")}
            case Video():
                if not abilities.video_input:
                    self._losses.refuse(self._path, "it sees no films. Ask a model that takes video.")
                return {"video": self._bytes(part.source, VIDEOS, "Send MP4, MOV, MKV or WebM.")}
            case Audio():
                self._losses.refuse(self._path, "it hears no sound. Ask a model that takes audio.")
            case Document():
                if not abilities.document_input:
                    self._losses.refuse(self._path, "it reads no documents. Send their text.")
                return {"document": self._document(part)}

    def _document(self, part: Document) -> Block:
        if part.text is not None:
            made: Block = {"format": "txt"}
            source: Block = {"bytes": base64.b64encode(part.text.encode("utf-8", "replace")).decode("ascii")}
        else:
            given = part.source
            if not given.media_type and part.filename.lower().endswith(".pdf"):
                given = msgspec.structs.replace(given, media_type="application/pdf")
            made = self._bytes(given, DOCUMENTS, "Send a PDF, or its text.")
            source = made.pop("source")
        self._documents += 1
        name = _NAME_WRONG.sub(" ", part.filename.rpartition(".")[0] or part.filename).strip()
        # Names are neither empty nor alike, and are no more than words to the model.
        made["name"] = (
            f"{name[:180] or 'document'} {self._documents}" if self._documents > 1 or not name else name[:200]
        )
        made["source"] = source
        if part.context:
            made["context"] = part.context
        if part.citations:
            made["citations"] = {"enabled": True}
        return made

    def _bytes(self, source: Source, formats: dict[str, str], remedy: str) -> Block:
        if source.file_id:
            self._refuse("a file kept by another provider cannot be read. Send its bytes.")
        if not source.data:
            self._refuse("it cannot fetch that URL. Send the bytes as base64.")
        media_type = media_type_of(source).partition(";")[0].strip().lower()
        if media_type not in formats:
            self._refuse(f"media of type '{media_type}' are not taken. {remedy}")
        return {"format": formats[media_type], "source": {"bytes": source.data}}

    def _refuse(self, why: str) -> NoReturn:
        self._losses.refuse(self._path, why)


def _input(call: ToolCall) -> msgspec.Raw | dict[str, Any]:
    """The arguments: the object as it was written; nothing is `{}`, and what is no object is wrapped."""
    if call.custom:
        return {"input": call.arguments}
    if not call.arguments.strip():
        return _EMPTY_OBJECT
    try:
        _object.decode(call.arguments)
    except (msgspec.MsgspecError, RecursionError):
        return {"_raw": call.arguments}
    return msgspec.Raw(call.arguments.encode())
