"""One HTTP/2 connection: many exchanges, each on a stream of its own (RFC 9113). This half listens.

Frames are cut out of the bytes here. DATA, which is nearly all of the traffic, and GOAWAY, after which the parser would
refuse to go on, are handled in place; every other frame goes to the parser, one at a time, so that how the bytes were
chunked makes no difference. What breaks HTTP on one stream ends that stream; what breaks HTTP/2 ends the connection.
"""

import asyncio
import struct

from fastgw.clock import monotonic_ns
from fastgw.dataplane.upstream.transport import Failure, Header
from fastgw.dataplane.upstream.wire.connection import Owner
from fastgw.dataplane.upstream.wire.exchange import Again
from fastgw.dataplane.upstream.wire.h2_codes import WINDOW_DEFAULT, Code, Flag, Kind
from fastgw.dataplane.upstream.wire.h2_outgoing import Outgoing
from fastgw.dataplane.upstream.wire.h2_parser import FRAME_BYTES_MAX, events, exceptions
from fastgw.dataplane.upstream.wire.h2_stream import Http2Exchange, MalformedError, response_head

_frame_head = struct.Struct(">HBBBI").unpack_from
_ENCODER_TABLE_BYTES_MAX = 64 * 1024
_UNTAKEN_BYTES_MAX = 1024 * 1024
"""Of answers to the peer's control frames that it does not read; beyond it, it is flooding us."""


