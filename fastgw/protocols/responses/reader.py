"""The stream of a provider of Responses as events.

Providers leave things out: deltas (only the item's end tells), an item's end (only the last event holds it), and they
send kinds that are not described. What is said twice is passed on once; what is unknown is passed over.
"""

from collections.abc import Callable, Sequence

import msgspec

from fastgw.protocols import sse
from fastgw.protocols.errors.foreign import read_foreign
from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.protocols.hub.events import Event, Failed, Kind
from fastgw.protocols.responses import searches
from fastgw.protocols.responses.assemble import Assembler
from fastgw.protocols.responses.read import WireResponse, ending_of, failure_of, start_of
from fastgw.protocols.responses.read_items import Words, read_item

_ABSENT = msgspec.Raw(b"")
_ENDS = frozenset(("response.completed", "response.incomplete", "response.failed", "response.cancelled"))
_ANNOUNCED = frozenset(("response.created", "response.in_progress", "response.queued"))
_OF_REASONING = 1_000
"""Added to the number of a piece of reasoning, to tell it from those of the summary."""


class _StreamEvent(msgspec.Struct):
    type: str = ""
    delta: str | None = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    logprobs: list[msgspec.Raw] | None = None


class _Whole(msgspec.Struct):
    type: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    part: Words | None = None
    item: msgspec.Raw = _ABSENT
    annotation: msgspec.Raw = _ABSENT
    response: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT


_delta = msgspec.json.Decoder(_StreamEvent)
_whole = msgspec.json.Decoder(_Whole)
_response = msgspec.json.Decoder(WireResponse)
_encode = msgspec.json.Encoder().encode


