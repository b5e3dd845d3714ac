"""Parts of the hub as content of chat messages."""

from collections.abc import Sequence
from typing import Any

from fastgw.protocols.chat import media
from fastgw.protocols.chat.encode_tools import cache_control
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Conversation,
    Document,
    Image,
    Opaque,
    Part,
    Refused,
    Source,
    Text,
    ToolResult,
    Video,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.target import Target

Content = str | list[Any]

ERROR_MARK = "Error: "
"""Stands before a failed tool's words: chat has no flag for it."""
_BETWEEN = "\n\n"
"""Between blocks of text that other dialects keep apart; only some compatible providers take a list of them."""


class Parts:
    """Writes the parts of one conversation for one lane."""

    def __init__(self, conversation: Conversation, target: Target, losses: Losses) -> None:
        self._origin = conversation.origin
        self._own = conversation.origin == "chat"
        self._target = target
        self._abilities = target.abilities
        self._losses = losses
        self._turns = field_of(conversation.origin, "turns")
        self._cites = field_of(conversation.origin, "citations")

    def content(self, parts: Sequence[Part], *, plain: bool, between: str = _BETWEEN) -> Content:
        """The content of a message: a string where the caller sent one, or where no more is needed."""
        if len(parts) == 1:
            only = parts[0]
            if isinstance(only, Text) and (plain or not (self._own or only.citations)) and not self._marked(only):
                return only.text
        if not self._own:
            parts = [self._as_text(part) for part in parts if not (isinstance(part, Text) and not part.text)]
            if all(isinstance(part, Text) and not self._marked(part) for part in parts):
                return between.join(self._words(part) for part in parts if isinstance(part, Text))
        made = [one for part in parts if (one := self.one(part)) is not None]
        return made if made or self._own else ""

    def one(self, part: Part) -> dict[str, Any] | None:  # noqa: PLR0911  one arm for each kind
        """One part, None for what only another dialect knows (a loss)."""
        match part:
            case Text():
                return {"type": "text", "text": self._words(part)} | self.cached(part.cache)
            case Image():
                return self._image(part)
            case Document():
                return self._document(part)
            case Audio():
                if not self._abilities.audio_input:
                    self._losses.refuse(self._turns, "it cannot hear. Send the words instead.")
                if part.source.url and not self._own:
                    self._losses.refuse(self._turns, "it takes sound only as base64.")
                data = part.source.url or part.source.data
                return {"type": "input_audio", "input_audio": {"data": data, "format": media.audio_format(part.source)}}
            case Video():
                if not self._abilities.video_input:
                    self._losses.refuse(self._turns, "it cannot see videos. Send pictures or words instead.")
                return {"type": "video_url", "video_url": {"url": self._url(part.source, "video/mp4", "a video")}}
            case Refused():
                return {"type": "refusal", "refusal": part.text} if self._own else {"type": "text", "text": part.text}
            case Opaque():
                self.lose(part)
        return None

    def result(self, result: ToolResult, *, plain: bool) -> tuple[Content, list[Any]]:
        """A tool's answer: what its message holds, and what must follow in a message of the user."""
        inside: list[Part] = []
        beside: list[Any] = []
        for part in result.parts:
            if isinstance(part, Text) or (isinstance(part, Document) and part.text is not None):
                inside.append(part)
            elif self._abilities.tool_images:
                inside.append(part)
            elif (one := self.one(part)) is not None:
                beside.append(one)
        if result.is_error:
            inside = _as_error(inside)
        return self.content(inside, plain=plain), beside

    def cached(self, cache: Cache | None) -> dict[str, Any]:
        """The breakpoint behind a part, if the lane takes any."""
        return {"cache_control": cache_control(cache)} if cache is not None and self._abilities.cache_control else {}

    def lose(self, part: Opaque) -> None:
        """Leave out a part that only another dialect knows."""
        self._losses.opaque(part)

    def _marked(self, part: Part) -> bool:
        return isinstance(part, Text) and part.cache is not None and self._abilities.cache_control

    def _words(self, part: Text) -> str:
        if part.citations:
            self._losses.drop(f"{self._turns}.{self._cites}")
        return part.text

    def _image(self, part: Image) -> dict[str, Any]:
        if not self._abilities.image_input:
            self._losses.refuse(self._turns, "it cannot see pictures. Describe them, or choose another model.")
        if part.source.url and not self._abilities.image_url:
            self._losses.refuse(self._turns, "it does not fetch pictures. Send them as base64.")
        where = {"url": self._url(part.source, "image/png", "a picture")}
        detail = {"detail": part.detail} if part.detail else {}
        return {"type": "image_url", "image_url": where | detail} | self.cached(part.cache)

    def _document(self, part: Document) -> dict[str, Any]:
        text = self._as_text(part)
        if isinstance(text, Text):
            return {"type": "text", "text": text.text} | self.cached(text.cache)
        if part.citations:
            self._losses.drop(f"{self._turns}.{self._cites}")
        if not self._abilities.document_input:
            self._losses.refuse(self._turns, "it cannot read documents. Send their text.")
        if part.context:
            self._losses.drop(f"{self._turns}.context")
        file: dict[str, str] = {}
        if part.source.file_id:
            if not (self._own or (self._origin == "responses" and self._target.family == "openai")):
                self._losses.refuse(self._turns, "it does not have this file. Send its content.")
            file["file_id"] = part.source.file_id
        else:
            if part.source.url and not (self._abilities.document_url or self._own):
                self._losses.refuse(self._turns, "it does not fetch documents. Send them as base64.")
            file["file_data"] = self._url(part.source, "application/pdf", "a document")
        if part.filename:
            file["filename"] = part.filename
        elif "file_data" in file and not self._own:
            # OpenAI demands a name beside the data (its own error message, 2025).
            file["filename"] = "document.pdf"
        return {"type": "file", "file": file} | self.cached(part.cache)

    def _as_text(self, part: Part) -> Part:
        """A document of plain text as the words that it holds; chat has no part for it."""
        if not isinstance(part, Document) or part.text is None:
            return part
        if part.citations:
            self._losses.drop(f"{self._turns}.{self._cites}")
        name = f' name="{part.filename}"' if part.filename else ""
        context = f"{part.context}\n" if part.context else ""
        return Text(f"{context}<document{name}>\n{part.text}\n</document>", part.cache)

    def _url(self, source: Source, fallback: str, what: str) -> str:
        if source.file_id:
            self._losses.refuse(self._turns, f"{what} that another provider keeps is out of its reach. Send the bytes.")
        if source.url and not self._own and not source.url[:8].lower().startswith(("http://", "https://")):
            self._losses.refuse(self._turns, f"it cannot reach the address of {what}. Send the bytes.")
        return media.url(source, fallback)


def _as_error(parts: list[Part]) -> list[Part]:
    for at, part in enumerate(parts):
        if isinstance(part, Text):
            if part.text[:5].lower() == "error":
                return parts
            return [*parts[:at], Text(ERROR_MARK + part.text, part.cache), *parts[at + 1 :]]
    return [Text(ERROR_MARK.rstrip(": ")), *parts]
