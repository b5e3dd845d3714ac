"""One HTTP/2 connection without a network: the test is the socket on one side and the pool on the other."""

import asyncio
from typing import Any

from hpack import Encoder
from hyperframe.frame import DataFrame, Frame, HeadersFrame, SettingsFrame

from fastgw.dataplane.upstream.transport import Request
from fastgw.dataplane.upstream.wire.connection import Origin, WireBounds
from fastgw.dataplane.upstream.wire.exchange import Exchange
from fastgw.dataplane.upstream.wire.h2 import Http2Connection

BOUNDS = WireBounds(header_count_max=20, header_bytes_max=2000, read_high_water_bytes=65_536)


class Socket(asyncio.Transport):
    """Remembers what a connection writes, as frames."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.writes = 0
        self.ended = ""
        self.buffered = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)
        self.writes += 1

    def abort(self) -> None:
        self.ended = self.ended or "aborted"

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def is_closing(self) -> bool:
        return bool(self.ended)

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def frames(self) -> list[Frame]:
        """The frames written since the last call."""
        data, self.written = self.written.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), b""
        found = []
        while data:
            frame, length = Frame.parse_frame_header(memoryview(data[:9]))
            frame.parse_body(memoryview(data[9 : 9 + length]))
            found.append(frame)
            data = data[9 + length :]
        return found


class Place:
    """The owner of one connection."""

    def __init__(self, bounds: WireBounds = BOUNDS) -> None:
        self.origin = Origin("https", "api.test", 443, b"api.test", b"")
        self.bounds = bounds
        self.exchanges: set[Exchange] = set()
        self.freed_times = 0
        self.lost_times = 0

    def freed(self, connection: object) -> None:
        self.freed_times += 1

    def lost(self, connection: object) -> None:
        self.lost_times += 1


def request(**fields: Any) -> Request:
    values: dict[str, Any] = {"method": b"GET", "target": b"/v1", "headers": (), "body": b""} | fields
    return Request(origin="https://api.test", **values)


class Peer:
    """Writes as a server; keeps the compression state."""

    def __init__(self) -> None:
        self.encoder = Encoder()

    def settings(self, **values: int) -> bytes:
        return SettingsFrame(0, settings={3: 100} | {int(key[1:]): value for key, value in values.items()}).serialize()

    def head(self, stream_id: int, *headers: tuple[str, str], status: str = "200", end: bool = False) -> bytes:
        block = self.encoder.encode([(":status", status), *headers])
        flags = ["END_HEADERS", *(["END_STREAM"] if end else [])]
        return HeadersFrame(stream_id, data=block, flags=flags).serialize()

    def data(self, stream_id: int, data: bytes, *, end: bool = False, padding: int = 0) -> bytes:
        flags = [*(["END_STREAM"] if end else []), *(["PADDED"] if padding else [])]
        return DataFrame(stream_id, data=data, flags=flags, pad_length=padding).serialize()


def opened(bounds: WireBounds = BOUNDS) -> tuple[Http2Connection, Socket, Place, Peer]:
    place, sock, peer = Place(bounds), Socket(), Peer()
    connection = Http2Connection(place)
    connection.connection_made(sock)
    connection.data_received(peer.settings())
    sock.frames()
    return connection, sock, place, peer


def only(frames: list[Frame], kind: type[Frame]) -> list[Any]:
    return [frame for frame in frames if isinstance(frame, kind)]
