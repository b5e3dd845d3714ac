# ruff: noqa: ASYNC109 - the `timeout` parameters are those of the engine's interface.
"""The sockets under httpx, with the one thing that its engine cannot do: end a single HTTP/2 stream.

`httpcore` forgets a cancelled HTTP/2 stream without telling the peer, which then goes on producing (and charging). So
the RST_STREAM is written here, between two writes of the engine, and a copy of it is handed to the engine as if the
peer had sent it, at the next frame border, so that its count of open streams stays right.
"""

import asyncio
import ssl
import struct
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

import httpcore

from fastgw.dataplane.upstream.wire.names import AddressInfo, look_up
from fastgw.observe.tasks import spawn

_CANCEL = 8
_frame_head = struct.Struct(">HBBBI")
_reset_frame = struct.Struct(">HBBBII").pack
SocketOptions = Iterable[Any]


class Trail:
    """What one call leaves behind on its way through the engine."""

    def __init__(self) -> None:
        self.socket: WatchedStream | None = None
        self.stream_id = 0
        """Of HTTP/2, 0 until the head was sent or over HTTP/1.1."""
        self.connected = False
        """A connection was opened for this call."""
        self.sending = False
        """The request has begun to leave."""

    @property
    def resettable(self) -> bool:
        """The call runs on an HTTP/2 stream."""
        return self.stream_id > 0 and self.socket is not None

    async def reset(self) -> None:
        """Tell the peer that the stream is not wanted any more."""
        if self.socket is not None:
            await self.socket.reset(self.stream_id)


trail_of_call: ContextVar[Trail | None] = ContextVar("trail_of_call", default=None)


class WatchedStream(httpcore.AsyncNetworkStream):
    """A network stream that can slip in a RST_STREAM."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._lock = asyncio.Lock()
        self._watching = False
        self._head = b""
        self._left = 0
        self._slip = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Bytes of the peer, or resets of our own when the last frame is complete."""
        if self._slip and not self._head and not self._left:
            slip, self._slip = self._slip, b""
            return slip
        data = await self._inner.read(max_bytes, timeout)
        if self._watching or self._slip:
            self._follow(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As the engine asks; each write of HTTP/2 is a number of whole frames."""
        trail = trail_of_call.get()
        if trail is not None:
            trail.socket = self
        if buffer.startswith(b"PRI * HTTP/2.0"):
            self._watching = True
        if self._watching:
            # The engine has taken these frames from its state, maybe those of other streams too: a call that is
            # cancelled in the middle must not lose them, nor break the order of TLS records.
            await asyncio.shield(spawn(self._write_whole(buffer, timeout), name="write HTTP/2 frames"))
        else:
            await self._inner.write(buffer, timeout)

    async def _write_whole(self, buffer: bytes, timeout: float | None) -> None:
        async with self._lock:
            await self._inner.write(buffer, timeout)

    async def reset(self, stream_id: int) -> None:
        """End one stream at the peer and, as soon as possible, in the engine. A connection that is gone is no error."""
        frame = _reset_frame(0, 4, 3, 0, stream_id, _CANCEL)
        self._slip += frame
        try:
            async with self._lock:
                await self._inner.write(frame)
        except (httpcore.NetworkError, httpcore.TimeoutException):
            return

    async def aclose(self) -> None:
        """Close the socket."""
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The same over TLS."""
        try:
            return WatchedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))
        except BaseException:  # it goes on up; the engine closes the socket after errors only, not when cancelled
            await self._inner.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        """As the wrapped stream."""
        return self._inner.get_extra_info(info)

    def _follow(self, data: bytes) -> None:
        """Keep track of where the peer's frames end."""
        position = 0
        while position < len(data):
            if self._left:
                step = min(self._left, len(data) - position)
                self._left -= step
            else:
                step = min(9 - len(self._head), len(data) - position)
                self._head += data[position : position + step]
                if len(self._head) == 9:
                    high, low, *_ = _frame_head.unpack(self._head)
                    self._left = high << 8 | low
                    self._head = b""
            position += step


class WatchedBackend(httpcore.AsyncNetworkBackend):
    """Opens watched streams, to permitted addresses only."""

    def __init__(self, permitted: Callable[[str, list[AddressInfo]], list[AddressInfo]] | None) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._permitted = permitted

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect by name, or to the first permitted address that answers."""
        hosts = [host]
        if self._permitted is not None:
            try:
                found = await asyncio.get_running_loop().run_in_executor(None, look_up, host, port)
            except OSError as error:
                raise httpcore.ConnectError(str(error)) from error
            hosts = [info[4][0] for info in self._permitted(host, found)]
        failure: Exception = httpcore.ConnectError(f"no permitted address for {host}")
        for address in hosts:
            try:
                stream = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                failure = failed
            else:
                return WatchedStream(stream)
        raise failure

    async def sleep(self, seconds: float) -> None:
        """As asyncio."""
        await asyncio.sleep(seconds)
