"""The tap on a stream of Responses: it lets bytes pass and reads only the few events that matter.

What leaves it always ends at an event's end, so that comments and the event of an error can be put between.
"""

import re

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.errors.foreign import read_foreign
from fastgw.protocols.errors.openai import responses_frame
from fastgw.protocols.responses import searches
from fastgw.protocols.responses.envelope import failure
from fastgw.protocols.responses.read import usage_of
from fastgw.protocols.sse import EventCutter, payload, split_events
from fastgw.usage import Usage

TEXT_BYTES_BETWEEN_COUNTS = 32 * 1024
RESPONSE_BYTES_MAX = 1024 * 1024
"""Of the opening response that is kept, to be shown again as failed if need be; of a larger one only the id is."""

_BYTES_PER_TOKEN = 4
_TEXT = re.compile(rb'"delta"\s*:\s*"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')
_ANNOUNCED = frozenset(("response.created", "response.in_progress", "response.queued"))
_ENDED = frozenset(("response.completed", "response.incomplete"))
_FAILED = frozenset(("response.failed", "response.cancelled", "error"))
_NOTHING = (b"", b"null")
_ABSENT = msgspec.Raw(b"")


class _Head(msgspec.Struct):
    type: str = ""
    response: msgspec.Raw = _ABSENT
    item: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT


_head = msgspec.json.Decoder(_Head)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.Encoder().encode


class StreamTap(EventCutter):
    """Follows one stream. Feed it what the provider sends; forward what it returns. Implements `dialect.Tap`."""

    __slots__ = ("_last", "_opening", "_seen", "_seen_bytes", "_text_bytes", "complete", "done", "error",
                 "opened", "searches", "usage")  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._last = b""
        """The last events that passed."""
        self._opening = b""
        """The response as it was announced."""
        self._seen: list[bytes] = []
        self._seen_bytes = 0
        self._text_bytes = 0
        self.searches = 0
        """Items that were searches: some servers end with a response without its output, and a stream may be cut."""
        self.usage: Usage | None = None
        self.done = False
        """The last event has passed."""
        self.error: str | None = None
        self.opened = False
        """More has passed than the announcement of a response."""
        self.complete = False

    def feed(self, data: bytes) -> bytes:
        """The whole events among what came, maybe none. Raises `StreamBroken`."""
        if self.done or self.error is not None:
            return b""
        data = self.cut(data)
        if not data:
            return data
        # The first events, the last one, searches and errors each hold one of these words as a key or as their type; in
        # a text both quotes would be escaped.
        if not self.opened or b'"usage"' in data or b'"error"' in data or searches.MARK in data:
            data = self._look(data)
        if data:
            self._last = data
            self._seen.append(data)
            self._seen_bytes += len(data)
            if self._seen_bytes > TEXT_BYTES_BETWEEN_COUNTS:
                self._count()
        return data

    def rest(self) -> bytes:
        """What is left when the provider has ended the stream: a last event without its empty line is completed if it
        is a whole one, and dropped if it was cut."""
        rest = self.left().rstrip(b"\r\n")
        if not rest or _read(payload(rest + b"\n\n")) is None:
            return b""
        return self.feed(rest + b"\n\n")

    def output_tokens_estimate(self) -> int:
        """The gateway's own count of what was delivered: the bytes of generated text over four, upward."""
        self._count()
        return -(-self._text_bytes // _BYTES_PER_TOKEN)

    def fail(self, error: GatewayError, exchange_id: str) -> bytes:
        """The event that ends the stream here: the response failed, or, before there is one, a bare error."""
        numbers = _NUMBER.findall(self._last)
        number = int(numbers[-1]) + 1 if numbers else 0
        if not self._opening:
            return responses_frame(error, number)
        code, message = failure(error)
        failed = _fields.decode(self._opening) | {
            "status": msgspec.Raw(b'"failed"'),
            "error": msgspec.Raw(_encode({"code": code, "message": message})),
        }
        body = _encode({"type": "response.failed", "response": failed, "sequence_number": number})
        return b"event: response.failed\ndata: " + body + b"\n\n"

    def _look(self, data: bytes) -> bytes:
        """The events up to an error, each that matters read."""
        kept: list[bytes] = []
        for event in split_events(data):
            content = payload(event)
            head = _read(content) if content else None
            if head is None:
                kept.append(event)
                continue
            if head.type in _FAILED or (not head.type and bytes(head.error) not in _NOTHING):
                self._fail(head, content)
                break
            kept.append(event)
            if head.type in _ANNOUNCED:
                self._announce(head.response)
            elif head.type in _ENDED:
                self.usage = self._usage_of(head.response) or self.usage
                self.done = self.complete = self.opened = True
            else:
                self.opened = True
                if head.type == "response.output_item.done" and searches.is_search(head.item):
                    self.searches += 1
        return b"".join(kept)

    def _announce(self, response: msgspec.Raw) -> None:
        if not self._opening and bytes(response)[:1] == b"{":
            self._opening = bytes(response)
            if len(self._opening) > RESPONSE_BYTES_MAX:
                fields = _fields.decode(self._opening)
                small = ("id", "object", "created_at", "model", "output")
                self._opening = _encode({name: fields[name] for name in small if name in fields})

    def _fail(self, head: _Head, content: bytes) -> None:
        body = bytes(head.response) if bytes(head.response)[:1] == b"{" else content
        found = read_foreign(body)
        self.usage = self._usage_of(head.response) or self.usage
        self.error = found.message if found else "The provider gave no reason."

    def _usage_of(self, response: msgspec.Raw) -> Usage | None:
        try:
            return usage_of(_fields.decode(response), self.searches)
        except msgspec.MsgspecError:
            return None

    def _count(self) -> None:
        """Count the text that has passed, and let its bytes go."""
        if self._seen:
            data = b"".join(self._seen)
            self._seen.clear()
            self._seen_bytes = 0
            self._text_bytes += sum(len(text) for text in _TEXT.findall(data))


def _read(content: bytes) -> _Head | None:
    try:
        return _head.decode(content)
    except msgspec.MsgspecError:
        return None
