"""What Bedrock answers, whole or as a stream, as events.

A stream: `messageStart`, per block `contentBlockStart` (tools only), deltas and `contentBlockStop`, then `messageStop`
and, behind it, `metadata` with the usage. There is no end mark. Exceptions come as messages of their own
(docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html, read 2026-11-21).
"""

from collections.abc import Sequence

import msgspec

from fastgw.protocols.converse.blocks import Block, Content, Delta, Picture, kind_of, opened
from fastgw.protocols.converse.frames import FrameCutter
from fastgw.protocols.converse.usage import WireUsage, usage_of
from fastgw.protocols.errors.foreign import redact
from fastgw.protocols.hub.dialect import Reading, StreamBroken, Unusable
from fastgw.protocols.hub.events import BlockStart, Event, Failed, Finish, Kind, Start, StopReason, Used
from fastgw.protocols.hub.target import Target

REASONS = {
    "end_turn": StopReason.END,
    "tool_use": StopReason.TOOLS,
    "max_tokens": StopReason.LENGTH,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "model_context_window_exceeded": StopReason.CONTEXT_FULL,
    "guardrail_intervened": StopReason.REFUSAL,
    "content_filtered": StopReason.REFUSAL,
    "refusal": StopReason.REFUSAL,
    "malformed_model_output": StopReason.MALFORMED_CALL,
    "malformed_tool_use": StopReason.MALFORMED_CALL,
}
"""All of `stopReason` (API reference, 2026-11) and Claude's own; an unknown one is an ordinary end."""


class _Nested(msgspec.Struct):
    stop_sequence: str | None = None


class _More(msgspec.Struct):
    """Where Claude tells which stop sequence was met: at the top, or (streams) below `delta`."""

    stop_sequence: str | None = None
    delta: _Nested | None = None


class _Message(msgspec.Struct):
    content: list[Content] = []


class _Output(msgspec.Struct):
    message: _Message | None = None


class _Answer(msgspec.Struct, rename="camel"):
    output: _Output | None = None
    stop_reason: str | None = None
    usage: WireUsage | None = None
    additional_model_response_fields: _More | None = None


class _Start(msgspec.Struct, rename="camel"):
    class _Tool(msgspec.Struct, rename="camel"):
        tool_use_id: str = ""
        name: str = ""

    tool_use: _Tool | None = None
    image: Picture | None = None


class _Piece(msgspec.Struct, rename="camel", gc=False):
    delta: Delta
    content_block_index: int = 0


class _Event(msgspec.Struct, rename="camel"):
    content_block_index: int = 0
    start: _Start | None = None
    stop_reason: str | None = None
    additional_model_response_fields: _More | None = None
    usage: WireUsage | None = None
    message: str | None = None


_answer = msgspec.json.Decoder(_Answer)
_event = msgspec.json.Decoder(_Event)
_piece = msgspec.json.Decoder(_Piece)


def decode_answer(body: bytes, target: Target) -> list[Event]:
    """A whole answer. Raises `Unusable`."""
    try:
        answer = _answer.decode(body)
    except msgspec.MsgspecError as exc:
        raise Unusable(f"the answer is none of Converse: {exc}") from exc
    if answer.output is None or answer.output.message is None:
        raise Unusable("the answer is none of Converse: it has no message")
    events: list[Event] = [Start()]
    written = 0
    for at, content in enumerate(answer.output.message.content):
        block = opened(content, at, target.family, written)
        if block is not None:
            events += block.events
            events += block.end()
            written = block.written
    usage = usage_of(answer.usage)
    if usage is not None:
        events.append(Used(usage))
    events.append(_finish(answer.stop_reason, answer.additional_model_response_fields))
    return events


def read_answer(body: bytes) -> Reading:
    """Whether it is an answer, and what it used."""
    try:
        answer = _answer.decode(body)
    except msgspec.MsgspecError:
        return Reading(False)
    return Reading(answer.output is not None, usage=usage_of(answer.usage))


