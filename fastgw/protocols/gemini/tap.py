"""The tap on a stream that is relayed untouched between a caller and a provider who both speak Gemini."""

import re

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.errors import google
from fastgw.protocols.errors.foreign import read_foreign
from fastgw.protocols.gemini import chunk as wire
from fastgw.protocols.gemini.searches import MARK, Searches
from fastgw.protocols.gemini.usage import UNREADABLE, WireUsage, normalise, with_searches
from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.protocols.sse import EventCutter, payload, split_events
from fastgw.usage import Usage

TEXT_BYTES_BETWEEN_COUNTS = 32 * 1024
_BYTES_PER_TOKEN = 4
_FINISH = re.compile(rb'"(?:finishReason|blockReason)"\s*:\s*"')


class _Usage(msgspec.Struct, rename="camel"):
    usage_metadata: WireUsage | None = None


class _Text(msgspec.Struct, rename="camel"):
    text: str | None = None
    args: msgspec.Raw = wire.ABSENT
    function_call: "_Text | None" = None


class _Content(msgspec.Struct):
    parts: list[_Text] | None = None


class _Candidate(msgspec.Struct):
    content: _Content | None = None


class _Said(msgspec.Struct):
    candidates: list[_Candidate] | None = None


class _Opening(msgspec.Struct, rename="camel"):
    candidates: list[msgspec.Raw] | None = None
    prompt_feedback: msgspec.Raw = wire.ABSENT
    error: msgspec.Raw = wire.ABSENT


_usage = msgspec.json.Decoder(_Usage, strict=False)
_said = msgspec.json.Decoder(_Said)
_opening = msgspec.json.Decoder(_Opening)


class Tap(EventCutter):
    """Lets server-sent events pass and reads the few that matter. Implements `dialect.Tap`."""

    __slots__ = ("_complete", "_searches", "_seen", "_seen_bytes", "_text_bytes", "done", "error", "opened", "usage")

    def __init__(self) -> None:
        super().__init__()
        self._seen: list[bytes] = []
        self._seen_bytes = 0
        self._text_bytes = 0
        self._complete = False
        self._searches = Searches()
        self.usage: Usage | None = None
        self.done = False
        """Never before the provider's end: Gemini's streams have no end mark."""
        self.error: str | None = None
        self.opened = False

    def feed(self, data: bytes) -> bytes:
        """The whole events among what came. Raises `StreamBroken`."""
        data = self.cut(data)
        if not data or self.error is not None:
            return b""
        if b'"error"' in data:
            data = self._stop_at_error(data)
        if not self.opened:
            self._look(data)
        self._seen.append(data)
        self._seen_bytes += len(data)
        if not self._complete and (b"inishReason" in data or b"lockReason" in data):
            self._complete = _FINISH.search(data) is not None
        if MARK in data:
            self._read_searches(data)
        if b'"usageMetadata"' in data:
            self._read_usage(data)
        if self._searches.made and self.usage is not None:
            self.usage = with_searches(self.usage, self._searches.made)
        if self._seen_bytes > TEXT_BYTES_BETWEEN_COUNTS:
            self._count()
        return data

    def rest(self) -> bytes:
        """A last event without its empty line is completed if it is a whole one, and dropped if it was cut."""
        left = self.left().rstrip(b"\r\n")
        content = payload(left + b"\n\n")
        if not content:
            return b""
        try:
            _said.decode(content)
        except UNREADABLE:
            return b""
        return self.feed(left + b"\n\n")

    @property
    def complete(self) -> bool:
        """A reason for finishing has passed."""
        return self._complete and self.error is None

    def output_tokens_estimate(self) -> int:
        """The gateway's own count of what was delivered."""
        self._count()
        return -(-self._text_bytes // _BYTES_PER_TOKEN)

    @property
    def searches(self) -> int:
        """Those that were told of."""
        return self._searches.made

    def fail(self, error: GatewayError, exchange_id: str) -> bytes:
        """The event that ends the stream."""
        return google.frame(error, exchange_id)

    def _look(self, data: bytes) -> None:
        for content in wire.contents(data):
            if content.strip() == b"[DONE]":
                continue
            try:
                said = _opening.decode(content)
            except UNREADABLE as exc:
                raise StreamBroken("the first event is no JSON object of an answer") from exc
            if said.candidates or bytes(said.prompt_feedback) not in (b"", b"null"):
                self.opened = True
                return

    def _stop_at_error(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        for event in split_events(data):
            if b'"error"' in event and self.error is None:
                content = payload(event)
                try:
                    said = _opening.decode(content)
                except UNREADABLE:
                    said = _Opening()
                if wire.is_error(said.error):
                    found = read_foreign(content)
                    self.error = found.message if found else "The provider gave no reason."
            if self.error is None:
                kept.append(event)
        return data if self.error is None else b"".join(kept)

    def _read_usage(self, data: bytes) -> None:
        """Every chunk has it, and it counts up: the last one is enough."""
        for content in reversed(wire.contents(data)):
            if b'"usageMetadata"' in content:
                try:
                    said = _usage.decode(content).usage_metadata
                except UNREADABLE:
                    continue
                if said is not None:
                    self.usage = normalise(said) or self.usage
                return

    def _read_searches(self, data: bytes) -> None:
        for content in wire.contents(data):
            if MARK in content:
                self._searches.chunk(content)

    def _count(self) -> None:
        for data in self._seen:
            for content in wire.contents(data):
                try:
                    said = _said.decode(content)
                except UNREADABLE:
                    continue
                for candidate in said.candidates or ():
                    for part in (candidate.content and candidate.content.parts) or ():
                        self._text_bytes += len((part.text or "").encode("utf-8", "surrogatepass"))
                        if part.function_call is not None:
                            self._text_bytes += len(bytes(part.function_call.args))
        self._seen.clear()
        self._seen_bytes = 0


class ArrayTap(Tap):
    """The same for a caller without `alt=sse`: the provider is asked for events, each of whose data becomes, byte for
    byte, an element of one JSON array."""

    __slots__ = ("_closed", "_sent")

    def __init__(self) -> None:
        super().__init__()
        self._sent = False
        self._closed = False

    def feed(self, data: bytes) -> bytes:
        """The elements that came. Raises `StreamBroken`."""
        out = b""
        for content in wire.contents(super().feed(data)):
            if content.strip() != b"[DONE]":
                out += (b",\n" if self._sent else b"[") + content
                self._sent = True
        return out

    def rest(self) -> bytes:
        """A last element, and the end of the array if the answer is complete."""
        said = super().rest()
        if self._closed or not self.complete:
            return said
        self._closed = self.done = True
        return said + (b"]" if self._sent else b"[]")

    def fail(self, error: GatewayError, exchange_id: str) -> bytes:
        """The error as the last element."""
        if self._closed:
            return b""
        self._closed = True
        return (b",\n" if self._sent else b"[") + google.render(error, exchange_id) + b"]"
