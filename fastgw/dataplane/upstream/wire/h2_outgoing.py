"""The half of an HTTP/2 connection that speaks: opens streams, gives credit, ends streams, and writes once per tick.

The other half, `h2`, listens. Flow control towards us: the socket is never paused. Credit for the connection goes back
as soon as bytes arrive; credit for a stream only when its reader has taken what came. So `read_high_water_bytes` per
stream lie unread at most, and the connection's window (that size times the streams) holds up no stream for another.
"""

import asyncio
import struct

from fastgw.clock import monotonic_ns
from fastgw.dataplane.upstream.transport import Failure, Request, TransportError
from fastgw.dataplane.upstream.wire.connection import Owner
from fastgw.dataplane.upstream.wire.exchange import Again, Exchange
from fastgw.dataplane.upstream.wire.h2_codes import FINAL_STREAM_ID, WINDOW_DEFAULT, WINDOW_MAX, Code, Kind
from fastgw.dataplane.upstream.wire.h2_parser import client_parser, exceptions
from fastgw.dataplane.upstream.wire.h2_stream import Http2Exchange, request_head
from fastgw.dataplane.upstream.wire.h2_upload import Uploads, send_some

_window_update = struct.Struct(">HBBBII").pack
_NS_PER_MS = 1_000_000


