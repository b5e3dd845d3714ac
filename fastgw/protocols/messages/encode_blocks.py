"""Parts of a conversation as content blocks."""

import base64
from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import (
    Audio,
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
from fastgw.protocols.messages.citations import replayed
from fastgw.protocols.messages.encode_tools import mark
from fastgw.protocols.messages.version import USER_CITATIONS_END

NAME = "messages"
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""Those that the API takes (reference, 2026-11)."""
ERROR_UNSAID = "The tool failed without a message."
"""The API wants words of a tool that failed (reference, 2026-11)."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode
_EMPTY_OBJECT = msgspec.Raw(b"{}")


class Blocks:
    """Makes the blocks for one lane."""

    def __init__(self, origin: str, target: Target, losses: Losses) -> None:
        self._own = origin == NAME
        self._family = target.family
        self._abilities = target.abilities
        self._losses = losses
        self._path = field_of(origin, "turns")
        self._cites = field_of(origin, "citations")

    def kept(self, part: Part, *, assistant: bool) -> bool:
        """Whether anything of the part is sent. Reasoning that the lane's family cannot read is left out by design."""
        kind = part.__class__
        if kind is ToolCall or kind is ToolResult:
            return True
        match part:
            case Text() | Refused():
                return bool(part.text) and not part.text.isspace()
            case Thought():
                return assistant and self._thought(part) is not None
            case Opaque():
                if part.dialect != NAME:
                    self._losses.opaque(part)
                    return False
                return True
            case _:
                return True

    def of(self, part: Part, *, assistant: bool) -> list[dict[str, Any]]:  # noqa: PLR0911  one arm for each part
        """The block of a part that is `kept`. Raises `GatewayError` (400) for what no block can hold."""
        match part:
            case Text():
                return [self._text(part, assistant=assistant)]
            case ToolCall():
                made = {
                    "type": "tool_use", "id": tool_id(part.id, "toolu_"), "name": part.name, "input": _input(part)
                }  # fmt: skip
                return [mark(made, part.cache)]
            case ToolResult():
                return [self._result(part)]
            case Refused():
                return [{"type": "text", "text": part.text}]
            case Thought():
                block = self._thought(part)
                return [block] if block else []
            case Image():
                return [mark({"type": "image", "source": self._image_source(part)}, part.cache)]
            case Document():
                return [self._document(part)]
            case Opaque():
                return [dict(_object.decode(part.raw))]
            case Audio():
                self._losses.refuse(self._path, "it hears no sound. Ask a model that takes audio.")
            case Video():
                self._losses.refuse(self._path, "it sees no films. Ask a model that takes video.")

    def _text(self, part: Text, *, assistant: bool) -> dict[str, Any]:
        block: dict[str, Any] = {"type": "text", "text": part.text}
        if part.citations:
            cites = replayed(part.citations)
            if cites and (assistant or self._abilities.version < USER_CITATIONS_END):
                block["citations"] = cites
            if len(block.get("citations", ())) < len(part.citations):
                self._losses.drop(f"{self._path}.{self._cites}")
        return mark(block, part.cache)

    def _thought(self, part: Thought) -> dict[str, Any] | None:
        sealed = part.sealed
        if sealed is not None and sealed.family == self._family:
            if part.redacted:
                return {"type": "redacted_thinking", "data": sealed.data}
            return {"type": "thinking", "thinking": part.text, "signature": sealed.data}
        text = part.text or "\n\n".join(part.summaries)
        if text and self._abilities.echo_reasoning:
            return {"type": "thinking", "thinking": text, "signature": ""}
        return None

    def _result(self, part: ToolResult) -> dict[str, Any]:
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": tool_id(part.call_id, "toolu_")}
        parts = [inner for inner in part.parts if not isinstance(inner, Text) or inner.text.strip()]
        only = parts[0] if len(parts) == 1 else None
        if isinstance(only, Text) and only.cache is None and not only.citations:
            block["content"] = only.text
        elif parts:
            block["content"] = [made for inner in parts for made in self.of(inner, assistant=False)]
        elif part.is_error and not self._own:
            block["content"] = ERROR_UNSAID
        if part.is_error is not None:
            block["is_error"] = part.is_error
        return mark(block, part.cache)

    def _image_source(self, part: Image) -> dict[str, Any]:
        if not self._abilities.image_input:
            self._losses.refuse(self._path, "it sees no pictures. Ask a model that takes images.")
        if part.detail and part.detail != "auto":
            self._losses.drop(f"{self._path}.detail")
        source = part.source
        if source.data:
            media_type = media_type_of(source)
            if media_type not in IMAGE_TYPES:
                self._losses.refuse(
                    self._path, f"a picture of type '{media_type}' is not taken. Send JPEG, PNG, GIF or WebP."
                )
            return {"type": "base64", "media_type": media_type, "data": source.data}
        return self._elsewhere(source, fetches=self._abilities.image_url)

    def _elsewhere(self, source: Source, *, fetches: bool) -> dict[str, Any]:
        """A source that is not in the request."""
        if source.file_id:
            if not self._own:
                self._losses.refuse(self._path, "a file kept by another provider cannot be read. Send its bytes.")
            return {"type": "file", "file_id": source.file_id}
        if not fetches or not source.url.startswith(("https://", "http://")):
            self._losses.refuse(self._path, "it cannot fetch that URL. Send the bytes as base64.")
        return {"type": "url", "url": source.url}

    def _document(self, part: Document) -> dict[str, Any]:
        if not self._abilities.document_input:
            self._losses.refuse(self._path, "it reads no documents. Send their text.")
        block: dict[str, Any] = {"type": "document", "source": self._document_source(part)}
        if part.filename:
            block["title"] = part.filename
        if part.context:
            block["context"] = part.context
        if part.citations is not None:
            block["citations"] = {"enabled": part.citations}
        return mark(block, part.cache)

    def _document_source(self, part: Document) -> dict[str, Any]:
        if part.text is not None:
            return {"type": "text", "media_type": "text/plain", "data": part.text}
        source = part.source
        if not source.data:
            return self._elsewhere(source, fetches=self._abilities.document_url)
        media_type = media_type_of(source)
        if media_type == "application/pdf" or (not media_type and part.filename.lower().endswith(".pdf")):
            return {"type": "base64", "media_type": "application/pdf", "data": source.data}
        text = _as_text(source.data) if media_type.startswith("text/") or media_type in _TEXTUAL else None
        if text is None:
            self._losses.refuse(self._path, f"a document of type '{media_type}' is not taken. Send a PDF, or its text.")
        return {"type": "text", "media_type": "text/plain", "data": text}


_TEXTUAL = ("application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript")


def _as_text(data: str) -> str | None:
    try:
        return base64.b64decode(data).decode()
    except ValueError:
        return None


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
