"""The tap on a stream of Messages events that is relayed untouched: it reads only the few events that matter."""

import re

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.errors import anthropic
from fastgw.protocols.errors.foreign import redact
from fastgw.protocols.hub.dialect import Reading, StreamBroken
from fastgw.protocols.messages.usage import SEARCH_RESULT, UNREADABLE, Count, WireUsage, normalise, read_usage
from fastgw.protocols.sse import EventCutter, payload, split_events
from fastgw.usage import Usage

TEXT_BYTES_BETWEEN_COUNTS = 32 * 1024

_TEXT = re.compile(rb'"(?:text|thinking|partial_json)"\s*:\s*"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_FINISH = re.compile(rb'"stop_reason"\s*:\s*"')
_TAIL_USAGE = re.compile(rb'"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')
_MEANINGFUL = (b"content_block_start", b"content_block_delta", b"message_delta", b"message_stop")
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_SEARCHED = f'"{SEARCH_RESULT}"'.encode()
_BYTES_PER_TOKEN = 4


class _Message(msgspec.Struct):
    usage: WireUsage | None = None


class _Error(msgspec.Struct):
    type: str | None = None
    message: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    message: _Message | None = None
    usage: WireUsage | None = None
    content_block: msgspec.Raw = msgspec.Raw(b"")
    error: _Error | None = None


class _Answer(msgspec.Struct):
    type: str = ""
    content: msgspec.Raw = msgspec.Raw(b"")
    error: msgspec.Raw = msgspec.Raw(b"")
    usage: msgspec.Raw = msgspec.Raw(b"")


_event = msgspec.json.Decoder(_Event)
_answer = msgspec.json.Decoder(_Answer)


class StreamTap(EventCutter):
    """Implements `dialect.Tap`."""

    __slots__ = ("_count", "_finished", "_seen", "_seen_bytes", "_text_bytes", "done", "error", "opened", "usage")

    def __init__(self) -> None:
        super().__init__()
        self._count = Count()
        self._seen: list[bytes] = []
        self._seen_bytes = 0
        self._text_bytes = 0
        self._finished = False
        self.usage: Usage | None = None
        self.done = False
        """`message_stop` has passed."""
        self.error: str | None = None
        self.opened = False

    def feed(self, data: bytes) -> bytes:
        """The whole events among what came, maybe none."""
        if self.done or self.error is not None:
            return b""
        data = self.cut(data)
        if not data:
            return data
        if not self.opened:
            self._open(data)
        self._seen.append(data)
        self._seen_bytes += len(data)
        if self._seen_bytes > TEXT_BYTES_BETWEEN_COUNTS:
            self._measure()
        if b'"error"' in data:
            data = self._stop_at_error(data)
        if b'"usage"' in data or _SEARCHED in data:
            self._read_usage(data)
        if b"message_stop" in data and any(_kind(event) == "message_stop" for event in split_events(data)):
            self.done = True
        return data

    def rest(self) -> bytes:
        """A last event without its empty line is completed if it is whole; a missing end mark is added."""
        rest = self.left().rstrip(b"\r\n")
        given = self.feed(rest + b"\n\n") if rest and _kind(rest + b"\n\n") else b""
        if self.complete and not self.done and self.error is None:
            self.done = True
            given += _STOP
        return given

    @property
    def complete(self) -> bool:
        """`message_stop` has come, or a reason for the end."""
        if not self.done and not self._finished:
            self._measure()
        return self.done or self._finished

    def output_tokens_estimate(self) -> int:
        """The bytes of generated text over four, upward."""
        self._measure()
        return -(-self._text_bytes // _BYTES_PER_TOKEN)

    @property
    def searches(self) -> int:
        """Those whose results have passed, or as reported."""
        return self._count.searches

    def fail(self, error: GatewayError, exchange_id: str) -> bytes:
        """The error as the last event."""
        return anthropic.frame(error, exchange_id)

    def _open(self, data: bytes) -> None:
        """More than `message_start` and pings has come. Raises `StreamBroken` for a first event that is none."""
        if any(name in data for name in _MEANINGFUL):
            self.opened = True
            return
        for event in split_events(data):
            content = payload(event).strip()
            if content and not content.startswith(b"{"):
                raise StreamBroken("the first event is no JSON object")

    def _measure(self) -> None:
        if not self._seen:
            return
        data = b"".join(self._seen)
        self._seen.clear()
        self._seen_bytes = 0
        self._text_bytes += sum(len(text) for text in _TEXT.findall(data))
        self._finished = self._finished or _FINISH.search(data) is not None

    def _stop_at_error(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        for event in split_events(data):
            said = _read(event) if b'"error"' in event else None
            if said is not None and said.type == "error":
                words = said.error or _Error()
                self.error = redact(words.message or words.type or "The provider gave no reason.")
                break
            kept.append(event)
        return data if self.error is None else b"".join(kept)

    def _read_usage(self, data: bytes) -> None:
        for event in split_events(data):
            said = _read(event) if b'"usage"' in event or _SEARCHED in event else None
            if said is None:
                continue
            if said.type == "content_block_start":
                self._count.searched(said.content_block)
            elif said.type in ("message_start", "message_delta"):
                wire = said.usage or (said.message.usage if said.message else None)
                if wire is not None:
                    self._count.take(wire)
            self.usage = self._count.usage


def read_answer(body: bytes) -> Reading:
    """Look at a whole answer. Its bytes are relayed as they are; this decides whether they are worth relaying."""
    try:
        answer = _answer.decode(body)
    except UNREADABLE:
        return Reading(valid=False)
    failed = answer.type == "error" or bytes(answer.error) not in (b"", b"null")
    valid = bytes(answer.content).startswith(b"[") and not failed
    return Reading(valid=valid, error=failed, usage=normalise(read_usage(answer.usage)))


def usage_in_tail(tail: bytes) -> Usage | None:
    """The usage object in the last bytes of an answer that was too large to hold as a whole."""
    found = _TAIL_USAGE.findall(tail)
    return normalise(read_usage(found[-1])) if found else None


def _read(event: bytes) -> _Event | None:
    try:
        return _event.decode(payload(event))
    except UNREADABLE:
        return None


def _kind(event: bytes) -> str:
    said = _read(event)
    return said.type if said is not None else ""
