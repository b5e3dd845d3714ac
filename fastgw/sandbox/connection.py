"""One HTTP/1.1 connection of the sandbox: requests in, one after the other, answers out. Every part is bounded."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import cast

import httptools
import msgspec

from fastgw.observe.tasks import spawn

HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 64 * 1024 * 1024
"""Twice what the gateway lets through."""
PIPELINED_MAX = 16
REQUEST_S_MAX = 120.0
"""From the first byte of a request to its last."""
IDLE_S_MAX = 300.0
"""Between two requests; longer than the gateway keeps a connection, so that it is never the sandbox that closes."""
WRITE_S_MAX = 600.0
"""How long a client may leave an answer unread."""

_REASONS = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 404: b"Not Found", 429: b"Too Many Requests"}


class Request(msgspec.Struct):
    """One request."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    """Names in lower case; of repeated ones the last."""
    keep_alive: bool
    http_1_0: bool
    body: bytes


Answerer = Callable[[Request, "Connection"], Awaitable[None]]


class Gone(Exception):
    """The connection is to be dropped: the client has left or does not read, or the answer is to be cut."""


class Connection(asyncio.Protocol):
    """Feeds a parser and answers in order. `answer` writes with `head`, `write`, `finish` or `whole`."""

    def __init__(self, answer: Answerer, alive: set["Connection"], connections_max: int) -> None:
        self._answer = answer
        self._alive = alive
        self._connections_max = connections_max
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._refusal: tuple[int, str] | None = None
        self._chunked = False
        self._keep_alive = True
        self._start_message()

    def _start_message(self) -> None:
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0
        self._in_head = True

    # The event loop's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        # uvloop's transports are no subclass of asyncio's, only of the same shape.
        self._transport = cast("asyncio.Transport", transport)
        if len(self._alive) >= self._connections_max:
            self._transport.abort()
            return
        self._alive.add(self)
        self._arm(IDLE_S_MAX)

    def connection_lost(self, exc: Exception | None) -> None:
        """End whatever runs for this client."""
        self._alive.discard(self)
        self._transport = None
        self._writable.set()
        self._disarm()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Parse what came; answer when a request is whole."""
        if self._transport is None or self._transport.is_closing() or self._refusal is not None:
            return
        if self._in_head:
            if not self._head_bytes and self._task is None:
                self._arm(REQUEST_S_MAX)
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refusal = (400, "Protocol upgrades are not offered.")
        except httptools.HttpParserError:
            self._refusal = self._refusal or (400, "This is no HTTP request.")
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX:
            self._refusal = (431, "The request's head is too long.")
        if self._refusal is not None or len(self._queue) > PIPELINED_MAX:
            self._queue.clear()
            if self._task is None:
                self._refuse(*(self._refusal or (400, "Too many pipelined requests.")))
            else:
                self._keep_alive = False
        elif self._queue and self._task is None:
            self._disarm()
            self._task = spawn(self._work(), name="sandbox answer")

    # The parser's side.

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer, which is ignored."""
        if self._in_head:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and self._task is None:
            assert self._transport is not None
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(body)
        if self._body_bytes + sum(len(request.body) for request in self._queue) > BODY_BYTES_MAX:
            self._refusal = (413, "The request's body is too large.")
            raise ValueError("too large")
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        parser = self._parser
        request = Request(
            method=parser.get_method(),
            target=self._target,
            headers=self._headers,
            keep_alive=parser.should_keep_alive(),
            http_1_0=parser.get_http_version() == "1.0",
            body=b"".join(self._body),
        )
        self._queue.append(request)
        self._start_message()

    # The answerer's side.

    def head(self, status: int, headers: dict[str, str], *, length: int | None) -> None:
        """Begin an answer; without `length` it is a stream, ended by `finish`."""
        self._chunked = length is None and self._keep_alive
        lines = [b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b"Status")), b"server: fastgw-sandbox"]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in headers.items()]
        if length is not None:
            lines.append(b"content-length: %d" % length)
        elif self._chunked:
            lines.append(b"transfer-encoding: chunked")
        lines.append(b"connection: keep-alive" if self._keep_alive else b"connection: close")
        self._put(b"\r\n".join(lines) + b"\r\n\r\n")

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; waits while the client does not read. Raises `Gone`."""
        self._put(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        if not self._writable.is_set():
            try:
                await asyncio.wait_for(self._writable.wait(), WRITE_S_MAX)
            except TimeoutError as error:
                self.close(abort=True)
                raise Gone from error

    def finish(self) -> None:
        """End a stream in order."""
        if self._chunked:
            self._put(b"0\r\n\r\n")

    async def whole(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """A whole answer. Raises `Gone`."""
        self.head(status, headers, length=len(body))
        self._chunked = False
        await self.write(body)

    def _put(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise Gone
        self._transport.write(data)

    # Our own.

    async def _work(self) -> None:
        try:
            while self._queue:
                request = self._queue.popleft()
                self._keep_alive = request.keep_alive and not request.http_1_0
                await self._answer(request, self)
                if not self._keep_alive:
                    self.close()
                    return
        except Gone:
            self.close()
        except Exception:
            # Whatever a hostile request brings about: its own line is dropped, the others go on, the log tells.
            self.close(abort=True)
            raise
        finally:
            self._task = None
            if self._transport is not None:
                self._arm(IDLE_S_MAX if self._in_head and not self._head_bytes else REQUEST_S_MAX)

    def close(self, *, abort: bool = False) -> None:
        """Close the connection: after what was written, or at once."""
        if self._transport is None:
            return
        if abort:
            self._transport.abort()
        else:
            self._transport.close()

    def _refuse(self, status: int, message: str) -> None:
        body = msgspec.json.encode({"error": {"message": message, "type": "invalid_request_error"}})
        self._keep_alive = False
        self.head(status, {"content-type": "application/json"}, length=len(body))
        self._put(body)
        self.close()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.close)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
