"""One HTTP/1.1 connection without a network: the test is the socket on one side and the pool on the other."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastgw.dataplane.upstream.transport import Request
from fastgw.dataplane.upstream.wire.connection import Connection, Origin, WireBounds
from fastgw.dataplane.upstream.wire.exchange import Exchange
from fastgw.dataplane.upstream.wire.http1 import Http11Connection

T = TypeVar("T")
OK = b"HTTP/1.1 200 OK\r\n"
BOUNDS = WireBounds(header_count_max=6, header_bytes_max=300, read_high_water_bytes=64, write_piece_bytes=1000)


class Socket(asyncio.Transport):
    """Where a connection writes: remembers it, and takes everything unless told to be full."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False
        self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_reading(self) -> bool:
        return not self.paused


class Place:
    """The owner of one connection."""

    def __init__(self, origin: Origin | None = None) -> None:
        self.origin = origin or Origin("http", "api.test", 80, b"api.test", b"host: api.test\r\n")
        self.bounds = BOUNDS
        self.exchanges: set[Exchange] = set()
        self.freed_times = 0
        self.lost_times = 0

    def freed(self, connection: Connection) -> None:
        self.freed_times += 1

    def lost(self, connection: Connection) -> None:
        self.lost_times += 1


def request(method: bytes = b"POST", **fields: Any) -> Request:
    values: dict[str, Any] = {"target": b"/v1", "headers": ((b"a", b"1"),), "body": b"{}"} | fields
    return Request(method, "http://api.test", **values)


def opened(place: Place) -> tuple[Http11Connection, Socket]:
    connection, sock = Http11Connection(place), Socket()
    connection.connection_made(sock)
    return connection, sock


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that must not suspend."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise AssertionError("it suspended")