class Reader:
    """One stream. Implements `dialect.Reader`."""

    __slots__ = ("_assembler", "_cutter", "_finished", "_said", "_searches", "_started", "done")

    def __init__(self, family: str) -> None:
        self._cutter = sse.EventCutter()
        self._assembler = Assembler(family)
        self._started = False
        self._finished = False
        self._said: set[tuple[int, int]] = set()
        """Pieces of reasoning that came as deltas."""
        self._searches: set[int] = set()
        """Numbers of items that are searches; there are no more than items."""
        self.done = False

    @property
    def complete(self) -> bool:
        """The answer came to its end."""
        return self._finished

    @property
    def searches(self) -> int:
        """Items that were searches."""
        return len(self._searches)

    def feed(self, data: bytes) -> Sequence[Event]:
        """The events that `data` completes. Raises `StreamBroken`."""
        whole = self._cutter.cut(data)
        return self._read(whole) if whole else ()

    def end(self) -> Sequence[Event]:
        """What is left: a last event without its empty line, unless it was cut."""
        left = self._cutter.left().rstrip(b"\r\n")
        if not left or self.done:
            return ()
        try:
            return self._read(left + b"\n\n")
        except StreamBroken:
            return ()

    def _read(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for content in sse.payloads(data):
            if self.done:
                break
            try:
                event = _delta.decode(content)
            except msgspec.ValidationError:
                # A delta that is no text belongs to an item that is read at its end.
                continue
            except msgspec.DecodeError as exc:
                if content.strip() == b"[DONE]":
                    continue
                raise StreamBroken("an event is no JSON object") from exc
            if event.type == "response.output_text.delta":
                self._text(event, events)
            elif event.delta is not None:
                self._piece(event, event.delta, events)
            else:
                self._other(event.type, content, events)
        return events

    def _text(self, event: _StreamEvent, events: list[Event]) -> None:
        text = event.delta
        if text:
            events += self._assembler.delta(event.output_index, event.content_index, Kind.TEXT, text)
            if event.logprobs:
                raw = _encode(event.logprobs)
                events += self._assembler.logprobs(event.output_index, event.content_index, raw)

    def _piece(self, event: _StreamEvent, text: str, events: list[Event]) -> None:
        if not text:
            return
        assembler, index = self._assembler, event.output_index
        match event.type:
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                events += assembler.call_delta(index, text)
            case "response.reasoning_summary_text.delta":
                self._reasoning(index, event.summary_index, text, events)
            case "response.reasoning_text.delta" | "response.reasoning.delta":
                self._reasoning(index, event.content_index + _OF_REASONING, text, events)
            case "response.refusal.delta":
                events += assembler.delta(index, event.content_index, Kind.REFUSAL, text)

    def _reasoning(self, index: int, part: int, text: str, events: list[Event]) -> None:
        self._said.add((index, part))
        events += self._assembler.reasoning_delta(index, part, text)

    def _other(self, kind: str, content: bytes, events: list[Event]) -> None:
        try:
            event = _whole.decode(content)
        except msgspec.ValidationError:
            return
        if kind in _ANNOUNCED:
            self._announce(event.response, events)
        elif kind in _ENDS:
            self._end(event, content, events)
        elif kind == "error" or bytes(event.error) not in {b"", b"null"}:
            self._fail(content, events)
        elif kind in _DONES:
            _DONES[kind](self, event, events)

    def _announce(self, raw: msgspec.Raw, events: list[Event]) -> None:
        if not self._started:
            self._started = True
            response = _read_response(raw)
            if response is not None:
                events.append(start_of(response))

    def _added(self, event: _Whole, events: list[Event]) -> None:
        if bytes(event.item)[:1] == b"{":
            events += self._assembler.item_added(event.output_index, read_item(event.item))

    def _item_done(self, event: _Whole, events: list[Event]) -> None:
        if bytes(event.item)[:1] == b"{":
            self._done(event.output_index, event.item, events)

    def _done(self, index: int, item: msgspec.Raw, events: list[Event]) -> None:
        events += self._assembler.item_done(index, item)
        if searches.MARK in bytes(item) and searches.is_search(item):
            self._searches.add(index)

    def _call_done(self, event: _Whole, events: list[Event]) -> None:
        events += self._assembler.call_done(event.output_index, event.arguments or event.input or "")

    def _words_done(self, event: _Whole, events: list[Event]) -> None:
        kind = "refusal" if event.refusal else "output_text"
        words = event.part or Words(type=kind, text=event.text, refusal=event.refusal)
        if words.type in {"output_text", "refusal"}:
            events += self._assembler.part_done(event.output_index, event.content_index, words)

    def _reasoning_done(self, event: _Whole, events: list[Event]) -> None:
        part = event.summary_index if "summary" in event.type else event.content_index + _OF_REASONING
        if event.text and (event.output_index, part) not in self._said:
            self._reasoning(event.output_index, part, event.text, events)

    def _cited(self, event: _Whole, events: list[Event]) -> None:
        if bytes(event.annotation)[:1] == b"{":
            events += self._assembler.cite(event.output_index, event.content_index, event.annotation)

    def _end(self, event: _Whole, content: bytes, events: list[Event]) -> None:
        response = _read_response(event.response)
        if response is None:
            raise StreamBroken("the last event holds no response")
        self._announce(event.response, events)
        # Some servers send the event without the status in it.
        response.status = response.status or event.type.removeprefix("response.")
        if event.type in {"response.failed", "response.cancelled"}:
            response.status = event.type.removeprefix("response.")
        failure = failure_of(response, event.response)
        self.done = True
        if failure is not None:
            events.append(failure)
            return
        for index, raw in enumerate(response.output or ()):
            if bytes(raw)[:1] == b"{":
                self._done(index, raw, events)
        self._finished = True
        events += ending_of(response, self._assembler, len(self._searches))

    def _fail(self, content: bytes, events: list[Event]) -> None:
        found = read_foreign(content)
        self.done = True
        events.append(Failed(found.message, found.code or "") if found else Failed("The provider gave no reason."))


_DONES: dict[str, Callable[[Reader, _Whole, list[Event]], None]] = {
    "response.output_item.added": Reader._added,
    "response.output_item.done": Reader._item_done,
    "response.function_call_arguments.done": Reader._call_done,
    "response.custom_tool_call_input.done": Reader._call_done,
    "response.output_text.done": Reader._words_done,
    "response.refusal.done": Reader._words_done,
    "response.content_part.done": Reader._words_done,
    "response.reasoning_summary_text.done": Reader._reasoning_done,
    "response.reasoning_text.done": Reader._reasoning_done,
    "response.output_text.annotation.added": Reader._cited,
}


def _read_response(raw: msgspec.Raw) -> WireResponse | None:
    try:
        return _response.decode(raw) if bytes(raw) else None
    except msgspec.MsgspecError:
        return None
