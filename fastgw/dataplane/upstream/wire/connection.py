"""What the pool and a connection know of each other, whichever HTTP version the connection speaks.

A connection is an `asyncio.Protocol` that is made once the version is known. For TLS that is when the handshake has
ended: a chooser protocol reads the ALPN result in its own `connection_made`, makes the connection for it, gives it the
transport by `set_protocol` and calls its `connection_made(transport)`, all before a byte of the peer can be delivered.
Without TLS the connection is the first protocol. Either way `connection_made` is the start, and the connection must be
able to take an exchange when that call returns: HTTP/2 has written its preface and SETTINGS by then and assumes the
peer's limits until the peer's SETTINGS arrive.

Everything here runs on one event loop and none of it waits; calls never overlap, but they may nest: `Owner.freed`
called by a connection may call `start` on that same connection before it returns.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec

from fastgw.dataplane.upstream.transport import Request
from fastgw.dataplane.upstream.wire.exchange import Exchange


class Origin(msgspec.Struct, frozen=True):
    """One origin as its connections need it."""

    scheme: str
    """`http` or `https`."""
    host: str
    """Name or address literal without brackets."""
    port: int
    authority: bytes
    """Value of `host` or `:authority`: host and port, without the scheme's default port."""
    http1_lines: bytes = b""
    """The head lines that every HTTP/1.1 request to this origin carries: `host`, and a plain proxy's authorization."""
    http1_target_prefix: bytes = b""
    """`http://authority` towards a plain proxy, which takes targets in absolute form (RFC 9112 section 3.2.2)."""


class WireBounds(msgspec.Struct, frozen=True):
    """Every limit of the transport: counts, bytes and milliseconds."""

    http1_connections_per_origin_max: int = 10_000
    http2_connections_per_origin_max: int = 128
    http2_streams_per_connection_max: int = 100
    """Of one connection, even where the peer allows more."""
    waiters_per_origin_max: int = 4096
    """Calls that wait for a connection, those that wait for one being opened included."""
    origins_max: int = 1024
    """Pools; at the limit, one that is not in use makes room for the next."""
    idle_ms: int = 55_000
    """A connection without an exchange is closed after this time; below the minute that many balancers use."""
    read_high_water_bytes: int = 128 * 1024
    """Bytes of one body that may lie unread before the reading stops (HTTP/1.1); the stream window of HTTP/2."""
    socket_receive_bytes: int = 256 * 1024
    """Asked of the kernel for each socket, which may take up to twice that; left alone, it lets the buffer of a slow
    reader grow to tens of megabytes. At a round trip of 100 ms it allows about 2.5 MB/s. 0 leaves it to the kernel."""
    write_piece_bytes: int = 256 * 1024
    """Request bodies above this size are written in pieces, each when the socket has taken the one before."""
    ping_after_ms: int = 20_000
    """Silence of an HTTP/2 peer, while exchanges are open, after which it is asked for a sign of life."""
    ping_timeout_ms: int = 10_000
    """How long the answer may take."""
    header_count_max: int = 128
    header_bytes_max: int = 64 * 1024
    """Of one response head, status line and trailers included."""
    dns_entries_max: int = 1024
    dns_ttl_ms: int = 30_000
    dns_threads: int = 4


class Owner(Protocol):
    """The pool, as a connection sees it."""

    @property
    def origin(self) -> Origin:
        """Where the connection leads."""

    @property
    def bounds(self) -> WireBounds:
        """The limits."""

    @property
    def exchanges(self) -> set[Exchange]:
        """All open exchanges; handed to each new `Exchange`, which adds and removes itself. The sweeper reads it."""

    def freed(self, connection: "Connection") -> None:
        """The result of `room` has changed: an exchange has ended, the peer raised or lowered its limit, or said
        GOAWAY. Not for the exchange that `start` has just begun. The pool may call `start` from here."""

    def lost(self, connection: "Connection") -> None:
        """The socket is gone (last thing in `connection_lost`, after failing the open exchanges); called once."""


class Connection(Protocol):
    """One connection to an origin."""

    http_version: str
    """`1.1` or `2`."""
    idle_since_ns: int
    """Monotonic time at which the last exchange ended (or the connection was made); 0 while exchanges are open."""
    exchanges_open: int
    """Exchanges that hold the connection now."""
    settled: bool
    """The peer has said how many exchanges it takes. Until then `room` is 1 at most and more may come by `freed`, so a
    waiter is better off waiting for that than for a new connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of `asyncio.Protocol`; see the module."""

    def room(self) -> int:
        """How many more exchanges may start now: 0 when full, draining, closing or closed."""

    def silent(self) -> bool:
        """Asked of an idle connection before a request that cannot be sent twice: False when the peer has said or
        ended something that has not been read yet."""

    def start(self, request: Request) -> Exchange:
        """Send `request` (only while `room() > 0`) and give its exchange; the head is awaited with
        `Exchange.head_of_response`. Raises `TransportError` with `sent=False` when the request cannot be put on the
        wire (a header with a line break); the connection is unharmed then."""

    def abandon(self, exchange: Exchange) -> None:
        """End `exchange` at the peer at once: close the connection (HTTP/1.1) or RST_STREAM with CANCEL (HTTP/2), and
        forget it. The exchange calls this at most once, before its end, and has taken care of its own state and
        reader: the connection must not call it back."""

    def consumed(self, exchange: Exchange, size: int) -> None:
        """`size` bytes given by `data_arrived` have left the exchange's buffer. Called only while
        `exchange.wants_consumed` is set, perhaps from within `data_arrived`, and perhaps after the exchange ended."""

    def sweep(self, now_ns: int) -> None:
        """Called by the transport's sweeper every few hundred milliseconds, for timers of the connection's own."""

    def close(self) -> None:
        """End the connection now. Open exchanges fail with `Failure.CLOSED`; `Owner.lost` follows. Idempotent."""


ConnectionFactory = Callable[[Owner], Connection]
"""Makes the connection for one HTTP version: `Http11Connection` or `Http2Connection`."""
