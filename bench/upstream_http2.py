"""The fake provider's HTTP/2 side: streams of one connection, with flow control, on the sans-I/O parser `h2`."""

import asyncio
from typing import cast

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import msgspec

from bench import payloads
from bench.upstream_pacing import Counters, Flow, Wheel

_STREAMS_MAX = 1000
"""`MAX_CONCURRENT_STREAMS`; large providers announce between 100 and 2,000."""
_WINDOW_BYTES = 1024 * 1024
_JSON = [(b":status", b"200"), (b"content-type", b"application/json")]
_EVENTS = [
    (b":status", b"200"),
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
]


class Http2Stream:
    """One answer of a connection; what the peer's window does not admit waits here."""

    def __init__(self, connection: "Http2Connection", stream_id: int, target: bytes) -> None:
        self._connection = connection
        self.stream_id = stream_id
        self.target = target
        self.body: list[bytes] = []
        self.flow: Flow | None = None
        self.pending = bytearray()
        self.ended = False

    def send_event(self, data: bytes) -> None:
        """Write part of the body, as far as the window goes."""
        self.pending += data
        self._connection.push(self)

    def end(self) -> None:
        """Finish the body once everything is out."""
        self.ended, self.flow = True, None
        self._connection.push(self)

    def writable(self) -> bool:
        """Whether everything written so far is out."""
        return not self.pending and not self._connection.paused


class Http2Connection(asyncio.Protocol):
    """One connection with many streams."""

    def __init__(self, counters: Counters, wheel: Wheel) -> None:
        self._counters = counters
        self._wheel = wheel
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._streams: dict[int, Http2Stream] = {}
        self._flushing = False
        self.paused = False
        config = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self._h2 = h2.connection.H2Connection(config=config)
        codes = h2.settings.SettingCodes
        self._h2.local_settings.update(
            {codes.MAX_CONCURRENT_STREAMS: _STREAMS_MAX, codes.INITIAL_WINDOW_SIZE: _WINDOW_BYTES}
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done and ALPN has chosen HTTP/2."""
        self._transport = cast(asyncio.Transport, transport)
        self._counters.connections_open += 1
        self._counters.connections += 1
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(8 * _WINDOW_BYTES)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The gateway has gone; streams that are still running count as aborted."""
        self._counters.connections_open -= 1
        for stream in self._streams.values():
            self._abort(stream)
        self._streams.clear()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, act on its events, send what it wants to send."""
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self._transport.close()
            return
        for event in events:
            self._handle(event)
        self._flush_soon()

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            stream_id = event.stream_id
            target = next((value for name, value in event.headers or () if name == b":path"), b"")
            self._streams[stream_id] = Http2Stream(self, stream_id, target)
        elif isinstance(event, h2.events.DataReceived):
            stream_id = event.stream_id
            self._streams[stream_id].body.append(event.data)
            self._h2.acknowledge_received_data(event.flow_controlled_length, stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self._respond(self._streams[event.stream_id])
        elif isinstance(event, h2.events.StreamReset):
            stream = self._streams.pop(event.stream_id, None)
            if stream is not None:
                self._abort(stream)
        elif isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for waiting in [s for s in self._streams.values() if s.pending]:
                self.push(waiting)
                self._go_on(waiting)

    def _respond(self, stream: Http2Stream) -> None:
        self._counters.requests += 1
        body = b"".join(stream.body)
        stream.body.clear()
        if stream.target.endswith(b"/chat/completions") and (plan := payloads.stream_plan(body)) is not None:
            self._h2.send_headers(stream.stream_id, _EVENTS)
            stream.flow = self._wheel.start(stream, *plan)
            return
        if stream.target.endswith(b"/chat/completions"):
            answer = payloads.ANSWER
        elif stream.target.endswith(b"/models"):
            answer = payloads.MODELS
        else:
            answer = msgspec.json.encode(self._counters.as_dict())
        self._h2.send_headers(stream.stream_id, [*_JSON, (b"content-length", b"%d" % len(answer))])
        stream.pending += answer
        stream.end()

    def push(self, stream: Http2Stream) -> None:
        """Hand to the parser what the windows admit of a stream's waiting bytes."""
        if stream.stream_id not in self._streams:
            return
        while stream.pending:
            room = min(self._h2.local_flow_control_window(stream.stream_id), self._h2.max_outbound_frame_size)
            if room <= 0:
                break
            self._h2.send_data(stream.stream_id, bytes(stream.pending[:room]))
            del stream.pending[:room]
        if stream.ended and not stream.pending:
            del self._streams[stream.stream_id]
            self._h2.end_stream(stream.stream_id)
        self._flush_soon()

    def _go_on(self, stream: Http2Stream) -> None:
        if stream.flow is not None and stream.flow.period_ms == 0:
            self._wheel.pump(stream.flow)

    def _abort(self, stream: Http2Stream) -> None:
        if stream.flow is not None:
            self._wheel.abort(stream.flow)

    def _flush_soon(self) -> None:
        """Write once per turn of the loop, however many streams had something to send in it."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def pause_writing(self) -> None:
        """The socket takes no more: floods wait."""
        self.paused = True

    def resume_writing(self) -> None:
        """The socket takes more again."""
        self.paused = False
        for stream in list(self._streams.values()):
            self._go_on(stream)
