"""One request and its response: the buffer between a connection, which is driven by the socket, and the one reader.

Both HTTP versions use this class as it is. The connection makes it in `start`, then calls `sent_all`, `head_arrived`,
`data_arrived` any number of times, and either `ended` or `failed`; each of them only stores and wakes the reader, so
they may be called from the middle of parsing. Deadlines are numbers that one sweeper compares; no timer is made.
"""

import asyncio
import enum
from typing import Protocol

from fastgw.clock import monotonic_ns
from fastgw.dataplane.upstream.transport import Failure, Header, Request, Sink, TransportError

_NS_PER_MS = 1_000_000


class Again(enum.Enum):
    """Whether a failed request may be sent once more, as the connection knows it."""

    NO = 0
    IF_RESEND = 1
    """A reused connection ended before any byte of the response: yes if `Request.resend`."""
    YES = 2
    """The peer says that it did not process the request (REFUSED_STREAM, GOAWAY below this stream)."""


class Peer(Protocol):
    """The connection, as its exchange sees it; described at `connection.Connection`."""

    @property
    def delivers(self) -> bool:
        """It calls `deliver` after each read that it has parsed, so that data need not wake the reader."""

    def abandon(self, exchange: "Exchange") -> None:
        """End the exchange at the peer at once."""

    def consumed(self, exchange: "Exchange", size: int) -> None:
        """Bytes have left the buffer."""


