"""The relay of a stream, with its bookkeeping: the hot loop of the gateway."""

from collections.abc import Callable

from fastgw.clock import monotonic_ns
from fastgw.dataplane import reply
from fastgw.dataplane.book import Book
from fastgw.dataplane.flight import Flight, Phase
from fastgw.dataplane.relay.downstream import ARRAY_HEADERS, BLANK, KEEPALIVE, STREAM_HEADERS
from fastgw.dataplane.relay.stream import Upstream
from fastgw.dataplane.upstream.transport import Failure, Response, TransportError
from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.hub.dialect import Framing, StreamBroken, Tap

CHECKPOINT_BYTES = 64 * 1024

_CUT = "The provider ended the stream before the answer was complete."
_SILENT = "The provider fell silent before the answer was complete."


def expect_stream(flight: Flight, framing: Framing) -> None:
    """From here on the head may have to go out before the provider has said anything."""
    kind = STREAM_HEADERS if framing == "sse" else ARRAY_HEADERS
    # Google's own SDK takes a comment for the start of an error (google-genai 3.4, 2026-11), and skips blank lines.
    filler = KEEPALIVE if framing == "sse" and flight.dialect != "gemini" else BLANK
    flight.down.hold(lambda: reply.head(flight, kind), filler)
    flight.phase = Phase.STREAM


async def relay_stream(
    flight: Flight, response: Response, tap: Tap, book: Book, keep: Callable[[], None] | None = None
) -> None:
    """Show nothing before the first meaningful event, then pass whole events until the end.

    `keep` is called when the answer is complete and before its end leaves: a caller may come back at once.

    Raises `AttemptFailed` or `TransportError` while nothing has been shown, so that the next candidate may try;
    `GatewayError` once something has.
    """
    upstream = Upstream(response, tap)
    flight.wait_upstream()
    try:
        events = await upstream.open()
    finally:
        flight.waited()
    flight.tap = upstream.tap
    flight.first_byte_ns = flight.down.last_write_ns = monotonic_ns()
    try:
        last = await _pass_on(flight, upstream, events, book)
    except StreamBroken as exc:
        raise GatewayError(ErrorKind.UPSTREAM_BAD_RESPONSE, _CUT) from exc
    except TransportError as exc:
        if exc.failure is Failure.TIMEOUT_IDLE:
            raise GatewayError(ErrorKind.UPSTREAM_TIMEOUT, _SILENT) from exc
        raise GatewayError(ErrorKind.UPSTREAM_CUT, _CUT) from exc
    flight.delivered_bytes += len(last)
    book.answered(flight)
    if keep is not None:
        keep()
    if flight.tell_cost:
        last = reply.cost_note(flight) + last
    await flight.down.finish(last)
    await _linger(flight, response)


async def _pass_on(flight: Flight, upstream: Upstream, events: bytes, book: Book) -> bytes:
    """Send all events but the last ones, which are returned: they may leave only after the exchange is recorded."""
    down, tap = flight.down, upstream.tap
    if not down.started:
        await down.start_held()
    passing = _Passing(flight, upstream, book)
    ended = not passing.take(events) and passing.over
    while not ended:
        # What the server did not take at once is waited for here; most events never wake this task.
        await down.caught_up()
        ended = await upstream.pass_on(passing.arrived) or passing.over
    await down.caught_up()
    if tap.error is not None:
        if passing.last:
            await down.write(passing.last, monotonic_ns())
            flight.delivered_bytes += len(passing.last)
        raise GatewayError(ErrorKind.UPSTREAM_CUT, tap.error or _CUT)
    if tap.done:
        return passing.last
    rest = upstream.end()
    if tap.error is not None or not tap.complete:
        if rest:
            # What the tap takes for said has to be: it ends the stream from there.
            await down.write(rest, monotonic_ns())
            flight.delivered_bytes += len(rest)
        raise GatewayError(ErrorKind.UPSTREAM_CUT, _CUT)
    return rest


class _Passing:
    """What happens to each arrival of a stream; it runs once an event, thousands of times a second."""

    __slots__ = ("_book", "_down", "_flight", "_tap", "_upstream", "last", "over")

    def __init__(self, flight: Flight, upstream: Upstream, book: Book) -> None:
        self._flight = flight
        self._upstream = upstream
        self._book = book
        self._down = flight.down
        self._tap = upstream.tap
        self.over = False
        """The end mark or an error has come; nothing more is taken."""
        self.last = b""
        """The events that came with it."""

    def arrived(self, data: bytes) -> bool:
        """Bytes from the provider. Raises `StreamBroken`."""
        return self.take(self._upstream.events_of(data))

    def take(self, events: bytes) -> bool:
        """Pass whole events on; False when more must wait."""
        tap, flight = self._tap, self._flight
        if tap.done or tap.error is not None:
            self.over, self.last = True, events
            return False
        if not events:
            return True
        flight.delivered_bytes += len(events)
        if flight.delivered_bytes - flight.checkpoint_bytes > CHECKPOINT_BYTES:
            self._book.checkpoint(flight)
        return self._down.push(events)


async def _linger(flight: Flight, response: Response) -> None:
    """Wait shortly for the provider's end of stream: a connection that is cut instead cannot be used again."""
    flight.linger_ns = monotonic_ns()
    flight.phase = Phase.LINGER
    try:
        while await response.read():
            pass
    except TransportError:
        return
