"""The tap on a stream of chat completion chunks: it lets bytes pass and reads only the few events that matter.

Server-sent events per the WHATWG HTML standard, section 9.2 (2026-08): lines end in LF, CRLF or CR, events in an empty
line, `data:` may lack its space. What leaves the tap always ends at an event's end, so that comments and error frames
can be put between, and the event that carries usage can be held back from a caller who did not ask for it.
"""

import re

import msgspec

from fastgw.protocols.chat.usage import WireUsage, normalise
from fastgw.usage import Usage

CARRY_BYTES_MAX = 8 * 1024 * 1024
"""Bound of one event (an image in a delta is the largest known); a longer one makes the stream a broken one."""
CARRY_BYTES_JOINED = 64 * 1024
"""From this size on an unfinished event is kept in pieces: to join and search it again with each read is quadratic."""
TEXT_BYTES_BETWEEN_COUNTS = 32 * 1024

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n")
_TEXT = re.compile(
    rb'"(?:content|reasoning_content|reasoning|refusal|arguments)"\s*:\s*"((?:[^"\\]++|\\.)*+)"', re.DOTALL
)
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"')
_DATA_LINES = re.compile(rb"^data:[ ]?(.*)$", re.MULTILINE)
_BYTES_PER_TOKEN = 4


class StreamBroken(Exception):
    """The provider's bytes are no stream of chat completion chunks."""


_ABSENT = msgspec.Raw(b"")
_NOTHING = (b"", b"null")


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: WireUsage | None = None


class _ErrorChunk(msgspec.Struct):
    error: msgspec.Raw = _ABSENT
    choices: msgspec.Raw = _ABSENT
    object: str | None = None


_chunk = msgspec.json.Decoder(_Chunk)
_error_chunk = msgspec.json.Decoder(_ErrorChunk)