class Exchange:
    """Implements `upstream.transport.Response`. Made by a connection, for which the methods below `close` are meant."""

    __slots__ = (
        "_chunks",
        "_credited",
        "_error",
        "_open",
        "_peer",
        "_refused",
        "_sink",
        "_waiter",
        "_whole_max",
        "again",
        "buffered_bytes",
        "complete",
        "deadline_ns",
        "headers",
        "http_version",
        "request",
        "status",
        "wants_consumed",
    )

    def __init__(self, peer: Peer, request: Request, open_exchanges: "set[Exchange]", http_version: str) -> None:
        self.request = request
        self.http_version = http_version
        self.status = 0
        """0 until the head has arrived."""
        self.headers: list[Header] = []
        self.complete = False
        """The whole response has arrived (read or not)."""
        self.buffered_bytes = 0
        """Body bytes that the reader has not taken; the connection compares it with its bound."""
        self.wants_consumed = False
        """Set by the connection: call `consumed` for bytes that leave the buffer."""
        self.deadline_ns = 0
        """Monotonic time at which the sweeper calls `expire`; 0 for none."""
        self.again = Again.NO
        self._peer = peer
        self._open = open_exchanges
        self._chunks: list[bytes] = []
        self._credited = 0
        self._error: TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._whole_max = -1
        self._sink: Sink | None = None
        self._refused: Exception | bool | None = None
        """Why the sink takes no more: it said so (True), or what it raised."""
        open_exchanges.add(self)

    async def head_of_response(self) -> None:
        """Wait until `status` and `headers` are there. Raises `TransportError`; when cancelled, ends the exchange."""
        while self.status == 0:
            if self._error is not None:
                raise self._error
            await self._wait()

    async def read(self) -> bytes:
        """The bytes that have come since the last call, waiting for the first of them; `b""` at the end."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self.complete:
                return b""
            self.deadline_ns = monotonic_ns() + self.request.timeout_idle_ms * _NS_PER_MS
            await self._wait()
            self.deadline_ns = 0
        return self._take()

    async def read_all(self, bytes_max: int) -> bytes | None:
        """The whole rest, with one wake-up of the reader; None once it exceeds `bytes_max`, with nothing lost."""
        if not self.complete and self._error is None and self.buffered_bytes <= bytes_max:
            self._whole_max = bytes_max
            self._credit()
            try:
                while not self.complete and self._error is None and self.buffered_bytes <= bytes_max:
                    self.deadline_ns = monotonic_ns() + self.request.timeout_idle_ms * _NS_PER_MS
                    await self._wait()
            finally:
                self._whole_max = -1
                self.deadline_ns = 0
        if self.buffered_bytes > bytes_max:
            return None
        if self._error is not None:
            raise self._error
        return self._take()

    async def pass_on(self, sink: Sink) -> bool:
        """Give what comes to `sink`; over HTTP/1.1 from within the arrival, without waking this task."""
        while True:
            if self._chunks:
                if not sink(self._take()):
                    return False
                continue
            if self._error is not None:
                raise self._error
            if self.complete:
                return True
            self._sink = sink if self._peer.delivers else None
            self.deadline_ns = monotonic_ns() + self.request.timeout_idle_ms * _NS_PER_MS
            try:
                await self._wait()
            finally:
                self._sink = None
                self.deadline_ns = 0
            if self._refused is not None:
                refused, self._refused = self._refused, None
                if isinstance(refused, Exception):
                    raise refused
                return False

    def deliver(self) -> None:
        """The connection has parsed a whole read: what it held goes to the sink, if one is waiting."""
        sink = self._sink
        if sink is None or not self._chunks:
            return
        try:
            more = sink(self._take())
        except Exception as error:  # it belongs to the reader, and must not look like a fault of the connection
            self._refused = error
        else:
            if more:
                self.deadline_ns = monotonic_ns() + self.request.timeout_idle_ms * _NS_PER_MS
                return
            self._refused = True
        self._sink = None
        self._wake()

    def close(self) -> None:
        """Done: ends the exchange at the provider if it still runs, and drops what was not read."""
        self._chunks = []
        self.buffered_bytes = 0
        if self._error is None and not self.complete:
            self._abandon(TransportError(Failure.CLOSED, "the exchange was closed by its reader", sent=True))

    def _take(self) -> bytes:
        if self.wants_consumed:
            self._credit()
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        self.buffered_bytes = self._credited = 0
        return data

    def _credit(self) -> None:
        owed = self.buffered_bytes - self._credited
        if self.wants_consumed and owed:
            self._credited = self.buffered_bytes
            self._peer.consumed(self, owed)

    async def _wait(self) -> None:
        assert self._waiter is None, "an exchange has exactly one reader"
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _abandon(self, error: TransportError) -> None:
        self._error = error
        self.deadline_ns = 0
        self._open.discard(self)
        self._peer.abandon(self)
        self._wake()

    # What the connection calls.

    def sent_all(self) -> None:
        """The last byte of the request went to the socket: the wait for the head begins. May be called again, each
        time that a piece of a long body goes out, to start that wait anew."""
        if self.status == 0:
            self.deadline_ns = monotonic_ns() + self.request.timeout_first_byte_ms * _NS_PER_MS

    def head_arrived(self, status: int, headers: list[Header]) -> None:
        """The final head: 200-599 (the connection skips 1xx and refuses 101)."""
        self.status = status
        self.headers = headers
        self.deadline_ns = 0
        self._wake()

    def data_arrived(self, data: bytes) -> None:
        """Bytes of the body, not empty."""
        self._chunks.append(data)
        self.buffered_bytes += len(data)
        if self._whole_max < 0:
            if self._sink is None:
                self._wake()
            return
        self._credit()
        self.deadline_ns = monotonic_ns() + self.request.timeout_idle_ms * _NS_PER_MS
        if self.buffered_bytes > self._whole_max:
            self._wake()

    def ended(self) -> None:
        """The response is complete. The exchange is no longer open, whether or not it has been read."""
        self.complete = True
        self.deadline_ns = 0
        self._open.discard(self)
        self._wake()

    def failed(self, failure: Failure, detail: str, again: Again = Again.NO) -> None:
        """The exchange ended before its response was complete. What was buffered can still be read; then it raises."""
        if self._error is None and not self.complete:
            self._error = TransportError(failure, detail, sent=again is not Again.YES)
            self.again = again
            self.deadline_ns = 0
            self._open.discard(self)
            self._wake()

    # What the sweeper calls.

    def expire(self) -> None:
        """The deadline has passed."""
        failure = Failure.TIMEOUT_IDLE if self.status else Failure.TIMEOUT_FIRST_BYTE
        self._abandon(TransportError(failure, f"nothing came from {self.request.origin} in time", sent=True))

    @property
    def wants_all(self) -> bool:
        """The reader takes the body as it comes, up to a bound of its own: the connection must not stop reading."""
        return self._whole_max >= 0
