"""A stream on its way back: nothing is shown before the first meaningful event; then whole events pass untouched."""

from fastgw.dataplane.relay.unary import Source, content_codings, content_type, unusable
from fastgw.protocols import coding
from fastgw.protocols.chat.stream import StreamBroken, StreamTap, read_opening

HELD_BYTES_MAX = 1024 * 1024
"""Comments and empty events that a provider may send before its first meaningful one."""
STREAM_BYTES_MAX = 4 * 1024 * 1024 * 1024
"""Of one inflated stream; a bound against compression bombs, far above any answer."""


class Upstream:
    """The provider's side of a stream: reads, inflates what came compressed, and runs the tap over it."""

    __slots__ = ("_inflaters", "_source", "tap")

    def __init__(self, source: Source, *, hide_usage: bool) -> None:
        self._source = source
        self.tap = StreamTap(hide_usage=hide_usage)
        codings = content_codings(source)
        try:
            self._inflaters = [coding.Inflater(name, STREAM_BYTES_MAX) for name in reversed(codings)]
        except coding.CodingError as exc:
            raise unusable(str(exc)) from exc

    async def open(self) -> bytes:
        """Read up to the first meaningful event and return all events so far.

        Raises `AttemptFailed` for anything that is no healthy stream: another media type, an error as first event, an
        end before the first event.
        """
        media_type = content_type(self._source)
        if media_type not in {b"text/event-stream", b""}:
            raise unusable(f"200 with {media_type.decode('latin-1')!r} where a stream was asked for")
        held = b""
        try:
            while True:
                data = await self._source.read()
                if not data:
                    raise unusable("the stream ended before its first event")
                held += self.tap.feed(self._inflate(data) if self._inflaters else data)
                if self.tap.error is not None:
                    raise unusable("the stream began with an error")
                if held and read_opening(held).meaningful:
                    return held
                if self.tap.done:
                    raise unusable("the stream held nothing but its end")
                if len(held) > HELD_BYTES_MAX:
                    raise unusable(f"{HELD_BYTES_MAX} bytes without a meaningful event")
        except (StreamBroken, coding.CodingError, coding.TooLarge) as exc:
            raise unusable(str(exc)) from exc

    async def read(self) -> bytes | None:
        """The next whole events, b"" when only a part of one has come, None at the provider's end of the stream.

        Raises `StreamBroken` and what the source raises.
        """
        data = await self._source.read()
        if not data:
            return None
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
