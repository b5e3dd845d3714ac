"""One block of a provider's answer, from its start to its end, as events."""

from typing import Any

import msgspec

from fastgw.protocols.hub.events import BlockEnd, BlockStart, Cite, Delta, Event, Kind, Seal
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.messages.citations import read_citation
from fastgw.protocols.messages.usage import UNREADABLE

_ABSENT = msgspec.Raw(b"")
_NOTHING = (b"", b"null", b"{}")


class _Wire(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = _ABSENT
    citations: list[msgspec.Raw] | None = None


_wire = msgspec.json.Decoder(_Wire)
_kind = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode
_KINDS = {
    "text": Kind.TEXT,
    "thinking": Kind.REASONING,
    "redacted_thinking": Kind.REDACTED,
    "tool_use": Kind.TOOL_CALL,
}
_DELTAS = {"text_delta": Kind.TEXT, "thinking_delta": Kind.REASONING}


def delta_kind(kind: str) -> Kind | None:
    """The kind of a block that begins with this type of delta, if the type tells."""
    return _DELTAS.get(kind)


def opened(raw: msgspec.Raw, at: int, family: str, written: int) -> "Block":
    """A block from its start, or from the whole of it. Raises `UNREADABLE`."""
    fields = _kind.decode(raw)
    name = msgspec.json.decode(fields.get("type", b'""'))
    kind = _KINDS.get(name, Kind.OPAQUE) if isinstance(name, str) else Kind.OPAQUE
    if kind is Kind.OPAQUE:
        block = Block(BlockStart(at, kind, name=str(name)), family, written)
        block.fields = fields
        block.events.append(block.start)
        return block
    wire = _wire.decode(raw)
    block = Block(BlockStart(at, kind, wire.id or "", wire.name or ""), family, written)
    block.events.append(block.start)
    if kind is Kind.TOOL_CALL:
        given = bytes(wire.input)
        block.whole = "" if given in _NOTHING else given.decode()
    block.write(wire.text or wire.thinking, block.events)
    block.sign(wire.data if kind is Kind.REDACTED else wire.signature, block.events)
    for citation in wire.citations or ():
        block.cite(citation)
    return block


class Block:
    """Gathers what only the end of the block settles."""

    __slots__ = (
        "_at",
        "_cites",
        "_family",
        "_from",
        "_pieces",
        "_silent",
        "events",
        "fields",
        "start",
        "whole",
        "written",
    )

    def __init__(self, start: BlockStart, family: str, written: int) -> None:
        self.start = start
        self.events: list[Event] = []
        """What the start gave away."""
        self.whole = ""
        """Arguments that stood in the start: they count if no delta follows."""
        self.fields: dict[str, msgspec.Raw] | None = None
        """Of an opaque block."""
        self.written = written
        """Characters of answer text up to here."""
        self._at = start.at
        self._family = family
        self._from = written
        self._cites: list[msgspec.Raw] = []
        self._pieces: list[str] = []
        self._silent = True

    def write(self, text: str | None, out: list[Event]) -> None:
        """A piece of it."""
        if not text:
            return
        if self.fields is not None:
            self._pieces.append(text)
            return
        self._silent = False
        if self.start.kind is Kind.TEXT:
            self.written += len(text)
        out.append(Delta(self._at, text))

    def sign(self, data: str | None, out: list[Event]) -> None:
        """Its signature."""
        if data:
            out.append(Seal(self._at, Sealed(self._family, data)))

    def cite(self, raw: msgspec.Raw) -> None:
        """A citation; which text it covers is known at the end."""
        self._cites.append(msgspec.Raw(bytes(raw)))

    def end(self) -> list[Event]:
        """What is left to say, and the end."""
        out: list[Event] = []
        if self.fields is not None:
            out.append(Delta(self._at, self._opaque()))
        elif self.whole and self._silent:
            out.append(Delta(self._at, self.whole))
        for raw in self._cites:
            try:
                citation = read_citation(raw)
            except UNREADABLE:
                continue
            if citation.kind == "url":
                # The whole block is what it covers.
                citation = msgspec.structs.replace(citation, start=self._from, end=self.written)
            out.append(Cite(self._at, citation))
        out.append(BlockEnd(self._at))
        return out

    def _opaque(self) -> str:
        """The block with the input that was streamed behind its start."""
        fields: dict[str, Any] = dict(self.fields or {})
        streamed = "".join(self._pieces)
        if streamed:
            try:
                _kind.decode(streamed)
                fields["input"] = msgspec.Raw(streamed.encode())
            except UNREADABLE:
                fields["input"] = {"_raw": streamed}
        return _encode(fields).decode()