class Reader:
    """One stream. Implements `dialect.Reader`."""

    searches = 0
    """None shows in this dialect; usage tells of them."""
    __slots__ = ("_blocks", "_cutter", "_family", "_finished", "_next", "_written", "done")

    def __init__(self, target: Target) -> None:
        self._family = target.family
        self._cutter = FrameCutter()
        self._blocks: dict[int, Block] = {}
        """Open ones by the provider's index."""
        self._next = 0
        self._written = 0
        """Characters of answer text so far, for citations."""
        self._finished = False
        self.done = False

    @property
    def complete(self) -> bool:
        """`messageStop` has come."""
        return self._finished

    def feed(self, data: bytes) -> Sequence[Event]:
        """The events that `data` completes. Raises `StreamBroken`."""
        out: list[Event] = []
        for headers, payload in self._cutter.cut(data):
            if self.done:
                break
            if headers.get(":event-type") == "contentBlockDelta":
                self._piece(payload, out)
            else:
                self._take(headers, payload, out)
        return out

    def end(self) -> Sequence[Event]:
        """Open blocks are closed. Raises `StreamBroken` if a message was cut."""
        if not self._cutter.empty and not self._finished:
            raise StreamBroken("the stream ends within a message")
        out: list[Event] = []
        for block in self._blocks.values():
            out += block.end()
        self._blocks.clear()
        return out

    def _piece(self, payload: bytes, out: list[Event]) -> None:
        try:
            said = _piece.decode(payload)
        except msgspec.MsgspecError as exc:
            raise StreamBroken(f"a piece of a block makes no sense: {exc}") from exc
        delta, index = said.delta, said.content_block_index
        block = self._blocks.get(index)
        kind = kind_of(delta)
        if block is None or (kind is not None and kind is not block.kind):
            if kind is None:
                return
            self._close(index, out)
            block = self._begin(index, BlockStart(self._next, kind), out)
        block.take(delta, out)

    def _take(self, headers: dict[str, str], payload: bytes, out: list[Event]) -> None:
        kind = headers.get(":message-type", "event")
        try:
            said = _event.decode(payload) if payload else _Event()
        except msgspec.MsgspecError as exc:
            if kind == "event" and headers.get(":event-type") not in _KNOWN:
                return
            raise StreamBroken(f"a message makes no sense: {exc}") from exc
        if kind != "event":
            self.done = True
            out.append(_failed(headers, said))
            return
        match headers.get(":event-type"):
            case "contentBlockStart":
                self._open(said, out)
            case "contentBlockStop":
                self._close(said.content_block_index, out)
            case "messageStart":
                # A second one is left out by the sequence.
                out.append(Start())
            case "messageStop":
                if not self._finished:
                    self._finished = True
                    out.append(_finish(said.stop_reason, said.additional_model_response_fields))
            case "metadata":
                usage = usage_of(said.usage)
                if usage is not None:
                    out.append(Used(usage))
                self.done = self._finished

    def _open(self, said: _Event, out: list[Event]) -> None:
        what = said.start or _Start()
        if what.tool_use is not None:
            start = BlockStart(self._next, Kind.TOOL_CALL, what.tool_use.tool_use_id, what.tool_use.name)
        elif what.image is not None:
            start = BlockStart(self._next, Kind.IMAGE, media_type=what.image.media_type)
        else:
            return
        self._close(said.content_block_index, out)
        self._begin(said.content_block_index, start, out)

    def _begin(self, index: int, start: BlockStart, out: list[Event]) -> Block:
        self._next += 1
        block = self._blocks[index] = Block(start, self._family, self._written)
        out.append(start)
        return block

    def _close(self, index: int, out: list[Event]) -> None:
        block = self._blocks.pop(index, None)
        if block is not None:
            out += block.end()
            self._written = max(self._written, block.written)


_KNOWN = frozenset(("messageStart", "contentBlockStart", "contentBlockStop", "messageStop", "metadata"))  # fmt: skip


def _failed(headers: dict[str, str], said: _Event) -> Failed:
    code = headers.get(":exception-type") or headers.get(":error-code") or ""
    words = said.message or headers.get(":error-message") or "The provider gave no reason."
    return Failed(redact(words), redact(code))


def _finish(reason: str | None, more: _More | None) -> Finish:
    sequence = None
    if more is not None:
        sequence = more.stop_sequence or (more.delta.stop_sequence if more.delta is not None else None)
    return Finish(REASONS.get(reason or "", StopReason.END), sequence or "")
