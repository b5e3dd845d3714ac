"""A caller's stream of Messages events.

What clients rely on: `message_start` first; of each block exactly one start, its deltas, one stop, none overlapping,
indices dense from 0; no empty text block and no empty delta; arguments only as `input_json_delta` behind an empty
`input`; `signature_delta` last in its thinking block; one citation to an event; one `message_delta` with everything
that was used, then `message_stop`. An error ends the stream without either.

A delta is the hot path: its frame is a cached head, the text as a JSON string, a fixed tail.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.errors import anthropic
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Finish,
    Kind,
    Seal,
    Start,
    StopReason,
    Used,
)
from fastgw.protocols.hub.sealed import Sealed, tagged
from fastgw.protocols.messages.citations import wire_citation
from fastgw.protocols.messages.seals import FAMILY, carried
from fastgw.protocols.messages.wire_answer import (
    MEDIA,
    OPAQUE_TYPES,
    call_id,
    ending,
    message_id,
    note_of,
    usage_of,
)
from fastgw.usage import Usage

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TAIL = b"}}\n\n"
_TEXTS = (Kind.TEXT, Kind.REFUSAL)
_CALLS = (Kind.TOOL_CALL, Kind.CUSTOM_CALL)
_HELD = (Kind.OPAQUE, Kind.REDACTED, Kind.IMAGE, Kind.AUDIO)
"""Blocks that are written at their end, as a whole."""
_DELTAS = {
    Kind.TEXT: ("text_delta", "text"),
    Kind.REFUSAL: ("text_delta", "text"),
    Kind.REASONING: ("thinking_delta", "thinking"),
    Kind.TOOL_CALL: ("input_json_delta", "partial_json"),
    Kind.CUSTOM_CALL: ("input_json_delta", "partial_json"),
}
_BYTES_PER_TOKEN = 4


class Writer:
    """One stream. Implements `dialect.Writer`."""

    __slots__ = (
        "_begun", "_block", "_cites", "_finish", "_head", "_held", "_index", "_refused", "_seal", "_setting",
        "_started", "_text_bytes", "_usage",
    )  # fmt: skip

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._started = False
        """`message_start` was written."""
        self._index = 0
        """Of the next block to be started, or of the one that is open."""
        self._block: BlockStart | None = None
        """The block that the events are about."""
        self._begun = False
        """Its `content_block_start` was written."""
        self._head = b""
        """What stands before the text of each of its deltas."""
        self._cites: list[dict[str, Any]] = []
        """Of a block without text so far: it may stay without."""
        self._held: list[str] = []
        """Pieces of a block that is written as a whole."""
        self._seal: Sealed | None = None
        self._refused = False
        self._usage: Usage | None = None
        self._finish = Finish(StopReason.END)
        self._text_bytes = 0

    def write(self, events: Iterable[Event]) -> bytes:
        """The caller's bytes."""
        out: list[bytes] = []
        for event in events:
            kind = event.__class__
            if kind is Delta:
                self._delta(event, out)  # type: ignore[arg-type]
            elif kind is Used:
                self._usage = event.usage  # type: ignore[union-attr]
            elif kind is not Start:
                self._other(event, out)
        return b"".join(out)

    def end(self) -> bytes:
        """The reason for the end, all usage, and the end mark."""
        out: list[bytes] = []
        self._announce(out)
        self._close(out)
        estimate = -(-self._text_bytes // _BYTES_PER_TOKEN)
        usage = usage_of(self._usage, self._setting, estimate)
        split = usage.pop("cache_creation")
        if split["ephemeral_1h_input_tokens"]:
            usage["cache_creation"] = split
        delta = ending(self._finish, self._setting, refused=self._refused)
        out.append(_frame("message_delta", {"delta": delta, "usage": usage}))
        out.append(_frame("message_stop", {}))
        return b"".join(out)

    def fail(self, error: GatewayError) -> bytes:
        """The error, as the last event."""
        return anthropic.frame(error, self._setting.exchange_id)

    def _delta(self, event: Delta, out: list[bytes]) -> None:
        block = self._block
        if block is None or block.at != event.at:
            return
        text = event.text
        if not self._begun:
            if block.kind in _HELD:
                self._held.append(text)
                return
            self._begin(block, out)
        if block.kind is Kind.CUSTOM_CALL:
            text = _encode(text)[1:-1].decode()
        encoded = _encode(text)
        self._text_bytes += len(encoded) - 2
        out.append(self._head + encoded + _TAIL)

    def _other(self, event: Event, out: list[bytes]) -> None:
        self._announce(out)
        block = self._block
        match event:
            case BlockStart():
                if event.choice == 0:
                    self._close(out)
                    self._block = event
            case BlockEnd(at=at):
                if block is not None and block.at == at:
                    self._close(out)
            case Seal(at=at, sealed=sealed):
                if block is not None and block.at == at:
                    self._sign(block, sealed, out)
            case Cite(at=at, citation=citation):
                wire = wire_citation(citation)
                if block is not None and block.at == at and block.kind in _TEXTS and wire is not None:
                    cited = {"type": "citations_delta", "citation": _one_line(wire)}
                    if self._begun:
                        out.append(self._frame_delta(cited))
                    else:
                        self._cites.append(cited)
            case Finish(choice=0):
                self._finish = event

    def _announce(self, out: list[bytes]) -> None:
        """`message_start`, once something else is to follow: usage may have come first."""
        if self._started:
            return
        self._started = True
        usage = usage_of(self._usage, self._setting, 0) | {"output_tokens": 0}
        usage.pop("output_tokens_details", None)
        message: dict[str, Any] = {
            "id": message_id(self._setting),
            "type": "message",
            "role": "assistant",
            "model": self._setting.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        out.append(_frame("message_start", {"message": message}))

    def _begin(self, block: BlockStart, out: list[bytes]) -> None:
        self._begun = True
        kind, field = _DELTAS[block.kind]
        self._head = (
            f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{self._index},'
            f'"delta":{{"type":"{kind}","{field}":'
        ).encode()
        if block.kind in _TEXTS:
            self._refused = self._refused or block.kind is Kind.REFUSAL
            start: dict[str, Any] = {"type": "text", "text": ""}
        elif block.kind is Kind.REASONING:
            start = {"type": "thinking", "thinking": "", "signature": ""}
        else:
            name = call_id(block.id, self._setting, self._index)
            start = {"type": "tool_use", "id": name, "name": block.name, "input": {}}
        out.append(self._frame_start(start))
        out += [self._frame_delta(cited) for cited in self._cites]
        self._cites.clear()
        if block.kind is Kind.CUSTOM_CALL:
            out.append(self._head + _encode('{"input":"') + _TAIL)

    def _sign(self, block: BlockStart, sealed: Sealed, out: list[bytes]) -> None:
        if block.kind in (*_TEXTS, *_CALLS) and not self._begun:
            # Ahead of what it belongs to, so that no answer ends in it: some clients cut thoughts off the end.
            self._whole({"type": "redacted_thinking", "data": carried(sealed, ahead=True)}, out)
        else:
            self._seal = sealed

    def _close(self, out: list[bytes]) -> None:
        """End the block, or write the whole of it."""
        block, seal = self._block, self._seal
        if block is None:
            return
        self._block = self._seal = None
        if block.kind in _HELD:
            self._write_held(block, seal, out)
            return
        if not self._begun and (block.kind in _CALLS or seal is not None):
            self._begin(block, out)
        if not self._begun:
            self._cites.clear()
            return
        self._begun = False
        if block.kind is Kind.CUSTOM_CALL:
            out.append(self._head + _encode('"}') + _TAIL)
        if block.kind is Kind.REASONING and seal is not None:
            out.append(self._frame_delta({"type": "signature_delta", "signature": tagged(seal, FAMILY)}))
        out.append(self._frame_stop())
        if block.kind is not Kind.REASONING and seal is not None:
            self._whole({"type": "redacted_thinking", "data": carried(seal, ahead=False)}, out)

    def _write_held(self, block: BlockStart, seal: Sealed | None, out: list[bytes]) -> None:
        text = "".join(self._held)
        self._held.clear()
        if block.kind is Kind.REDACTED:
            if seal is not None:
                self._whole({"type": "redacted_thinking", "data": tagged(seal, FAMILY)}, out)
        elif block.kind in MEDIA:
            self._block = BlockStart(block.at, Kind.TEXT)
            self._delta(Delta(block.at, note_of(block.kind, block.media_type)), out)
            self._close(out)
        elif block.name in OPAQUE_TYPES:
            self._opaque(text, out)

    def _opaque(self, text: str, out: list[bytes]) -> None:
        """A block of this dialect's own; the input of a call goes into a delta."""
        fields: dict[str, Any] = dict(_fields.decode(_one_line(msgspec.Raw(text.encode()))))
        given = fields.get("input")
        if given is None or bytes(given) == b"{}":
            self._whole(fields, out)
            return
        out.append(self._frame_start(fields | {"input": {}}))
        out.append(self._frame_delta({"type": "input_json_delta", "partial_json": bytes(given).decode()}))
        out.append(self._frame_stop())

    def _whole(self, block: dict[str, Any], out: list[bytes]) -> None:
        out.append(self._frame_start(block))
        out.append(self._frame_stop())

    def _frame_start(self, block: dict[str, Any]) -> bytes:
        return _frame("content_block_start", {"index": self._index, "content_block": block})

    def _frame_delta(self, delta: dict[str, Any]) -> bytes:
        return _frame("content_block_delta", {"index": self._index, "delta": delta})

    def _frame_stop(self) -> bytes:
        frame = _frame("content_block_stop", {"index": self._index})
        self._index += 1
        return frame


def _frame(name: str, fields: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + _encode({"type": name} | fields) + b"\n\n"


def _one_line(wire: Any) -> Any:
    """Raw text without line breaks, which would end the line of an event."""
    if isinstance(wire, msgspec.Raw):
        text = bytes(wire)
        return msgspec.Raw(msgspec.json.format(text, indent=-1)) if b"\n" in text or b"\r" in text else wire
    return wire
