"""One stream between two dialects: a reader, the sequence, a writer, seen from outside like a tap on one dialect."""

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.hub.dialect import Reader, StreamBroken, Writer
from fastgw.protocols.hub.events import BlockStart, Delta, Event, Failed, Finish, Kind, Used
from fastgw.protocols.hub.recall import Recall
from fastgw.protocols.hub.sequence import Sequence
from fastgw.usage import Usage

_BYTES_PER_TOKEN = 4
STREAM_BYTES_MAX = 256 * 1024 * 1024
"""Of one stream that is translated: some dialects repeat the whole answer at its end, so that it has to be held."""
UNCOUNTED = (Kind.IMAGE, Kind.AUDIO)
"""Blocks whose deltas are no text."""


class Translation:
    """Implements `dialect.Tap`."""

    __slots__ = (
        "_bytes",
        "_held",
        "_reader",
        "_recall",
        "_sequence",
        "_silent",
        "_text_bytes",
        "_writer",
        "done",
        "error",
        "opened",
        "usage",
    )

    def __init__(self, reader: Reader, writer: Writer, recall: Recall) -> None:
        self._reader = reader
        self._recall = recall
        self._writer = writer
        self._sequence = Sequence()
        self._held: list[Event] = []
        """What came before the first meaningful event; written together with it."""
        self._bytes = 0
        self._text_bytes = 0
        self._silent: set[int] = set()
        """Blocks whose deltas are no text."""
        self.usage: Usage | None = None
        self.done = False
        self.error: str | None = None
        self.opened = False

    @property
    def complete(self) -> bool:
        """The answer came to its end."""
        return self.done or self._reader.complete

    def feed(self, data: bytes) -> bytes:
        """The caller's bytes for the provider's. Raises `StreamBroken`."""
        if self.done or self.error is not None:
            return b""
        self._bytes += len(data)
        if self._bytes > STREAM_BYTES_MAX:
            raise StreamBroken(f"more than {STREAM_BYTES_MAX} bytes to translate")
        try:
            events = self._reader.feed(data)
            said = self._say(self._sequence.order(events)) if events else b""
            return said + self._finish() if self._reader.done and self.error is None else said
        except msgspec.MsgspecError as exc:
            # JSON text in an event that is valid and still cannot be read: a number beyond any type.
            raise StreamBroken(str(exc)) from exc

    def rest(self) -> bytes:
        """What is left at the provider's end. Raises `StreamBroken`."""
        if self.done or self.error is not None:
            return b""
        try:
            said = self._say(self._sequence.order(self._reader.end()))
            return said + self._finish() if self._reader.complete and self.error is None else said
        except msgspec.MsgspecError as exc:
            raise StreamBroken(str(exc)) from exc

    def output_tokens_estimate(self) -> int:
        """The gateway's own count of what was generated."""
        return -(-self._text_bytes // _BYTES_PER_TOKEN)

    @property
    def searches(self) -> int:
        """Searches that were seen."""
        return self._reader.searches

    def fail(self, error: GatewayError, exchange_id: str) -> bytes:
        """End the caller's stream with an error."""
        return self._writer.fail(error)

    def _finish(self) -> bytes:
        self.done = True
        events = self._sequence.end()
        # Why it ended is an answer, a refusal for example; an end mark alone is none.
        if not self.opened and not any(isinstance(event, Finish) for event in events):
            return b""
        self.opened = True
        return self._say(events) + self._writer.end()

    def _say(self, events: list[Event]) -> bytes:
        for number, event in enumerate(events):
            kind = event.__class__
            if kind is Delta:
                if event.at not in self._silent:  # type: ignore[union-attr]
                    text = event.text  # type: ignore[union-attr]
                    self._text_bytes += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
                self.opened = True
            elif kind is BlockStart:
                if event.kind in UNCOUNTED:  # type: ignore[union-attr]
                    self._silent.add(event.at)  # type: ignore[union-attr]
                self.opened = True
            elif kind is Used:
                self.usage = event.usage  # type: ignore[union-attr]
            elif isinstance(event, Failed):
                self.error = event.message
                events = events[:number]
                break
        if not self.opened:
            held = self._held + events
            # Of counts only the last one stands; a provider may repeat them for as long as it thinks.
            used = [event for event in held if isinstance(event, Used)]
            self._held = [event for event in held if not isinstance(event, Used)] + used[-1:]
            return b""
        if self._held:
            events = self._held + events
            self._held = []
        return self._writer.write(self._recall.see(events))
