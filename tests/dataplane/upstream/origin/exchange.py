"""What a test sees of one request at the origin, the same for HTTP/1.1 and HTTP/2."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

Headers = Iterable[tuple[str, str]]
Handler = Callable[["Exchange"], Awaitable[None]]

PATIENCE_S = 10.0
"""How long a test waits for something that should come at once, on a busy machine."""


async def until(condition: Callable[[], object], what: str = "condition", patience_s: float = PATIENCE_S) -> None:
    """Poll `condition` until it holds; fails the test after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s} s in vain: {what}")
        await asyncio.sleep(0.005)


class HangUp(NamedTuple):
    """How the client ended an exchange before its end."""

    kind: str
    """`closed` (the connection ended) or `reset` (RST_STREAM)."""
    code: int
    """Error code of the RST_STREAM, 0 otherwise."""
    at: float
    """`time.monotonic()`."""


class Connection(ABC):
    """One connection from a client, as the origin sees it."""

    version: str

    def __init__(self, number: int) -> None:
        self.number = number
        self.exchanges: list[Exchange] = []
        self.closed = asyncio.Event()
        """Set when the client (or the origin itself) has ended the connection."""

    @abstractmethod
    def close(self) -> None:
        """Close it in order: FIN after what was written."""

    @abstractmethod
    def abort(self) -> None:
        """Reset it: RST, what was written may be lost."""


class Exchange(ABC):
    """One request, and the means to answer it in any way."""

    def __init__(self, connection: Connection, method: str, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        self.connection = connection
        self.method = method
        self.path = path
        self.headers = headers
        """As received, names in lower case; HTTP/2 pseudo-headers included."""
        self.body = bytearray()
        self.body_done = asyncio.Event()
        self.hang_up: HangUp | None = None
        self.gone = asyncio.Event()
        self.pushed = 0
        """Body bytes that the socket or the flow-control window has taken."""
        self.done = False
        """The handler has returned."""

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header, or None."""
        return next((value for key, value in self.headers if key == name), None)

    def hung_up(self, kind: str, code: int = 0) -> None:
        """Note that the client is gone."""
        if self.hang_up is None:
            self.hang_up = HangUp(kind, code, time.monotonic())
            self.gone.set()

    async def wait_gone(self) -> HangUp:
        """Wait until the client has hung up."""
        await until(self.gone.is_set, f"hang-up of {self.method} {self.path}")
        assert self.hang_up is not None
        return self.hang_up

    @abstractmethod
    async def informational(self, status: int, headers: Headers = ()) -> None:
        """Send a 1xx response."""

    @abstractmethod
    async def head(self, status: int = 200, headers: Headers = (), *, length: int | None = None) -> None:
        """Send the response's head; without `length`, HTTP/1.1 uses chunked coding."""

    @abstractmethod
    async def data(self, chunk: bytes) -> None:
        """Send a piece of the body; waits while the client does not take it."""

    @abstractmethod
    async def end(self, trailers: Headers = ()) -> None:
        """End the body in order."""

    @abstractmethod
    def reset(self) -> None:
        """Break off: RST (HTTP/1.1) or RST_STREAM with INTERNAL_ERROR (HTTP/2)."""

    async def reply(self, status: int = 200, headers: Headers = (), body: bytes = b"") -> None:
        """A whole response with `content-length`."""
        await self.head(status, headers, length=len(body))
        if body:
            await self.data(body)
        await self.end()

    async def stream(self, chunks: Iterable[bytes]) -> None:
        """A whole response in pieces, without `content-length`."""
        await self.head(200, [("content-type", "text/event-stream")])
        for chunk in chunks:
            await self.data(chunk)
        await self.end()
