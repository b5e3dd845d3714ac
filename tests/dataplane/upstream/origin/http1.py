"""HTTP/1.1 at the origin, by hand, so that it can say anything at any chunking."""

import asyncio
import socket
import struct
from collections.abc import Callable

from tests.dataplane.upstream.origin.exchange import Connection, Exchange, Handler, Headers


class Http1Exchange(Exchange):
    """A request over HTTP/1.1; `raw` writes whatever the test wants."""

    connection: "Http1Connection"
    _chunked = False

    async def raw(self, data: bytes) -> None:
        """Write bytes as they are; waits while the client does not take them."""
        self.connection.writer.write(data)
        await self.connection.writer.drain()

    async def informational(self, status: int, headers: Headers = ()) -> None:
        await self.raw(_head(status, headers))

    async def head(self, status: int = 200, headers: Headers = (), *, length: int | None = None) -> None:
        self._chunked = length is None and status not in (204, 304)
        framing = [("transfer-encoding", "chunked")] if self._chunked else []
        if length is not None:
            framing = [("content-length", str(length))]
        await self.raw(_head(status, [*headers, *framing]))

    async def data(self, chunk: bytes) -> None:
        if self.method == "HEAD":
            return
        await self.raw(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)
        self.pushed += len(chunk)

    async def end(self, trailers: Headers = ()) -> None:
        if self._chunked and self.method != "HEAD":
            lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
            await self.raw(b"0\r\n" + lines.encode() + b"\r\n")

    def reset(self) -> None:
        self.connection.abort()


class Http1Connection(Connection):
    """Reads requests one after the other and notices at once when the client is gone."""

    version = "1.1"

    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        dispatch: Callable[[Exchange], Handler],
    ) -> None:
        super().__init__(number)
        self.reader = reader
        self.writer = writer
        self._dispatch = dispatch
        self._handlers: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def run(self, first: bytes) -> None:
        """Serve the connection until the client has ended it; `first` was read already."""
        buffer = bytearray(first)
        try:
            while await self._one_request(buffer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed.set()
            for exchange in self.exchanges:
                if not exchange.done:
                    exchange.hung_up("closed")
            for task in self._handlers:
                task.cancel()
            await asyncio.gather(*self._handlers, return_exceptions=True)
            self.writer.close()

    async def _more(self, buffer: bytearray) -> bool:
        data = await self.reader.read(65536)
        buffer += data
        return bool(data)

    async def _one_request(self, buffer: bytearray) -> bool:
        while b"\r\n\r\n" not in buffer:
            if not await self._more(buffer):
                return False
        exchange = self._parse_head(buffer)
        self.exchanges.append(exchange)
        task = asyncio.get_running_loop().create_task(self._handle(exchange))
        self._handlers.add(task)
        if not await self._read_body(exchange, buffer):
            return False
        # Reading on while the answer is written is what notices a client that hangs up.
        reading = asyncio.ensure_future(self._more(buffer))
        await asyncio.wait({task, reading}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            self._handlers.discard(task)
            await task
        alive = await reading
        if not task.done() and alive:
            await asyncio.wait({task})
        return alive

    def _parse_head(self, buffer: bytearray) -> Http1Exchange:
        head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
        buffer[:] = rest
        lines = head.split(b"\r\n")
        method, target, _ = lines[0].decode().split(" ")
        headers = [(name.strip().lower(), value.strip()) for name, _, value in (x.partition(b":") for x in lines[1:])]
        return Http1Exchange(self, method, target, headers)

    async def _read_body(self, exchange: Exchange, buffer: bytearray) -> bool:
        left = int(exchange.header(b"content-length") or 0)
        while left:
            if not buffer and not await self._more(buffer):
                return False
            piece = bytes(buffer[:left])
            del buffer[: len(piece)]
            exchange.body += piece
            left -= len(piece)
        exchange.body_done.set()
        return True

    async def _handle(self, exchange: Exchange) -> None:
        try:
            await self._dispatch(exchange)(exchange)
        except ConnectionError:
            exchange.hung_up("closed")
        finally:
            exchange.done = True


def _head(status: int, headers: Headers) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode("latin-1")
