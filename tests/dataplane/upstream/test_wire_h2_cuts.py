"""The HTTP/2 glue: any chunking of the same bytes comes to the same, and no bytes at all can hurt it."""

import asyncio
import itertools
from typing import Any

from hyperframe.frame import (
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.dataplane.upstream.wire.exchange import Again
from fastgw.dataplane.upstream.wire.h2 import Http2Connection
from tests.dataplane.upstream.one_h2_connection import Peer, Place, Socket, request


def recording() -> bytes:
    """What a server may say to five requests, in one go."""
    peer = Peer()
    return b"".join(
        [
            peer.settings(_4=70_000),
            SettingsFrame(0, flags=["ACK"]).serialize(),
            peer.head(1, status="103"),
            peer.head(1, ("content-type", "text/event-stream")),
            peer.head(3, ("content-length", "11")),
            peer.data(1, b"data: one\n\n"),
            PingFrame(0, opaque_data=b"12345678").serialize(),
            peer.data(3, b"hello ", padding=7),
            peer.data(1, b""),
            peer.data(3, b"world", end=True),
            b"\0\0\x03\xf0\0\0\0\0\0abc",
            WindowUpdateFrame(1, window_increment=10).serialize(),
            peer.data(1, b"data: two\n\n"),
            RstStreamFrame(5, error_code=7).serialize(),
            GoAwayFrame(0, last_stream_id=7, error_code=0).serialize(),
            peer.head(7, ("content-length", "5")),
            peer.data(7, b"toolong"),
            HeadersFrame(1, data=b"\x00\x01t\x011", flags=["END_HEADERS", "END_STREAM"]).serialize(),
        ]
    )


async def outcome(pieces: list[bytes]) -> list[Any]:
    """What the five exchanges of a connection come to when the recording arrives in these pieces."""
    connection, sock = Http2Connection(Place()), Socket()
    connection.connection_made(sock)
    exchanges = []
    connection._streams_max = 5
    for _ in range(5):
        exchanges.append(connection.start(request()))
    await asyncio.sleep(0)
    for piece in pieces:
        connection.data_received(piece)
    results: list[Any] = []
    for exchange in exchanges:
        body, error = b"", None
        try:
            if exchange.status:
                while exchange.complete or exchange.buffered_bytes or exchange not in connection._owner.exchanges:
                    data = await exchange.read()
                    if not data:
                        break
                    body += data
            elif exchange not in connection._owner.exchanges:
                await exchange.head_of_response()
        except TransportError as failed:
            error = (failed.failure, failed.sent)
        again = exchange.again if exchange.again is not Again.NO else None
        results.append((exchange.status, tuple(exchange.headers), body, exchange.complete, error, again))
    results.append((sock.ended, connection.room(), connection.exchanges_open))
    return results


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, len(recording())), max_size=40))
async def test_any_chunking_gives_the_same_result(cuts: list[int]) -> None:
    whole = recording()
    expected = await outcome([whole])
    borders = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(borders)]
    assert await outcome(pieces) == expected


async def test_byte_by_byte_gives_the_same_result() -> None:
    whole = recording()
    expected = await outcome([whole])
    assert await outcome([whole[place : place + 1] for place in range(len(whole))]) == expected
    first, second, third, fourth, fifth, _ = expected
    assert second[:5] == (200, ((b"content-length", b"11"),), b"hello world", True, None)
    assert (third[4], third[5]) == ((Failure.RESET, False), Again.YES)
    assert fourth[4] == (Failure.PROTOCOL, True)
    assert (fifth[4], fifth[5]) == ((Failure.RESET, False), Again.YES)
    assert first[3]
    assert first[2] == b"data: one\n\ndata: two\n\n"


@settings(max_examples=150, deadline=None)
@given(noise=st.binary(max_size=60), at=st.integers(0, len(recording())))
async def test_corrupt_bytes_never_escape(noise: bytes, at: int) -> None:
    whole = recording()
    results = await outcome([whole[:at] + noise + whole[at + len(noise) :]])
    assert len(results) == 6