class Http2Connection(Outgoing):
    """Implements `connection.Connection`."""

    def __init__(self, owner: Owner) -> None:
        super().__init__(owner)
        self._rest = b""
        self._in_head = False
        self._uncredited = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write preface, SETTINGS and the connection's window."""
        # Only the shape counts: uvloop's transports are not subclasses of asyncio's.
        self._transport = transport  # type: ignore[assignment]
        self._loop = asyncio.get_running_loop()
        self._dead = False
        self._heard_ns = self.idle_since_ns = monotonic_ns()
        self._flush()
        self._credit(0, self._connection_window - WINDOW_DEFAULT)

    def data_received(self, data: bytes) -> None:
        """Cut frames and act on each; what they make us say goes out in one write."""
        self._heard_ns = monotonic_ns()
        self._flush_due = True
        if self._rest:
            data = self._rest + data
        position, size = 0, len(data)
        try:
            while size - position >= 9:
                high, low, kind, flags, stream_id = _frame_head(data, position)
                length = high << 8 | low
                if length > FRAME_BYTES_MAX:
                    raise exceptions.FrameTooLargeError(f"a frame of {length} bytes")
                end = position + 9 + length
                if end > size:
                    break
                if kind == Kind.DATA and not self._in_head:
                    self._data_frame(stream_id & 0x7FFF_FFFF, flags, data[position + 9 : end])
                else:
                    self._control_frame(kind, flags, data[position:end])
                position = end
                if self._dead:
                    return
        except exceptions.ProtocolError as error:
            self._break(Failure.PROTOCOL, f"the peer broke HTTP/2: {error!r}")
        except Exception as error:  # Whatever a parser trips over in corrupt bytes, only this connection may end by it.
            self._break(Failure.PROTOCOL, f"the parser failed: {error!r}")
        else:
            self._rest = data[position:] if position < size else b""
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is open, then tell the pool."""
        self._dead = True
        self._fail_all(Failure.RESET, f"the connection was lost: {exc!r}")
        self._owner.lost(self)

    def _data_frame(self, stream_id: int, flags: int, payload: bytes) -> None:
        size = len(payload)
        self._uncredited += size
        if self._uncredited > self._connection_window >> 2:
            self._credit(0, self._uncredited)
            self._uncredited = 0
        stream = self._streams.get(stream_id)
        if stream is None:
            # Bytes that were under way when the stream was reset; their credit has gone back to the connection.
            self._check_opened(stream_id)
            return
        stream.window_left -= size
        if flags & Flag.PADDED:
            payload = _unpadded(payload)
        stream.received += len(payload)
        if stream.window_left < 0:
            self._spoil(stream, Code.FLOW_CONTROL_ERROR, "more bytes than the stream's window")
        elif stream.status == 0 or 0 <= stream.length < stream.received:
            self._spoil(stream, Code.PROTOCOL_ERROR, "body bytes before the head or beyond content-length")
        else:
            if stream.window_left < self._window >> 1:
                stream.wants_consumed = True
            if payload:
                stream.data_arrived(payload)
            if flags & Flag.END_STREAM:
                self._finish(stream)

    def _check_opened(self, stream_id: int) -> None:
        if not stream_id & 1 or stream_id >= self._next_id:
            raise exceptions.ProtocolError(f"a frame on stream {stream_id}, which was never opened")

    def _control_frame(self, kind: int, flags: int, frame: bytes) -> None:
        if kind == Kind.GOAWAY and not self._in_head:
            self._goaway(frame[9:])
            return
        if kind in {Kind.HEADERS, Kind.CONTINUATION}:
            self._in_head = not flags & Flag.END_HEADERS
        self._parser_spoke = True
        for event in self._parser.receive_data(frame):
            if isinstance(event, events.RemoteSettingsChanged):
                self._settings()
            elif isinstance(event, events.WindowUpdated):
                self._pump()
            elif stream := self._streams.get(getattr(event, "stream_id", 0) or 0):
                self._stream_event(stream, event)
        if self._transport.get_write_buffer_size() > _UNTAKEN_BYTES_MAX + self._bounds.write_piece_bytes:
            raise exceptions.ProtocolError("the peer makes us answer and does not read")

    def _stream_event(self, stream: Http2Exchange, event: events.Event) -> None:
        match event:
            case events.ResponseReceived():
                stream.touched = True
                self._head(stream, event.headers or [])
            case events.StreamEnded():
                self._finish(stream)
            case events.StreamReset():
                self._was_reset(stream, int(event.error_code or 0))
            case events.InformationalResponseReceived():
                stream.touched = True
            case _:
                pass

    def _head(self, stream: Http2Exchange, received: list[Header]) -> None:
        try:
            status, headers, stream.length = response_head(received, stream.request, self._bounds)
        except MalformedError as error:
            self._spoil(stream, Code.PROTOCOL_ERROR, str(error))
        else:
            self._served += 1
            stream.head_arrived(status, headers)

    def _finish(self, stream: Http2Exchange) -> None:
        """The peer has ended its side."""
        if stream.status == 0 or stream.length not in {-1, stream.received}:
            self._spoil(stream, Code.PROTOCOL_ERROR, f"{stream.received} bytes came of {stream.length}")
            return
        if stream.body_sent < len(stream.request.body):
            # It has answered without waiting for the whole request: the rest is of no use (RFC 9113, 8.1).
            self._reset(stream, Code.CANCEL)
        else:
            # The parser has not seen the DATA frames; without its entry it takes the stream as closed, which it is.
            self._parser.streams.pop(stream.stream_id, None)
        stream.ended()
        self._forget(stream)

    def _spoil(self, stream: Http2Exchange, code: int, detail: str) -> None:
        self._reset(stream, code)
        self._fail(stream, Failure.PROTOCOL, detail)

    def _was_reset(self, stream: Http2Exchange, code: int) -> None:
        unprocessed = code == Code.REFUSED_STREAM and not stream.touched
        self._fail(stream, Failure.RESET, f"RST_STREAM with code {code}", Again.YES if unprocessed else Again.NO)

    def _settings(self) -> None:
        settings = self._parser.remote_settings
        self.settled = True
        self._streams_max = min(self._bounds.http2_streams_per_connection_max, settings.max_concurrent_streams)
        # The peer may allow a table of 4 GB; how much of it is used is up to the encoder (RFC 9113, 6.5.2).
        table_bytes = self._parser.encoder.header_table_size
        if table_bytes > _ENCODER_TABLE_BYTES_MAX:
            self._parser.encoder.header_table_size = _ENCODER_TABLE_BYTES_MAX
        self._pump()
        self._owner.freed(self)

    def _goaway(self, payload: bytes) -> None:
        """No new streams. Those above the last one that the peer took may be sent elsewhere, the others finish."""
        if len(payload) < 8:
            raise exceptions.FrameDataMissingError("a GOAWAY of less than 8 bytes")
        final = int.from_bytes(payload[:4], "big") & 0x7FFF_FFFF
        code = int.from_bytes(payload[4:8], "big")
        self._draining = True
        for stream in [stream for stream in self._streams.values() if stream.stream_id > final]:
            self._parser.streams.pop(stream.stream_id, None)
            self._fail(stream, Failure.RESET, f"GOAWAY with code {code}", Again.NO if stream.touched else Again.YES)
        if not self._streams:
            self.close()
        else:
            self._owner.freed(self)


def _unpadded(payload: bytes) -> bytes:
    """The data in a padded DATA frame (RFC 9113, 6.1)."""
    if not payload or payload[0] >= len(payload):
        raise exceptions.ProtocolError("more padding than frame")
    return payload[1 : len(payload) - payload[0]]