class StreamTap:
    """Follows one stream. Feed it what the provider sends; forward what it returns."""

    __slots__ = (
        "_carry", "_hide_usage", "_pieces", "_pieces_bytes", "_seen", "_seen_bytes", "_text_bytes", "done", "error",
        "finished", "usage",
    )  # fmt: skip

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage
        self._carry = b""
        self._pieces: list[bytes] = []
        """What follows `_carry`, each piece without an event's end, together `_pieces_bytes`."""
        self._pieces_bytes = 0
        self._seen: list[bytes] = []
        self._seen_bytes = 0
        self._text_bytes = 0
        self.usage: Usage | None = None
        """The last usage that was reported; providers that repeat it count up."""
        self.done = False
        """`[DONE]` has passed."""
        self.finished = False
        """A choice has given its reason for finishing."""
        self.error: bytes | None = None
        """The provider's error event, which ends the stream; neither it nor what follows is forwarded."""

    def feed(self, data: bytes) -> bytes:
        """The whole events among what came, maybe none; bytes of an unfinished event wait for its end."""
        if self._carry:
            if len(self._carry) > CARRY_BYTES_JOINED and self._keep_piece(data):
                return b""
            data = b"".join((self._carry, *self._pieces, data)) if self._pieces else self._carry + data
            self._carry = b""
            self._pieces.clear()
            self._pieces_bytes = 0
        if not data.endswith(b"\n\n"):
            data = self._cut(data)
            if not data:
                return data
        self._seen.append(data)
        self._seen_bytes += len(data)
        if self._seen_bytes > TEXT_BYTES_BETWEEN_COUNTS:
            self._count()
        if b'"error"' in data:
            data = self._stop_at_error(data)
        if b'"usage"' in data and _USAGE.search(data):
            data = self._read_usage(data)
        if b"[DONE]" in data and _is_done(data):
            self.done = True
        return data

    def rest(self) -> bytes:
        """What is left when the provider has ended the stream: a last event without its empty line is completed if it
        is a whole one, and dropped if it was cut."""
        rest = b"".join((self._carry, *self._pieces))
        self._carry = b""
        self._pieces.clear()
        self._pieces_bytes = 0
        content = payload(rest + b"\n\n").strip()
        if content != b"[DONE]" and _read_chunk(rest + b"\n\n") is None:
            return b""
        return self.feed(rest.rstrip(b"\r\n") + b"\n\n")

    @property
    def complete(self) -> bool:
        """The answer came to its end. Some providers leave `[DONE]` out; a finish reason is proof enough."""
        if not self.done and not self.finished:
            self._count()
        return self.done or self.finished

    def output_tokens_estimate(self) -> int:
        """The gateway's own count of what was delivered: the bytes of generated text over four, upward."""
        self._count()
        return -(-self._text_bytes // _BYTES_PER_TOKEN)

    def _keep_piece(self, data: bytes) -> bool:
        """Put `data` behind a long unfinished event unless it brings its end."""
        # An end may have begun up to three bytes before.
        window = b"".join((self._carry[-3:], *self._pieces[-3:]))[-3:] + data
        if b"\n\n" in window or b"\r\n\r\n" in window or b"\r\r" in window:
            return False
        if len(self._carry) + self._pieces_bytes + len(data) > CARRY_BYTES_MAX:
            raise StreamBroken(f"an event is longer than {CARRY_BYTES_MAX} bytes")
        self._pieces.append(data)
        self._pieces_bytes += len(data)
        return True

    def _cut(self, data: bytes) -> bytes:
        end = max(_behind_last(data, b"\n\n"), _behind_last(data, b"\r\n\r\n"), _behind_last(data, b"\r\r"))
        if len(data) - end > CARRY_BYTES_MAX:
            raise StreamBroken(f"an event is longer than {CARRY_BYTES_MAX} bytes")
        self._carry = data[end:]
        return data[:end]

    def _count(self) -> None:
        """Count the text that has passed, and let its bytes go."""
        if not self._seen:
            return
        data = b"".join(self._seen)
        self._seen.clear()
        self._seen_bytes = 0
        self._text_bytes += sum(len(text) for text in _TEXT.findall(data))
        if not self.finished and _FINISH.search(data):
            self.finished = True

    def _stop_at_error(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        for event in split_events(data):
            if b'"error"' in event and self.error is None and _is_error(payload(event)):
                self.error = payload(event)
            if self.error is None:
                kept.append(event)
        return data if self.error is None else b"".join(kept)

    def _read_usage(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        for event in split_events(data):
            chunk = _read_chunk(event) if b'"usage"' in event else None
            if chunk is not None and chunk.usage is not None:
                self.usage = normalise(chunk.usage) or self.usage
                if self._hide_usage and not chunk.choices:
                    continue
            kept.append(event)
        return b"".join(kept)


def _behind_last(data: bytes, mark: bytes) -> int:
    at = data.rfind(mark)
    return 0 if at < 0 else at + len(mark)


def split_events(data: bytes) -> list[bytes]:
    """Whole events, each with the empty line that ends it; their concatenation is `data`."""
    events: list[bytes] = []
    start = 0
    for end in _EVENT_END.finditer(data):
        events.append(data[start : end.end()])
        start = end.end()
    if start < len(data):
        events.append(data[start:])
    return events


def payload(event: bytes) -> bytes:
    """The data of one event, its lines joined by LF; b"" for a comment."""
    if event.startswith(b"data: ") and event.count(b"\n") == 2 and event.endswith(b"\n\n") and b"\r" not in event:
        return event[6:-2]
    lines = event.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return b"\n".join(_DATA_LINES.findall(lines))


class Opening(msgspec.Struct, frozen=True, gc=False):
    """What the beginning of a stream shows."""

    meaningful: bool
    """An event with data has come, so the stream may be shown to the caller."""
    error: bytes | None = None
    """That event is an error: its payload."""


def read_opening(data: bytes) -> Opening:
    """Look at the events that came before anything was shown. Raises `StreamBroken` for what is no chunk at all."""
    for event in split_events(data):
        content = payload(event).strip()
        if not content:
            continue
        if content == b"[DONE]":
            raise StreamBroken("the stream ended without an event")
        try:
            chunk = _error_chunk.decode(content)
        except msgspec.MsgspecError as exc:
            raise StreamBroken("the first event is no JSON object") from exc
        if _is_error(content):
            return Opening(meaningful=True, error=content)
        if bytes(chunk.choices) not in _NOTHING:
            return Opening(meaningful=True)
    return Opening(meaningful=False)


def _is_error(content: bytes) -> bool:
    try:
        chunk = _error_chunk.decode(content)
    except msgspec.MsgspecError:
        return False
    if bytes(chunk.error) not in _NOTHING:
        return True
    # Some servers report failure as {"object":"error","message":…} without an `error` member (vLLM, 2025).
    return bytes(chunk.choices) in _NOTHING and chunk.object == "error"


def _read_chunk(event: bytes) -> _Chunk | None:
    try:
        return _chunk.decode(payload(event))
    except msgspec.MsgspecError:
        return None


def _is_done(data: bytes) -> bool:
    return any(payload(event).strip() == b"[DONE]" for event in split_events(data[-512:] if len(data) > 512 else data))
