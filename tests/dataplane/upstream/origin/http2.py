"""HTTP/2 at the origin: the `h2` library as a server, with a way round it where a test wants to break the rules."""

import asyncio
import socket
import struct
from collections.abc import Callable

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from hyperframe.frame import Frame, GoAwayFrame, PingFrame, RstStreamFrame

from tests.dataplane.upstream.origin.exchange import Connection, Exchange, Handler, Headers

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Http2Exchange(Exchange):
    """A request on one stream of an HTTP/2 connection."""

    connection: "Http2Connection"
    stream_id: int
    withhold_credit = False
    """Do not give back flow-control credit for the request's body."""
    withheld = 0

    def give_credit(self) -> None:
        """Give back what was withheld, and all that comes from now on."""
        self.withhold_credit = False
        if self.withheld:
            self.connection.h2.acknowledge_received_data(self.withheld, self.stream_id)
            self.withheld = 0
        self.connection.frame(PingFrame(0, opaque_data=b"credit!!"))

    async def informational(self, status: int, headers: Headers = ()) -> None:
        self.connection.h2.send_headers(self.stream_id, [(":status", str(status)), *headers])
        await self.connection.flush()

    async def head(self, status: int = 200, headers: Headers = (), *, length: int | None = None) -> None:
        framing = [] if length is None else [("content-length", str(length))]
        self.connection.h2.send_headers(self.stream_id, [(":status", str(status)), *headers, *framing])
        await self.connection.flush()

    async def data(self, chunk: bytes) -> None:
        if self.method == "HEAD":
            return
        offset = 0
        while offset < len(chunk):
            room = await self.connection.room(self)
            piece = chunk[offset : offset + room]
            self.connection.h2.send_data(self.stream_id, piece)
            await self.connection.flush()
            offset += len(piece)
            self.pushed += len(piece)

    async def end(self, trailers: Headers = ()) -> None:
        if trailers := list(trailers):
            self.connection.h2.send_headers(self.stream_id, trailers, end_stream=True)
        else:
            self.connection.h2.end_stream(self.stream_id)
        await self.connection.flush()

    def reset(self, code: int = h2.errors.ErrorCodes.INTERNAL_ERROR) -> None:
        self.connection.frame(RstStreamFrame(self.stream_id, error_code=code))
        # The library's own state follows, so that it neither sends on this stream nor wonders about late frames.
        self.connection.h2.reset_stream(self.stream_id, code)
        self.connection.h2.clear_outbound_data_buffer()


class Http2Connection(Connection):
    """Serves any number of streams; every handler is a task of its own."""

    version = "2"

    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        dispatch: Callable[[Exchange], Handler],
        settings: dict[int, int],
    ) -> None:
        super().__init__(number)
        self.reader = reader
        self.writer = writer
        self._dispatch = dispatch
        self._handlers: set[asyncio.Task[None]] = set()
        self.streams: dict[int, Http2Exchange] = {}
        self.pings_answered = 0
        self.pings_received = 0
        self.goaway_received: int | None = None
        """Error code of the client's GOAWAY, None if there was none."""
        self.open_max = 0
        """The most streams that were open at the same time."""
        self._window_opened = asyncio.Event()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        self.h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 65536,
                **{h2.settings.SettingCodes(code): value for code, value in settings.items()},
            },
        )

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    def frame(self, frame: Frame) -> None:
        """Write a frame past the library: rules do not apply. What the library has queued goes first."""
        self.writer.write(self.h2.data_to_send() + frame.serialize())

    def raw(self, data: bytes) -> None:
        """Write bytes past the library."""
        self.writer.write(self.h2.data_to_send() + data)

    def goaway(self, last_stream_id: int, code: int = 0) -> None:
        """Announce the end: streams above `last_stream_id` are not served, the others go on."""
        self.frame(GoAwayFrame(0, last_stream_id=last_stream_id, error_code=code))

    def ping(self, data: bytes = b"12345678") -> None:
        """Ask the client for a sign of life; the answer counts up `pings_answered`."""
        self.h2.ping(data)
        self.writer.write(self.h2.data_to_send())

    def update_settings(self, settings: dict[int, int]) -> None:
        """Change settings in mid-flight."""
        self.h2.update_settings({h2.settings.SettingCodes(code): value for code, value in settings.items()})
        self.writer.write(self.h2.data_to_send())

    async def flush(self) -> None:
        """Write what the library has queued."""
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def room(self, exchange: Http2Exchange) -> int:
        """Wait until some body bytes may be sent on the stream; how many in one frame."""
        while True:
            room = min(self.h2.local_flow_control_window(exchange.stream_id), self.h2.max_outbound_frame_size)
            if room > 0:
                return room
            self._window_opened.clear()
            await self._window_opened.wait()

    async def run(self, first: bytes) -> None:
        """Serve the connection until the client has ended it; `first` was read already."""
        try:
            self.h2.initiate_connection()
            data = first
            while data:
                for event in self.h2.receive_data(data):
                    self._on(event)
                await self.flush()
                data = await self.reader.read(65536)
        except ConnectionError:
            pass
        finally:
            self.closed.set()
            for exchange in self.streams.values():
                if not exchange.done:
                    exchange.hung_up("closed")
            for task in self._handlers:
                task.cancel()
            await asyncio.gather(*self._handlers, return_exceptions=True)
            self.writer.close()

    def _on(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived():
                self._begin(event)
            case h2.events.DataReceived():
                exchange = self.streams[event.stream_id]
                exchange.body += event.data
                if exchange.withhold_credit:
                    exchange.withheld += event.flow_controlled_length or 0
                else:
                    self.h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
            case h2.events.StreamEnded():
                self.streams[event.stream_id].body_done.set()
            case h2.events.StreamReset():
                if event.stream_id in self.streams:
                    self.streams[event.stream_id].hung_up("reset", int(event.error_code or 0))
                    self._window_opened.set()
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._window_opened.set()
            case h2.events.PingAckReceived():
                self.pings_answered += 1
            case h2.events.PingReceived():
                self.pings_received += 1
            case h2.events.ConnectionTerminated():
                self.goaway_received = int(event.error_code or 0)
            case _:
                pass

    def _begin(self, event: h2.events.RequestReceived) -> None:
        headers = [(bytes(name), bytes(value)) for name, value in event.headers or ()]
        pseudo = dict(headers[:4])
        exchange = Http2Exchange(self, pseudo[b":method"].decode(), pseudo.get(b":path", b"").decode(), headers)
        exchange.stream_id = event.stream_id
        self.streams[event.stream_id] = exchange
        self.exchanges.append(exchange)
        self.open_max = max(self.open_max, sum(not x.done for x in self.streams.values()))
        task = asyncio.get_running_loop().create_task(self._handle(exchange))
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)

    async def _handle(self, exchange: Http2Exchange) -> None:
        try:
            await self._dispatch(exchange)(exchange)
        except (ConnectionError, h2.exceptions.StreamClosedError, h2.exceptions.NoSuchStreamError):
            exchange.hung_up("closed")
        except h2.exceptions.ProtocolError:
            # A client that is gone may leave the library closed while a handler still sends; else it is a test's bug.
            if exchange.hang_up is None and not self.closed.is_set() and self.goaway_received is None:
                raise
        finally:
            exchange.done = True
