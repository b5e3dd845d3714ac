"""A provider's answers, whole or streamed, as events of the hub.

What is borne beyond the API's own form: `tool_use` without `input` in its start (llama.cpp's server, 2026-11), or with
all of it there; a delta without a start; blocks that are never stopped; an event without its `type` in the data;
`[DONE]`; `ping` and whatever events there will be.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from fastgw.protocols.errors.foreign import redact
from fastgw.protocols.hub.dialect import StreamBroken, Unusable
from fastgw.protocols.hub.events import BlockStart, Event, Failed, Finish, Start, StopReason, Used
from fastgw.protocols.hub.target import Target
from fastgw.protocols.messages.read_blocks import Block, delta_kind, opened
from fastgw.protocols.messages.usage import SEARCH_RESULT, UNREADABLE, Count, WireUsage
from fastgw.protocols.sse import EventCutter, named, payload, split_events

REASONS = {
    "end_turn": StopReason.END,
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.CONTEXT_FULL,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "tool_use": StopReason.TOOLS,
    "refusal": StopReason.REFUSAL,
    "pause_turn": StopReason.PAUSE,
}
"""All of `stop_reason` (anthropic-python 2.12 `types/stop_reason.py`, 2026-11); an unknown one is an ordinary end."""


class _StopDetails(msgspec.Struct):
    category: str | None = None
    explanation: str | None = None


class _Error(msgspec.Struct):
    type: str | None = None
    message: str | None = None


class _Message(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: _StopDetails | None = None
    usage: WireUsage | None = None
    type: str | None = None
    error: _Error | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    citation: msgspec.Raw = msgspec.Raw(b"")
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: _StopDetails | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int | None = None
    delta: _Delta | None = None
    content_block: msgspec.Raw = msgspec.Raw(b"")
    message: _Message | None = None
    usage: WireUsage | None = None
    error: _Error | None = None


_message = msgspec.json.Decoder(_Message)
_event = msgspec.json.Decoder(_Event)
_loose = msgspec.json.Decoder(dict[str, Any])


def decode_answer(body: bytes, target: Target) -> list[Event]:
    """A whole answer. Raises `Unusable`; an error in spite of the status is `Failed`."""
    try:
        answer = _message.decode(body)
    except UNREADABLE as exc:
        raise Unusable(f"the answer is no message: {exc}") from exc
    if answer.type == "error" or answer.error is not None:
        return [_failed(answer.error)]
    if answer.type != "message" and answer.stop_reason is None and not answer.content:
        raise Unusable("the answer is no message: it has neither content nor a reason for its end")
    events: list[Event] = [Start(answer.id or "", answer.model or "")]
    written = 0
    for at, raw in enumerate(answer.content or ()):
        try:
            block = opened(raw, at, target.family, written)
        except UNREADABLE as exc:
            raise Unusable(f"content[{at}] is no block: {exc}") from exc
        events += block.events
        events += block.end()
        written = block.written
    count = Count()
    if answer.usage is not None:
        count.take(answer.usage)
    if count.usage is not None:
        events.append(Used(count.usage))
    events.append(_finish(answer.stop_reason, answer.stop_sequence, answer.stop_details))
    return events


class Reader:
    """One stream. Implements `dialect.Reader`."""

    __slots__ = ("_blocks", "_count", "_cutter", "_family", "_finished", "_next", "_started", "_written", "done")

    def __init__(self, target: Target) -> None:
        self._family = target.family
        self._cutter = EventCutter()
        self._blocks: dict[int, Block] = {}
        """Open ones by the provider's index, which may be used again once a block has stopped."""
        self._count = Count()
        self._next = 0
        self._written = 0
        """Characters of answer text so far, for citations."""
        self._started = False
        self._finished = False
        self.done = False

    @property
    def complete(self) -> bool:
        """`message_stop`, or a reason for the end, has come."""
        return self.done or self._finished

    @property
    def searches(self) -> int:
        """Those whose results have come, or as reported."""
        return self._count.searches

    def feed(self, data: bytes) -> Sequence[Event]:
        """The events that `data` completes. Raises `StreamBroken`."""
        data = self._cutter.cut(data)
        return self._read(data) if data else ()

    def end(self) -> Sequence[Event]:
        """A last event without its empty line counts if it is whole."""
        rest = self._cutter.left().strip(b"\r\n")
        events: list[Event] = []
        if rest and not self.done:
            try:
                _loose.decode(payload(rest + b"\n\n"))
            except UNREADABLE:
                rest = b""
            events += self._read(rest + b"\n\n") if rest else []
        for block in self._blocks.values():
            events += block.end()
        self._blocks.clear()
        return events

    def _read(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        for event in data.split(b"\n\n") if b"\r" not in data else split_events(data):
            # The usual form, `event: name\ndata: {...}`, is cut without a search for lines.
            at = event.find(b"\ndata: ")
            if event.startswith(b"event: ") and at > 0 and event.find(b"\n", at + 1) < 0 and b"\r" not in event:
                content = event[at + 7 :]
            else:
                content = payload(event)
            if content and not self.done:
                self._take(content, event, out)
        return out

    def _take(self, content: bytes, event: bytes, out: list[Event]) -> None:
        try:
            said = _event.decode(content)
        except UNREADABLE as exc:
            if content.strip() != b"[DONE]":
                _pass_over(content, exc)
            return
        kind = said.type or named(event).decode("utf-8", "replace")
        match kind:
            case "content_block_delta":
                self._delta(said, out)
            case "content_block_start":
                self._open(said, out)
            case "content_block_stop":
                block = self._blocks.pop(said.index or 0, None)
                if block is not None:
                    self._close(block, out)
            case "message_start":
                self._start(said, out)
            case "message_delta":
                self._use(said.usage, out)
                delta = said.delta
                if delta is not None and delta.stop_reason is not None and not self._finished:
                    self._finished = True
                    out.append(_finish(delta.stop_reason, delta.stop_sequence, delta.stop_details))
            case "message_stop":
                self.done = True
            case "error":
                self.done = True
                out.append(_failed(said.error))

    def _start(self, said: _Event, out: list[Event]) -> None:
        message = said.message or _Message()
        if not self._started:
            self._started = True
            out.append(Start(message.id or "", message.model or ""))
        self._use(message.usage, out)

    def _use(self, wire: WireUsage | None, out: list[Event]) -> None:
        if wire is None:
            return
        self._count.take(wire)
        usage = self._count.usage
        if usage is not None:
            out.append(Used(usage))

    def _open(self, said: _Event, out: list[Event]) -> None:
        index = said.index or 0
        former = self._blocks.pop(index, None)
        if former is not None:
            self._close(former, out)
        try:
            block = opened(said.content_block, self._next, self._family, self._written)
        except UNREADABLE as exc:
            raise StreamBroken(f"a block makes no sense: {exc}") from exc
        self._next += 1
        self._blocks[index] = block
        out += block.events
        if block.start.name == SEARCH_RESULT:
            self._count.searched(said.content_block)
            if (usage := self._count.usage) is not None:
                out.append(Used(usage))

    def _close(self, block: Block, out: list[Event]) -> None:
        out += block.end()
        self._written = max(self._written, block.written)

    def _delta(self, said: _Event, out: list[Event]) -> None:
        delta = said.delta
        if delta is None:
            return
        block = self._blocks.get(said.index or 0)
        if block is None:
            kind = delta_kind(delta.type)
            if kind is None:
                return
            block = self._blocks[said.index or 0] = Block(BlockStart(self._next, kind), self._family, self._written)
            self._next += 1
            out.append(block.start)
        match delta.type:
            case "text_delta":
                block.write(delta.text, out)
            case "input_json_delta":
                block.write(delta.partial_json, out)
            case "thinking_delta":
                block.write(delta.thinking, out)
            case "signature_delta":
                block.sign(delta.signature, out)
            case "citations_delta":
                block.cite(delta.citation)


def _finish(reason: str | None, sequence: str | None, details: _StopDetails | None) -> Finish:
    words = redact((details.explanation or details.category or "") if details else "")
    return Finish(REASONS.get(reason or "", StopReason.END), sequence or "", words=words)


def _failed(error: _Error | None) -> Failed:
    said = error or _Error()
    return Failed(redact(said.message or "The provider gave no reason."), redact(said.type or ""))


def _pass_over(content: bytes, exc: Exception) -> None:
    """An event whose fields have other types than the known ones is to come some day, unless it is a known one."""
    try:
        kind = _loose.decode(content).get("type")
    except UNREADABLE:
        raise StreamBroken("an event is no JSON object") from exc
    if kind in ("message_start", "content_block_start", "content_block_delta", "message_delta"):
        raise StreamBroken(f"an event {kind} makes no sense: {exc}") from exc