class Outgoing(asyncio.Protocol):
    """State of a connection, and everything that it does of its own accord. `h2.Http2Connection` completes it."""

    http_version = "2"

    delivers = False
    """Many streams share a read, and each of their readers has to be woken for it."""

    def __init__(self, owner: Owner) -> None:
        self.exchanges_open = 0
        self.idle_since_ns = 0
        self.settled = False
        self._owner = owner
        self._bounds = bounds = owner.bounds
        self._parser = client_parser(bounds)
        self._uploads = Uploads(self._parser)
        self._streams: dict[int, Http2Exchange] = {}
        self._next_id = 1
        self._served = 0
        self._dead = True
        self._draining = False
        # Until the peer's SETTINGS say how many streams it takes, one may go ahead; a burst behind it waits.
        self._streams_max = 1
        self._transport: asyncio.Transport
        self._loop: asyncio.AbstractEventLoop
        self._credits: list[bytes] = []
        self._parser_spoke = True
        self._flush_due = False
        self._paused = False
        self._heard_ns = 0
        self._pinged_ns = 0
        self._window = bounds.read_high_water_bytes
        self._connection_window = min(
            max(self._window * bounds.http2_streams_per_connection_max, WINDOW_DEFAULT + 1), WINDOW_MAX
        )

    # What the pool and exchanges call.

    def room(self) -> int:
        """Streams that may be opened now, by the peer's limit and ours."""
        if self._dead or self._draining or self._transport.is_closing():
            return 0
        return max(0, self._streams_max - len(self._streams))

    def silent(self) -> bool:
        """Always: a peer that is about to end the connection says which streams it has taken."""
        return True

    def start(self, request: Request) -> Exchange:
        """Open a stream; what the windows do not take of the body follows as they open."""
        head = request_head(request, self._owner.origin)
        size = len(request.body)
        stream_id = self._next_id
        try:
            self._parser.send_headers(stream_id, head, end_stream=not size)
        except exceptions.ProtocolError as error:
            raise TransportError(Failure.PROTOCOL, f"no stream could be opened: {error}", sent=False) from error
        self._next_id += 2
        self._draining = self._draining or self._next_id > FINAL_STREAM_ID
        stream = Http2Exchange(self, request, self._owner.exchanges, "2")
        stream.begin(stream_id, self._window)
        self._streams[stream_id] = stream
        self.exchanges_open += 1
        self.idle_since_ns = 0
        stream.sent_all()
        if size:
            piece = min(size, self._bounds.write_piece_bytes)
            while not self._paused and stream.body_sent < piece and send_some(self._parser, stream):
                pass
            if stream.body_sent < size:
                self._uploads.add(stream)
                self._loop.call_soon(self._pump)
        self._flush_soon()
        return stream

    def abandon(self, exchange: Exchange) -> None:
        """RST_STREAM with CANCEL, in this tick."""
        assert isinstance(exchange, Http2Exchange)
        if self._streams.get(exchange.stream_id) is exchange:
            self._reset(exchange, Code.CANCEL)
            self._forget(exchange)

    def consumed(self, exchange: Exchange, size: int) -> None:
        """The reader has caught up with everything that came: open the stream's window to its full size again."""
        assert isinstance(exchange, Http2Exchange)
        exchange.wants_consumed = False
        if self._streams.get(exchange.stream_id) is exchange:
            self._credit(exchange.stream_id, self._window - exchange.window_left)
            exchange.window_left = self._window

    def sweep(self, now_ns: int) -> None:
        """Ask a peer for a sign of life that is silent while exchanges wait; without an answer the connection ends."""
        if self._dead or not self._streams or self._heard_ns > self._pinged_ns > 0:
            self._pinged_ns = 0
        elif self._pinged_ns:
            if now_ns - self._pinged_ns > self._bounds.ping_timeout_ms * _NS_PER_MS:
                self._break(Failure.RESET, "the peer did not answer a PING")
        elif now_ns - self._heard_ns > self._bounds.ping_after_ms * _NS_PER_MS:
            self._pinged_ns = now_ns
            self._parser.ping(b"liveness")
            self._flush_soon()

    def close(self) -> None:
        """GOAWAY, then the end of the socket; open exchanges fail with CLOSED."""
        if not self._dead:
            self._parser.close_connection()
            self._break(Failure.CLOSED, "the connection was closed by the gateway")

    # What the event loop calls about writing.

    def pause_writing(self) -> None:
        """The socket's buffer is full: request bodies wait, control frames do not."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on with the bodies."""
        self._paused = False
        self._pump()

    def _pump(self) -> None:
        """Send on what the windows of peer and socket take; the rest waits for either of them."""
        if self._dead or self._paused or not self._uploads:
            return
        piece = self._bounds.write_piece_bytes
        taken = self._uploads.send(piece)
        if taken:
            self._parser_spoke = True
            self._flush()
        if taken >= piece and self._uploads and not self._paused:
            self._loop.call_soon(self._pump)

    def _credit(self, stream_id: int, size: int) -> None:
        self._credits.append(_window_update(0, 4, Kind.WINDOW_UPDATE, 0, stream_id, size))
        self._flush_soon()

    def _flush_soon(self) -> None:
        self._parser_spoke = True
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """One write for everything that this tick has to say."""
        self._flush_due = False
        if self._parser_spoke and not self._transport.is_closing():
            self._parser_spoke = False
            data = self._parser.data_to_send()
            if self._credits:
                # Credit first: a RST_STREAM may follow for the same stream.
                data = b"".join(self._credits) + data
                self._credits.clear()
            if data:
                self._transport.write(data)

    # How streams and the connection end.

    def _reset(self, stream: Http2Exchange, code: int) -> None:
        try:
            self._parser.reset_stream(stream.stream_id, code)
        except exceptions.ProtocolError:
            # The peer has ended its side in the very frame that is at fault: nothing is left to reset.
            self._parser.streams.pop(stream.stream_id, None)
        self._flush_soon()

    def _forget(self, stream: Http2Exchange) -> None:
        """Take a stream off the table; the last one of a draining connection closes it."""
        if self._streams.pop(stream.stream_id, None) is None:
            return
        self._uploads.drop(stream)
        self.exchanges_open -= 1
        if not self.exchanges_open:
            self.idle_since_ns = monotonic_ns()
            if self._draining:
                self.close()
                return
        self._owner.freed(self)

    def _fail(self, stream: Http2Exchange, failure: Failure, detail: str, again: Again = Again.NO) -> None:
        stream.failed(failure, detail, again)
        self._forget(stream)

    def _fail_all(self, failure: Failure, detail: str) -> None:
        streams = list(self._streams.values())
        self._streams.clear()
        self.exchanges_open = 0
        reused = self._served > 0
        for stream in streams:
            self._uploads.drop(stream)
            stream.failed(failure, detail, Again.IF_RESEND if reused and not stream.touched else Again.NO)

    def _break(self, failure: Failure, detail: str) -> None:
        """End the connection; what the parser has queued (a GOAWAY with the reason) goes out if the socket takes it."""
        self._flush_soon()
        self._flush()
        self._dead = True
        if failure is Failure.CLOSED and not self._transport.get_write_buffer_size():
            self._transport.close()
        else:
            self._transport.abort()
        self._fail_all(failure, detail)
