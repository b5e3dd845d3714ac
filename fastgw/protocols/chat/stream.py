"""The tap on a stream of chat completion chunks: it lets bytes pass and reads only the few events that matter.

Server-sent events per the WHATWG HTML standard, section 9.2 (2026-08): lines end in LF, CRLF or CR, events in an empty
line, `data:` may lack its space. What leaves the tap always ends at an event's end, so that comments and error frames
can be put between, and the event that carries usage can be held back from a caller who did not ask for it.
"""

import re
from typing import ClassVar

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.chat.usage import UNREADABLE, WireUsage, normalise
from fastgw.protocols.errors import openai
from fastgw.protocols.errors.foreign import NO_REASON, read_foreign
from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.protocols.sse import EventCutter, payload, split_events
from fastgw.usage import Usage

TEXT_BYTES_BETWEEN_COUNTS = 32 * 1024

_TEXT = re.compile(
    # `input` of custom tools, `transcript` of sound; `text` in Mistral's lists of content and thinking, not the one in
    # OpenRouter's `reasoning_details`, which says once more what `reasoning` says.
    rb'"(?:content|reasoning_content|reasoning|refusal|arguments|input|transcript|type"\s*:\s*"text"\s*,\s*"text)"'
    rb'\s*:\s*"((?:[^"\\]++|\\.)*+)"',
    re.DOTALL,
)
_SOUND = re.compile(rb'"data"\s*:\s*"([A-Za-z0-9+/=]*+)"')
_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"')
_BYTES_PER_TOKEN = 4
_SOUND_CHARACTERS_PER_TOKEN = 3_200
"""Streams have sound as PCM of 16 bits at 24 kHz (API reference, audio output, 2026-08), in base64 64,000 characters a
second, for which OpenAI counts 20 tokens."""


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


class StreamTap(EventCutter):
    """Follows one stream. Feed it what the provider sends; forward what it returns."""

    text: ClassVar[re.Pattern[bytes]] = _TEXT
    """Finds what was generated, for the gateway's own count."""
    searches = 0
    """None shows in this dialect; usage tells of them."""

    __slots__ = (
        "_hide_usage", "_seen", "_seen_bytes", "_text_bytes", "done", "error", "finished", "opened", "usage",
    )  # fmt: skip

    def __init__(self, *, hide_usage: bool) -> None:
        self._hide_usage = hide_usage
        super().__init__()
        self._seen: list[bytes] = []
        self._seen_bytes = 0
        self._text_bytes = 0
        self.usage: Usage | None = None
        """The last usage that was reported; providers that repeat it count up."""
        self.done = False
        """`[DONE]` has passed."""
        self.finished = False
        """A choice has given its reason for finishing."""
        self.error: str | None = None
        """The provider's words (redacted) in its error event; neither it nor what follows is forwarded."""
        self.opened = False
        """An event with choices has passed."""

    def feed(self, data: bytes) -> bytes:
        """The whole events among what came, maybe none; bytes of an unfinished event wait for its end.

        Raises `StreamBroken` for an event without end, and if the first one is no chunk at all.
        """
        data = self.cut(data)
        if not data:
            return data
        self._seen.append(data)
        self._seen_bytes += len(data)
        if self._seen_bytes > TEXT_BYTES_BETWEEN_COUNTS:
            self._count()
        if b'"error"' in data:
            data = self._stop_at_error(data)
        if not self.opened and data:
            self.opened = _is_meaningful(data)
        if b'"usage"' in data and _USAGE.search(data):
            data = self._read_usage(data)
        if b"[DONE]" in data and _is_done(data):
            self.done = True
        return data

    def rest(self) -> bytes:
        """What is left when the provider has ended the stream: a last event without its empty line is completed if it
        is a whole one, and dropped if it was cut. A complete answer gets the end mark that it lacks."""
        rest = self.left()
        content = payload(rest + b"\n\n").strip()
        last = b""
        if content == b"[DONE]" or _read_chunk(rest + b"\n\n") is not None:
            last = self.feed(rest.rstrip(b"\r\n") + b"\n\n")
        if self.done or self.error is not None or not self.complete:
            return last
        self.done = True
        return last + openai.DONE

    def fail(self, error: GatewayError, exchange_id: str) -> bytes:
        """The events that end the stream here: the error, then the end mark that clients wait for."""
        return openai.frame(error)

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

    def _count(self) -> None:
        """Count the text that has passed, and let its bytes go."""
        if not self._seen:
            return
        data = b"".join(self._seen)
        self._seen.clear()
        self._seen_bytes = 0
        self._text_bytes += sum(len(text) for text in self.text.findall(data))
        if b'"audio"' in data:
            sound = sum(len(found) for found in _SOUND.findall(data))
            self._text_bytes += sound * _BYTES_PER_TOKEN // _SOUND_CHARACTERS_PER_TOKEN
        if not self.finished and _FINISH.search(data):
            self.finished = True

    def _stop_at_error(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        for event in split_events(data):
            if b'"error"' in event and self.error is None and _is_error(payload(event)):
                foreign = read_foreign(payload(event))
                self.error = foreign.message if foreign else NO_REASON
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


def _is_meaningful(data: bytes) -> bool:
    """Whether one of the first events has choices, or counts as said. Raises `StreamBroken` for what is no chunk."""
    for event in split_events(data):
        content = payload(event).strip()
        if not content:
            continue
        if content == b"[DONE]":
            raise StreamBroken("the stream ended without an event")
        try:
            chunk = _error_chunk.decode(content)
        except UNREADABLE as exc:
            raise StreamBroken("the first event is no JSON object") from exc
        if bytes(chunk.choices) not in _NOTHING:
            return True
    return False


def _is_error(content: bytes) -> bool:
    try:
        chunk = _error_chunk.decode(content)
    except UNREADABLE:
        return False
    if bytes(chunk.error) not in _NOTHING:
        return True
    # Some servers report failure as {"object":"error","message":…} without an `error` member (vLLM, 2025).
    return bytes(chunk.choices) in _NOTHING and chunk.object == "error"


def _read_chunk(event: bytes) -> _Chunk | None:
    try:
        return _chunk.decode(payload(event))
    except UNREADABLE:
        return None


def _is_done(data: bytes) -> bool:
    return any(payload(event).strip() == b"[DONE]" for event in split_events(data[-512:] if len(data) > 512 else data))
