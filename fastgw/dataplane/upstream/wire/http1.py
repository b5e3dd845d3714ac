"""One HTTP/1.1 connection: requests written whole, responses parsed by httptools, one exchange at a time.

What httptools leaves to its user is done here: bounds on heads, trailers and framing, bodies that end with the
connection (RFC 9112 section 6.3), responses to HEAD, interim responses, bytes after the end, and whether the
connection may carry another request (only when both messages are whole and nothing else has come).
"""

import asyncio
import select
from typing import cast

import httptools

from fastgw.clock import monotonic_ns
from fastgw.dataplane.upstream.transport import Failure, Header, Request
from fastgw.dataplane.upstream.wire.connection import Owner
from fastgw.dataplane.upstream.wire.exchange import Again, Exchange
from fastgw.dataplane.upstream.wire.http1_head import RequestHeads, ends_with_connection

_PARSER_ERRORS = (httptools.HttpParserError, httptools.HttpParserUpgrade)


class Http11Connection(asyncio.Protocol):
    """Implements `connection.Connection`. The `on_` methods are what httptools calls while bytes are fed to it."""

    __slots__ = (
        "_bounds",
        "_dead",
        "_exchange",
        "_fault",
        "_head_done",
        "_headers",
        "_heads",
        "_interim",
        "_keep",
        "_may_write",
        "_message_done",
        "_new_parser",
        "_owner",
        "_parser",
        "_paused",
        "_responding",
        "_served",
        "_stray",
        "_transport",
        "_unframed_bytes",
        "_unsent",
        "exchanges_open",
        "idle_since_ns",
    )
    http_version = "1.1"
    settled = True

    delivers = True

    def __init__(self, owner: Owner) -> None:
        self.exchanges_open = 0
        self.idle_since_ns = 0
        self._owner = owner
        self._bounds = owner.bounds
        self._transport: asyncio.Transport
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._served = 0
        self._dead = True
        self._paused = False
        self._may_write = True
        self._new_parser = False
        self._unsent: memoryview | None = None
        self._heads = RequestHeads(owner.origin)
        self._reset()

    def _reset(self) -> None:
        self._headers: list[Header] = []
        self._unframed_bytes = 0
        """Received since the last read that brought some of a body: heads, chunk sizes, trailers."""
        self._head_done = False
        self._message_done = False
        self._responding = False
        self._interim = False
        self._keep = False
        self._stray = False
        self._fault = ""

    # What the pool calls.

    def room(self) -> int:
        """1 while no exchange holds the connection and it is open."""
        return 0 if self._dead or self._exchange is not None or self._transport.is_closing() else 1

    def silent(self) -> bool:
        """Nothing waits to be read, not even the end of the stream: asked of the kernel, for one system call."""
        poller = select.poll()
        poller.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poller.poll(0)

    def start(self, request: Request) -> Exchange:
        """Write the head and a body of at most `write_piece_bytes` at once, the rest of a long body as it drains."""
        head = self._heads.head(request)
        body = request.body
        exchange = self._exchange = Exchange(self, request, self._owner.exchanges, "1.1")
        self._served += 1
        self.exchanges_open = 1
        self.idle_since_ns = 0
        self._reset()
        if len(body) <= self._bounds.write_piece_bytes:
            self._transport.write(head + body)
            exchange.sent_all()
        else:
            self._unsent = memoryview(body)
            self._transport.write(head)
            self.resume_writing()
        return exchange

    def abandon(self, exchange: Exchange) -> None:
        """Close the connection under a running exchange."""
        if exchange is self._exchange:
            self._end()

    def consumed(self, exchange: Exchange, size: int) -> None:
        """The reader has caught up: read on."""
        if self._paused and exchange is self._exchange:
            self._paused = exchange.wants_consumed = False
            self._transport.resume_reading()

    def sweep(self, now_ns: int) -> None:
        """Nothing to do: an exchange has its own deadline, an idle connection that of the pool."""

    def close(self) -> None:
        """End the connection; a running exchange fails with CLOSED."""
        self._break(Failure.CLOSED, "the connection was closed by the gateway")

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready at once."""
        self._transport = cast(asyncio.Transport, transport)
        self._dead = False
        self.idle_since_ns = monotonic_ns()

    def data_received(self, data: bytes) -> None:
        """Parse; then see what the bytes have ended, broken or filled."""
        exchange, parser = self._exchange, self._parser
        if exchange is None or parser is None:
            self._end()
            return
        self._responding = True
        self._unframed_bytes += len(data)
        try:
            parser.feed_data(data)
        except _PARSER_ERRORS as error:
            self._stray = True
            if not self._message_done:
                self._fault = self._fault or f"malformed response: {error}"
        bounds = self._bounds
        if not self._fault:
            exchange.deliver()
        if self._fault:
            self._break(Failure.PROTOCOL, self._fault)
        elif self._message_done:
            self._finish(exchange)
        elif self._unframed_bytes > bounds.header_bytes_max:
            self._break(Failure.PROTOCOL, "the head, trailers or chunk framing of the response exceed the limit")
        elif exchange.buffered_bytes > bounds.read_high_water_bytes and not exchange.wants_all and not self._paused:
            self._paused = exchange.wants_consumed = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """The end of a body that has no other end; anything else is cut off in `connection_lost`."""
        exchange = self._exchange
        if exchange is not None and self._head_done and ends_with_connection(exchange.headers):
            self._finish(exchange)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the running exchange, saying whether it may go out once more, and leave the pool."""
        self._dead = True
        exchange, self._exchange = self._exchange, None
        self._parser = None
        self._unsent = None
        self.exchanges_open = 0
        if exchange is not None:
            again = Again.IF_RESEND if self._served > 1 and not self._responding else Again.NO
            exchange.failed(Failure.RESET, f"the connection was closed by the peer ({exc or 'end of stream'})", again)
        self._owner.lost(self)

    def pause_writing(self) -> None:
        """The socket is full: the next piece of a long body waits."""
        self._may_write = False

    def resume_writing(self) -> None:
        """Go on with a long body. A write that the socket takes at once never pauses, hence the loop."""
        self._may_write = True
        size = self._bounds.write_piece_bytes
        while self._may_write and self._unsent is not None and self._exchange is not None:
            piece, rest = self._unsent[:size], self._unsent[size:]
            self._unsent = rest if len(rest) else None
            self._transport.write(piece)
            self._exchange.sent_all()

    # What httptools calls.

    def on_message_begin(self) -> None:
        """The first byte of a message; of one that nobody asked for, when the response is over."""
        if self._message_done:
            self._stray = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or a trailer. RFC 9110 section 5.5: white space around a value is not part of it."""
        headers = self._headers
        if len(headers) >= self._bounds.header_count_max:
            self._fault = "the response has more headers than the limit"
            return
        if value and value[-1] <= 32:
            value = value.rstrip(b" \t")
        headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Hand on a final head, skip an interim one (RFC 9110 section 15.2)."""
        assert self._parser is not None
        exchange, headers = self._exchange, self._headers
        if self._fault or self._message_done or exchange is None:
            return
        self._headers = []
        status = self._parser.get_status_code()
        bytes_max = self._bounds.header_bytes_max
        if self._unframed_bytes > bytes_max and sum(len(name) + len(value) + 4 for name, value in headers) > bytes_max:
            self._fault = "the head of the response exceeds the limit"
        elif 100 <= status < 200 and status != 101:
            self._interim = True
        elif not 200 <= status < 600:
            self._fault = f"unexpected status {status}"
        else:
            self._head_done = True
            self._unframed_bytes = 0
            exchange.head_arrived(status, headers)
            if exchange.request.method == b"HEAD":
                self._message_done = self._new_parser = True
                self._keep = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Bytes of the body."""
        if self._exchange is None or self._message_done or self._fault:
            self._stray = True
            return
        self._unframed_bytes = 0
        self._exchange.data_arrived(data)

    def on_message_complete(self) -> None:
        """The end of a message that says where it ends."""
        if self._interim:
            self._interim = False
        elif self._head_done and not self._message_done:
            assert self._parser is not None
            self._message_done = True
            self._keep = self._parser.should_keep_alive()

    # Ends.

    def _finish(self, exchange: Exchange) -> None:
        """The response is whole: free the connection for another, or close it."""
        if (
            self._keep
            and not self._stray
            and self._unsent is None
            and self._may_write
            and not self._transport.is_closing()
        ):
            self._exchange = None
            self.exchanges_open = 0
            self.idle_since_ns = monotonic_ns()
            if self._new_parser:
                self._new_parser = False
                self._parser = httptools.HttpResponseParser(self)
            exchange.ended()
            self._owner.freed(self)
        else:
            self._end()
            exchange.ended()

    def _break(self, failure: Failure, detail: str) -> None:
        exchange = self._exchange
        self._end()
        if exchange is not None:
            exchange.failed(failure, detail)

    def _end(self) -> None:
        """Close the socket without waiting for anything; `connection_lost` follows."""
        self._exchange = None
        self._unsent = None
        self.exchanges_open = 0
        if not self._dead:
            self._dead = True
            self._transport.abort()
