"""Blocks of an answer as parts that a caller reads."""

from typing import Any

import msgspec

from fastgw.protocols.gemini import seals
from fastgw.protocols.gemini.encode_parts import as_object
from fastgw.protocols.gemini.wire import OPAQUE_PARTS
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import BlockStart, Kind
from fastgw.protocols.hub.ids import minted, tool_id
from fastgw.protocols.hub.sealed import Sealed

CHARS_MAX = 64 * 1024 * 1024
"""Kept of one block; a picture is the largest known. What is beyond is cut off."""
_PREFIX = "call_"

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Block:
    """One block as far as it has come."""

    __slots__ = ("_chars_max", "_pieces", "_size", "choice", "citations", "id", "kind", "media_type", "name", "sealed")

    def __init__(self, start: BlockStart, exchange_id: str, number: int, chars_max: int = CHARS_MAX) -> None:
        self.kind = start.kind
        self.name = start.name
        self.choice = start.choice
        self.media_type = start.media_type
        self.id = tool_id(start.id, _PREFIX) if start.id else minted(_PREFIX, exchange_id, number)
        self.sealed: Sealed | None = None
        self.citations: list[Citation] = []
        self._pieces: list[str] = []
        self._size = 0
        self._chars_max = chars_max

    def add(self, text: str) -> None:
        """Take one delta."""
        if self._size < self._chars_max:
            self._pieces.append(text)
            self._size += len(text)

    @property
    def text(self) -> str:
        """All deltas together."""
        return "".join(self._pieces)

    def clear(self) -> None:
        """Let the deltas go."""
        self._pieces = []


def part_of(block: Block) -> dict[str, Any] | None:
    """The whole block as one part; None if Google has none for it, or it is empty."""
    part: dict[str, Any]
    match block.kind:
        case Kind.TEXT | Kind.REFUSAL:
            part = {"text": block.text}
        case Kind.REASONING | Kind.REDACTED:
            part = {"text": "" if block.kind is Kind.REDACTED else block.text, "thought": True}
        case Kind.TOOL_CALL:
            arguments = _in_one_line(as_object(block.text))
            part = {"functionCall": {"id": block.id, "name": block.name, "args": arguments}}
        case Kind.CUSTOM_CALL:
            part = {"functionCall": {"id": block.id, "name": block.name, "args": {"input": block.text}}}
        case Kind.IMAGE | Kind.AUDIO:
            kind = block.media_type or ("image/png" if block.kind is Kind.IMAGE else "audio/wav")
            part = {"inlineData": {"mimeType": kind, "data": block.text}}
        case Kind.OPAQUE:
            return _opaque(block)
    if block.sealed is not None:
        part["thoughtSignature"] = seals.carried(block.sealed, redacted=block.kind is Kind.REDACTED)
    return part if block.sealed is not None or block.text else None if block.kind is not Kind.TOOL_CALL else part


def seal_of(block: Block) -> dict[str, Any] | None:
    """The part that brings the signature behind the pieces of a streamed block, as Google's own streams do."""
    if block.sealed is None:
        return None
    thought = {"thought": True} if block.kind is Kind.REASONING else {}
    return {"text": "", **thought, "thoughtSignature": seals.carried(block.sealed)}


def _opaque(block: Block) -> dict[str, Any] | None:
    """Google's own parts (code that it ran) pass; another dialect's have no meaning here."""
    if block.name not in OPAQUE_PARTS:
        return None
    try:
        return {name: _in_one_line(value) for name, value in _object.decode(block.text).items()}
    except (msgspec.MsgspecError, RecursionError):
        return None


def _in_one_line(raw: msgspec.Raw) -> msgspec.Raw:
    """The same text without line ends between its tokens: an event is one line."""
    data = bytes(raw)
    return msgspec.Raw(msgspec.json.format(data, indent=-1)) if b"\n" in data or b"\r" in data else raw
