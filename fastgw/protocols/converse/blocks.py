"""One block of an answer, whole or piece by piece, as events."""

from typing import Any

import msgspec

from fastgw.protocols.hub import events
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Cite, Event, Kind, Seal
from fastgw.protocols.hub.sealed import Sealed

_ABSENT = msgspec.Raw(b"")
_NOTHING = (b"", b"null", b"{}")


class _ToolInput(msgspec.Struct):
    input: str = ""


class _ReasoningDelta(msgspec.Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Bytes(msgspec.Struct):
    bytes: str = ""


class Picture(msgspec.Struct):
    """A picture, or a piece of one."""

    format: str = ""
    source: _Bytes | None = None

    @property
    def media_type(self) -> str:
        """Like `image/png`, empty when nobody said."""
        return f"image/{self.format}" if self.format else ""

    @property
    def data(self) -> str:
        """Base64, maybe empty."""
        return self.source.bytes if self.source is not None else ""


class Delta(msgspec.Struct, rename="camel"):
    """A piece of a block: exactly one field is set."""

    text: str | None = None
    tool_use: _ToolInput | None = None
    reasoning_content: _ReasoningDelta | None = None
    image: Picture | None = None
    citation: msgspec.Raw = _ABSENT


class _ToolUse(msgspec.Struct, rename="camel"):
    tool_use_id: str = ""
    name: str = ""
    input: msgspec.Raw = _ABSENT


class _ReasoningText(msgspec.Struct):
    text: str = ""
    signature: str | None = None


class _Reasoning(msgspec.Struct, rename="camel"):
    reasoning_text: _ReasoningText | None = None
    redacted_content: str | None = None


class _Words(msgspec.Struct):
    text: str = ""


class _Cited(msgspec.Struct):
    content: list[_Words] = []
    citations: list[msgspec.Raw] = []


class Content(msgspec.Struct, rename="camel"):
    """A whole block: exactly one field is set."""

    text: str | None = None
    tool_use: _ToolUse | None = None
    reasoning_content: _Reasoning | None = None
    citations_content: _Cited | None = None
    image: Picture | None = None


class _Web(msgspec.Struct):
    url: str = ""


class _Place(msgspec.Struct, rename="camel"):
    document_index: int = 0
    start: int = 0
    end: int = 0


class _Location(msgspec.Struct, rename="camel"):
    web: _Web | None = None
    document_char: _Place | None = None
    document_page: _Place | None = None
    document_chunk: _Place | None = None


class _Citation(msgspec.Struct, rename="camel"):
    title: str = ""
    source_content: list[_Words] = []
    location: _Location | None = None


_citation = msgspec.json.Decoder(_Citation)


def kind_of(delta: Delta) -> Kind | None:
    """The kind of block that a piece belongs to; None where it does not tell."""
    if delta.text is not None:
        return Kind.TEXT
    if delta.tool_use is not None:
        return Kind.TOOL_CALL
    if delta.image is not None:
        return Kind.IMAGE
    if delta.reasoning_content is not None:
        return Kind.REDACTED if delta.reasoning_content.redacted_content is not None else Kind.REASONING
    return None


def opened(content: Content, at: int, family: str, written: int) -> "Block | None":
    """A whole block with everything but its end; None for a kind that means nothing to a caller."""
    reasoning = content.reasoning_content
    if content.tool_use is not None:
        call = content.tool_use
        block = Block(BlockStart(at, Kind.TOOL_CALL, call.tool_use_id, call.name), family, written)
        given = bytes(call.input)
        block.write("" if given in _NOTHING else given.decode("utf-8"), block.events)
    elif reasoning is not None and reasoning.reasoning_text is not None:
        block = Block(BlockStart(at, Kind.REASONING), family, written)
        block.write(reasoning.reasoning_text.text, block.events)
        block.sign(reasoning.reasoning_text.signature, block.events)
    elif reasoning is not None:
        block = Block(BlockStart(at, Kind.REDACTED), family, written)
        block.sign(reasoning.redacted_content, block.events)
    elif content.image is not None:
        block = Block(BlockStart(at, Kind.IMAGE, media_type=content.image.media_type), family, written)
        block.write(content.image.data, block.events)
    elif content.citations_content is not None:
        block = Block(BlockStart(at, Kind.TEXT), family, written)
        block.write("".join(words.text for words in content.citations_content.content), block.events)
        for raw in content.citations_content.citations:
            block.cite(raw)
    elif content.text is not None:
        block = Block(BlockStart(at, Kind.TEXT), family, written)
        block.write(content.text, block.events)
    else:
        return None
    block.events.insert(0, block.start)
    return block


class Block:
    """Gathers what only the end of the block settles."""

    __slots__ = ("_at", "_cites", "_family", "_from", "events", "kind", "start", "written")

    def __init__(self, start: BlockStart, family: str, written: int) -> None:
        self.start = start
        self.kind = start.kind
        self.events: list[Event] = []
        """What a whole block gave away."""
        self.written = written
        """Characters of answer text up to here."""
        self._at = start.at
        self._family = family
        self._from = written
        self._cites: list[bytes] = []

    def take(self, delta: Delta, out: list[Event]) -> None:
        """A piece of it."""
        if delta.text is not None:
            self.write(delta.text, out)
        elif delta.tool_use is not None:
            self.write(delta.tool_use.input, out)
        elif delta.reasoning_content is not None:
            said = delta.reasoning_content
            self.write(said.text or "", out)
            self.sign(said.signature or said.redacted_content, out)
        elif delta.image is not None:
            self.write(delta.image.data, out)
        elif delta.citation:
            self.cite(delta.citation)

    def write(self, text: str, out: list[Event]) -> None:
        """Words of it."""
        if text:
            if self.kind is Kind.TEXT:
                self.written += len(text)
            out.append(events.Delta(self._at, text))

    def sign(self, data: str | None, out: list[Event]) -> None:
        """Its signature."""
        if data:
            out.append(Seal(self._at, Sealed(self._family, data)))

    def cite(self, raw: msgspec.Raw) -> None:
        """A citation; which text it covers is known at the end."""
        self._cites.append(bytes(raw))

    def end(self) -> list[Event]:
        """What is left to say, and the end."""
        out: list[Event] = []
        for raw in self._cites:
            try:
                out.append(Cite(self._at, self._cited(_citation.decode(raw))))
            except msgspec.MsgspecError:
                continue
        out.append(BlockEnd(self._at))
        return out

    def _cited(self, said: _Citation) -> Citation:
        text = "".join(words.text for words in said.source_content)
        where = said.location or _Location()
        if where.web is not None:
            # The whole block is what it covers.
            return Citation("url", where.web.url, said.title, text, self._from, self.written)
        units: tuple[tuple[Any, Any], ...] = (
            (where.document_char, "char"),
            (where.document_page, "page"),
            (where.document_chunk, "block"),
        )
        for place, unit in units:
            if place is not None:
                return Citation("document", "", said.title, text, place.start, place.end, place.document_index, unit)
        return Citation("document", "", said.title, text)
