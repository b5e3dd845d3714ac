"""An HTTP/2 connection: what it writes and when, its windows, its bounds, and how it ends."""

import asyncio
from typing import Any

import pytest
from hyperframe.frame import (
    DataFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    WindowUpdateFrame,
)

from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.dataplane.upstream.wire.h2 import Http2Connection
from tests.dataplane.upstream.one_h2_connection import Peer, Place, Socket, only, opened, request


async def test_preface_announces_bounds_and_refuses_push() -> None:
    place, sock = Place(), Socket()
    connection = Http2Connection(place)
    connection.connection_made(sock)
    assert (connection.room(), connection.settled) == (1, False)
    await asyncio.sleep(0)
    first: Any
    window: Any
    first, window = sock.frames()
    assert first.settings == {2: 0, 4: 65_536, 5: 16_384, 6: 2000} | {
        key: value for key, value in first.settings.items() if key not in {2, 4, 5, 6}
    }
    assert window.window_increment == 100 * 65_536 - 65_535
    connection.data_received(Peer().settings(_3=7))
    assert (connection.room(), connection.settled) == (7, True)


async def test_calls_of_one_tick_are_one_write() -> None:
    connection, sock, _, _ = opened()
    writes = sock.writes
    for _ in range(10):
        connection.start(request(method=b"POST", body=b"{}"))
    assert sock.writes == writes
    await asyncio.sleep(0)
    assert sock.writes == writes + 1
    assert len(only(sock.frames(), HeadersFrame)) == 10


async def test_stream_credit_follows_the_reader_and_connection_credit_does_not() -> None:
    connection, sock, _, peer = opened()
    exchange = connection.start(request())
    connection.data_received(peer.head(1))
    for _ in range(4):
        connection.data_received(peer.data(1, bytes(16_384)))
    assert [frame.stream_id for frame in only(sock.frames(), WindowUpdateFrame)] == []
    assert len(await exchange.read()) == 65_536
    await asyncio.sleep(0)
    [update] = only(sock.frames(), WindowUpdateFrame)
    assert (update.stream_id, update.window_increment) == (1, 65_536)
    exchange.close()
    await asyncio.sleep(0)
    assert [frame.error_code for frame in only(sock.frames(), RstStreamFrame)] == [8]
    # Bytes under way for a stream that we have reset: the connection gets their credit back all the same.
    for _ in range(100):
        connection.data_received(peer.data(1, bytes(16_384)))
    updates = only(sock.frames(), WindowUpdateFrame)
    assert updates
    assert {frame.stream_id for frame in updates} == {0}


async def test_more_than_the_window_ends_the_stream() -> None:
    connection, sock, _, peer = opened()
    exchange = connection.start(request())
    connection.data_received(peer.head(1) + b"".join(peer.data(1, bytes(16_384)) for _ in range(5)))
    assert [frame.error_code for frame in only(sock.frames(), RstStreamFrame)] == [3]
    assert len(await exchange.read()) == 65_536
    with pytest.raises(TransportError):
        await exchange.read()


async def test_an_answer_before_the_end_of_the_request_stops_the_upload() -> None:
    connection, sock, place, peer = opened()
    exchange = connection.start(request(method=b"POST", body=bytes(100_000)))
    await asyncio.sleep(0)
    assert sum(len(frame.data) for frame in only(sock.frames(), DataFrame)) == 65_535
    connection.data_received(peer.head(1, status="413", end=True))
    assert (exchange.status, exchange.complete) == (413, True)
    assert len(only(sock.frames(), RstStreamFrame)) == 1
    connection.data_received(WindowUpdateFrame(0, window_increment=100_000).serialize())
    assert only(sock.frames(), DataFrame) == []
    assert place.exchanges == set()


async def test_uploads_take_turns() -> None:
    connection, sock, _, _ = opened()
    connection.data_received(WindowUpdateFrame(0, window_increment=1_000_000).serialize())
    for _ in range(3):
        connection.start(request(method=b"POST", body=bytes(200_000)))
    await asyncio.sleep(0)
    sock.frames()
    for stream_id in (1, 3, 5):
        connection.data_received(WindowUpdateFrame(stream_id, window_increment=134_465).serialize())
    sent = only(sock.frames(), DataFrame)
    assert sum(len(frame.data) for frame in sent) == 3 * 134_465
    assert sum("END_STREAM" in frame.flags for frame in sent) == 3


async def test_a_full_socket_holds_up_bodies_only() -> None:
    connection, sock, _, _ = opened()
    connection.pause_writing()
    connection.start(request(method=b"POST", body=b"body"))
    connection.data_received(PingFrame(0, opaque_data=b"12345678").serialize())
    await asyncio.sleep(0)
    frames = sock.frames()
    assert only(frames, DataFrame) == []
    assert len(only(frames, PingFrame)) == 1
    connection.resume_writing()
    assert [frame.data for frame in only(sock.frames(), DataFrame)] == [b"body"]


async def test_stream_ids_run_out() -> None:
    connection, sock, _, peer = opened()
    connection._next_id = 2**31 - 1
    connection._parser.highest_outbound_stream_id = 2**31 - 3
    exchange = connection.start(request())
    assert connection.room() == 0
    connection.data_received(peer.head(2**31 - 1, end=True))
    assert exchange.complete
    assert sock.ended == "closed"


async def test_silent_peer_is_dropped() -> None:
    connection, sock, _, _ = opened()
    second = 1_000_000_000
    exchange = connection.start(request())
    now = connection._heard_ns
    connection.sweep(now + 21 * second)
    await asyncio.sleep(0)
    assert len(only(sock.frames(), PingFrame)) == 1
    connection.sweep(now + 26 * second)
    assert sock.ended == ""
    connection.sweep(now + 32 * second)
    assert sock.ended == "aborted"
    with pytest.raises(TransportError) as caught:
        await exchange.head_of_response()
    assert caught.value.failure is Failure.RESET
