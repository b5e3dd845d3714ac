"""Listens, tells HTTP/1.1 from HTTP/2 (ALPN, or the preface on plain sockets) and keeps the record."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from tests.dataplane.upstream.origin.certificates import Certificates
from tests.dataplane.upstream.origin.exchange import Connection, Exchange, Handler
from tests.dataplane.upstream.origin.http1 import Http1Connection
from tests.dataplane.upstream.origin.http2 import PREFACE, Http2Connection

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answer_ok(exchange: Exchange) -> None:
    """The handler of paths that no test has claimed: takes the whole body, then says how long it was."""
    await exchange.body_done.wait()
    await exchange.reply(200, [("content-type", "text/plain")], b"ok %d" % len(exchange.body))


class RawServer:
    """Runs one script per connection on an ephemeral port of 127.0.0.1."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._script = script
        self._tls = tls
        self.host = host
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """`scheme://host:port`."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, 0, ssl=self._tls, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._script(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


class Origin(RawServer):
    """Speaks HTTP/1.1 and HTTP/2; `on(path, handler)` scripts a path (the query string is not part of it)."""

    def __init__(
        self,
        *,
        certificates: Certificates | None = None,
        alpn: tuple[str, ...] = ("h2", "http/1.1"),
        require_client: bool = False,
        settings: dict[int, int] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """`settings` are the HTTP/2 settings (code -> value) that the origin announces."""
        tls = certificates.server_context(alpn, require_client=require_client) if certificates else None
        super().__init__(self._serve, tls=tls, host=host)
        self.settings = settings or {}
        self.connections: list[Connection] = []
        self.exchanges: list[Exchange] = []
        self._handlers: dict[str, Handler] = {}
        self.default: Handler = answer_ok

    def on(self, path: str, handler: Handler) -> None:
        """Script the requests for `path`."""
        self._handlers[path] = handler

    @property
    def open_connections(self) -> list[Connection]:
        """Those that have not ended yet."""
        return [connection for connection in self.connections if not connection.closed.is_set()]

    def _dispatch(self, exchange: Exchange) -> Handler:
        self.exchanges.append(exchange)
        return self._handlers.get(exchange.path.partition("?")[0], self.default)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.connections)
        first = await _sniff(reader)
        connection: Http1Connection | Http2Connection
        if first.startswith(PREFACE):
            connection = Http2Connection(number, reader, writer, self._dispatch, self.settings)
        else:
            connection = Http1Connection(number, reader, writer, self._dispatch)
        self.connections.append(connection)
        await connection.run(first)


async def _sniff(reader: asyncio.StreamReader) -> bytes:
    first = b""
    while len(first) < len(PREFACE) and PREFACE.startswith(first):
        data = await reader.read(65536)
        if not data:
            break
        first += data
    return first
