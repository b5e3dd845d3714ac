"""A response that httpx is reading."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx

from fastgw.dataplane.upstream.httpx_failures import FOREIGN, mapped
from fastgw.dataplane.upstream.httpx_network import Trail
from fastgw.dataplane.upstream.transport import Failure, Header, Request, Sink, TransportError
from fastgw.observe.tasks import spawn


class HttpxResponse:
    """Implements `upstream.transport.Response`."""

    def __init__(self, request: Request, response: httpx.Response, trail: Trail, done: Callable[[], None]) -> None:
        """`done` is called once, when the exchange is no longer open."""
        self.status = response.status_code
        self.headers: list[Header] = [(name.lower(), value) for name, value in response.headers.raw]
        self.http_version = "2" if response.extensions.get("http_version") == b"HTTP/2" else "1.1"
        self._response = response
        self._trail = trail
        self._done = done
        self._idle_s = request.timeout_idle_ms / 1000
        self._chunks: AsyncIterator[bytes] = aiter(response.stream)  # type: ignore[arg-type]
        self._taken: list[bytes] = []
        self._received = 0
        self._length = _length(request, self.status, self.headers)
        self._ended = False
        self._closed = False
        self._error: TransportError | None = None

    async def read(self) -> bytes:
        """The next piece as the engine gives it."""
        if self._taken:
            data, self._taken = b"".join(self._taken), []
            return data
        if self._error is not None:
            raise self._error
        if self._closed:
            raise TransportError(Failure.CLOSED, "the exchange was closed by its reader", sent=True)
        while not self._ended:
            chunk = await self._next()
            if chunk:
                return chunk
        return b""

    async def read_all(self, bytes_max: int) -> bytes | None:
        """The whole rest, or None beyond `bytes_max`."""
        chunks: list[bytes] = []
        size = 0
        while chunk := await self.read():
            chunks.append(chunk)
            size += len(chunk)
            if size > bytes_max:
                self._taken = chunks
                return None
        return b"".join(chunks)

    async def pass_on(self, sink: Sink) -> bool:
        """Give each piece to `sink`."""
        while data := await self.read():
            if not sink(data):
                return False
        return True

    def close(self) -> None:
        """Done with it: what still runs is ended by a task that nobody waits for."""
        if not self._closed:
            self._closed = True
            self._taken = []
            if not self._ended:
                self._finish(reset=True)

    async def _next(self) -> bytes:
        """The next piece, perhaps an empty one; `_ended` is set at the end."""
        try:
            async with asyncio.timeout(self._idle_s):
                chunk = await anext(self._chunks, b"")
        except TimeoutError as error:
            detail = f"nothing came within {self._idle_s} s"
            raise self._failed(TransportError(Failure.TIMEOUT_IDLE, detail, sent=True), reset=True) from error
        except FOREIGN as error:
            raise self._failed(mapped(error, sent=True), reset=False) from error
        except asyncio.CancelledError:
            self.close()
            raise
        self._received += len(chunk)
        if not chunk:
            self._ended = True
            if self._length not in {-1, self._received}:
                detail = f"{self._received} bytes came of {self._length}"
                raise self._failed(TransportError(Failure.PROTOCOL, detail, sent=True), reset=False)
            # Waited for, so that the connection is there for whoever asks next.
            self._done()
            await _close(self._response)
        return chunk

    def _failed(self, error: TransportError, *, reset: bool) -> TransportError:
        self._error = error
        self._ended = True
        self._finish(reset=reset)
        return error

    def _finish(self, *, reset: bool) -> None:
        self._done()
        if reset and self._trail.resettable:
            spawn(self._trail.reset(), name="reset an HTTP/2 stream")
        spawn(_close(self._response), name="close a response")


async def _close(response: httpx.Response) -> None:
    try:
        await response.stream.aclose()  # type: ignore[union-attr]
    except FOREIGN:
        # The connection was gone already; there is nobody left to tell.
        return


def _length(request: Request, status: int, headers: list[Header]) -> int:
    """The length that the body must have, -1 for any."""
    if request.method == b"HEAD" or status in {204, 304}:
        return 0
    value = next((value for name, value in headers if name == b"content-length"), b"")
    return int(value) if value.isdigit() else -1
