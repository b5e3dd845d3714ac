"""A stream on its way back: nothing is shown before the first meaningful event; then whole events pass untouched."""

from collections.abc import Callable

from fastgw.dataplane.relay.unary import Source, content_codings, content_type, unusable
from fastgw.protocols import coding
from fastgw.protocols.hub.dialect import StreamBroken, Tap

HELD_BYTES_MAX = 1024 * 1024
"""Comments and empty events that a provider may send before its first meaningful one."""
STREAM_BYTES_MAX = 4 * 1024 * 1024 * 1024
"""Of one inflated stream; a bound against compression bombs, far above any answer."""

READ_BYTES_MAX = 16 * 1024 * 1024
"""That one read may inflate to: the event with the largest image fits, a bomb does not."""

_MEDIA_TYPES = frozenset((b"text/event-stream", b"application/vnd.amazon.eventstream", b""))


class Upstream:
    """The provider's side of a stream: reads, inflates what came compressed, and runs the tap over it."""

    __slots__ = ("_inflaters", "_source", "tap")

    def __init__(self, source: Source, tap: Tap) -> None:
        self._source = source
        self.tap = tap
        codings = content_codings(source)
        try:
            self._inflaters = [coding.Inflater(name, STREAM_BYTES_MAX, READ_BYTES_MAX) for name in reversed(codings)]
        except coding.CodingError as exc:
            raise unusable(str(exc)) from exc

    async def open(self) -> bytes:
        """Read up to the first meaningful event and return all events so far.

        Raises `AttemptFailed` for anything that is no healthy stream: another media type, an error as first event, an
        end before the first event.
        """
        media_type = content_type(self._source)
        if media_type not in _MEDIA_TYPES:
            raise unusable(f"200 with {media_type.decode('latin-1')!r} where a stream was asked for")
        held: list[bytes] = []
        held_bytes = 0
        try:
            while True:
                data = await self._source.read()
                if not data:
                    # A refusal may be nothing but a reason for finishing.
                    held.append(self.end())
                    if self.tap.error is None and self.tap.opened and self.tap.complete:
                        return b"".join(held)
                    raise unusable("the stream ended before its first event")
                events = self.tap.feed(self._inflate(data) if self._inflaters else data)
                held.append(events)
                held_bytes += len(events)
                if self.tap.error is not None:
                    raise unusable("the stream began with an error")
                if self.tap.opened:
                    return b"".join(held)
                if self.tap.done:
                    raise unusable("the stream held nothing but its end")
                if held_bytes > HELD_BYTES_MAX:
                    raise unusable(f"{HELD_BYTES_MAX} bytes without a meaningful event")
        except (StreamBroken, coding.CodingError, coding.TooLarge) as exc:
            raise unusable(str(exc)) from exc

    async def pass_on(self, sink: Callable[[bytes], bool]) -> bool:
        """Give what the provider sends to `sink` until it says False, or the stream ends (True)."""
        return await self._source.pass_on(sink)

    def events_of(self, data: bytes) -> bytes:
        """The whole events that `data` completes, b"" when only a part of one has come. Raises `StreamBroken`."""
        if self._inflaters:
            try:
                data = self._inflate(data)
            except (coding.CodingError, coding.TooLarge) as exc:
                raise StreamBroken(str(exc)) from exc
        return self.tap.feed(data)

    def end(self) -> bytes:
        """What is still to be forwarded after the provider's end. Raises `StreamBroken` for a cut coding."""
        try:
            for inflater in self._inflaters:
                inflater.finish()
        except coding.CodingError as exc:
            raise StreamBroken(str(exc)) from exc
        return self.tap.rest()

    def _inflate(self, data: bytes) -> bytes:
        for inflater in self._inflaters:
            data = inflater.feed(data)
        return data
