"""The narrow edge between the request path and whatever carries bytes to a provider.

Two implementations stand behind it: `wire` (asyncio protocols on the event loop, the default) and `httpx_transport`.
One contract suite, `tests/dataplane/upstream/`, runs on both over HTTP/1.1 and HTTP/2, plain and TLS.
"""

import asyncio
import enum
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

Header = tuple[bytes, bytes]
Sink = Callable[[bytes], bool]
"""Takes bytes at once and says whether it can take more."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request to a provider. The transport adds framing headers (`host`, `content-length`) and nothing else."""

    method: bytes
    origin: str
    """`scheme://host[:port]`, lower case, no trailing slash."""
    target: bytes
    """Path and query, as in the request line."""
    headers: tuple[Header, ...]
    """Names in lower case, without `host`, `content-length` and hop-by-hop fields."""
    body: bytes
    http_version: Literal["auto", "1.1", "2"] = "auto"
    streaming: bool = False
    """The answer is expected to be a stream; `auto` may choose the HTTP version by it."""
    resend: bool = True
    """May be sent once more when a reused connection fails before any response byte. False for media and tasks."""
    tls: str = ""
    """Name of TLS settings given to the transport at construction; empty for the default."""
    proxy: str = ""
    """`http://[user:password@]host:port` to go through, empty for none."""
    timeout_connect_ms: int = 5_000
    timeout_first_byte_ms: int = 300_000
    """From the request's last byte to the response's head."""
    timeout_idle_ms: int = 300_000
    """Between two reads of the response while the reader is waiting."""


class Failure(enum.Enum):
    """Why a request could not be carried out, in terms that decide about failover."""

    CONNECT = "connect"
    """DNS, refused, unreachable, proxy said no: nothing was sent."""
    TLS = "tls"
    """The handshake failed: nothing was sent."""
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_FIRST_BYTE = "timeout_first_byte"
    TIMEOUT_IDLE = "timeout_idle"
    RESET = "reset"
    """The connection or stream ended before the response was complete."""
    PROTOCOL = "protocol"
    """The peer broke HTTP: bad framing, oversized head, corrupt content coding."""
    POOL_FULL = "pool_full"
    """The written limit of connections or waiters for this origin was reached."""
    CLOSED = "closed"
    """The transport is shutting down."""


class TransportError(Exception):
    """A request failed below HTTP. The text is for the operator's log: it may name hosts and never reaches a caller."""

    def __init__(self, failure: Failure, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.failure = failure
        self.sent = sent
        """Bytes of the request may have reached the provider."""


class Unsent(asyncio.CancelledError):
    """The cancellation of a `send` before a byte of its request could leave, so that nobody can be billed for it."""


class Response(Protocol):
    """A response whose head has arrived. Exactly one reader; `close` is due in every case, also after the end."""

    @property
    def status(self) -> int:
        """200-599; 1xx never get here."""

    @property
    def headers(self) -> list[Header]:
        """Names in lower case, in order of arrival, duplicates kept. Trailers are dropped."""

    @property
    def http_version(self) -> str:
        """`1.1` or `2`."""

    async def read(self) -> bytes:
        """The next bytes of the body as they came, never empty before the end; `b""` at the end.

        A body with `content-encoding` is given as it came. While nobody calls `read`, at most a written bound of bytes
        is taken from the provider. Raises `TransportError`.
        """

    async def read_all(self, bytes_max: int) -> bytes | None:
        """The whole rest of the body, or None as soon as it exceeds `bytes_max` (then go on with `read`, which starts
        with the bytes already taken). Raises `TransportError`."""

    async def pass_on(self, sink: Sink) -> bool:
        """Give bytes of the body to `sink` as they come, until it says False (the result is False then) or the body
        ends (True). Raises `TransportError`, and whatever `sink` raises.

        A transport may call `sink` from within the arrival of the bytes, before anything else runs: for a stream of
        small events that saves the wake-up of a task for each. Back-pressure is as with `read`: from False until the
        next call nothing is given.
        """

    def close(self) -> None:
        """Done with it. Ends the exchange at the provider at once if it has not ended; idempotent, never waits."""


class Transport(Protocol):
    """Carries requests; safe for concurrent use by tasks of one event loop.

    Cancelling the task that awaits `send` or `read` ends the upstream exchange at once: connection closed (HTTP/1.1) or
    RST_STREAM (HTTP/2)."""

    async def send(self, request: Request) -> Response:
        """Send, and wait for the head of the response. Raises `TransportError`, and `Unsent` when it is cancelled
        before anything has left."""

    def stats(self) -> "Stats":
        """What is open right now."""

    async def aclose(self) -> None:
        """End all connections and running exchanges."""


class Stats(msgspec.Struct, frozen=True):
    """Connections and exchanges that are open right now; the tests for leaks read it."""

    connections_open: int
    connections_idle: int
    exchanges_open: int
    connecting: int = 0
