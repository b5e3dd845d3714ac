"""What an HTTP/2 connection makes of a peer that breaks the rules."""

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    WindowUpdateFrame,
)

from fastgw.dataplane.upstream.transport import Failure, TransportError
from tests.dataplane.upstream.one_h2_connection import only, opened, request


def continuations(count: int) -> bytes:
    return HeadersFrame(1, data=b"\x88").serialize() + ContinuationFrame(1, data=b"").serialize() * count


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(continuations(100), id="endless continuation"),
        pytest.param(HeadersFrame(1, data=b"\x88").serialize() + DataFrame(1, data=b"x").serialize(), id="data inside"),
        pytest.param(
            HeadersFrame(
                1, data=b"\x88\x40\x01a\x7f\xe1\x1e" + b"b" * 4000 + b"\xbe" * 4000, flags=["END_HEADERS"]
            ).serialize(),
            id="bomb",
        ),
        pytest.param(HeadersFrame(1, data=b"\xff\xff\xff\xff", flags=["END_HEADERS"]).serialize(), id="bad hpack"),
        pytest.param(DataFrame(1, data=bytes(16_385)).serialize(), id="frame too large"),
        pytest.param(DataFrame(7, data=b"x").serialize(), id="stream never opened"),
        pytest.param(DataFrame(2, data=b"x").serialize(), id="stream of the server"),
        pytest.param(b"\0\0\x01\0\x08\0\0\0\x01\xff", id="padding beyond the frame"),
        pytest.param(
            PushPromiseFrame(1, promised_stream_id=2, data=b"\x82", flags=["END_HEADERS"]).serialize(), id="push"
        ),
        pytest.param(WindowUpdateFrame(0, window_increment=2**31 - 1).serialize() * 2, id="window overflow"),
        pytest.param(b"\0\0\x04\x07\0\0\0\0\0\0\0\0\0", id="short goaway"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="not http/2"),
    ],
)
async def test_broken_peer_ends_the_connection_only(attack: bytes) -> None:
    connection, sock, place, _ = opened()
    exchange = connection.start(request())
    connection.data_received(attack)
    assert sock.ended == "aborted"
    assert connection.room() == 0
    with pytest.raises(TransportError) as caught:
        await exchange.head_of_response()
    assert caught.value.failure is Failure.PROTOCOL
    connection.connection_lost(None)
    assert (place.lost_times, place.exchanges) == (1, set())


async def test_flood_of_pings_that_reads_no_answer() -> None:
    connection, sock, _, _ = opened()
    sock.buffered = 2_000_000
    connection.data_received(PingFrame(0, opaque_data=b"12345678").serialize())
    assert sock.ended == "aborted"


@pytest.mark.parametrize(
    "headers",
    [
        [("Upper", "1")],
        [("connection", "close")],
        [("a", "1\r\n2")],
        [("content-length", "1"), ("content-length", "2")],
        [(f"x-{number}", "") for number in range(30)],
    ],
)
async def test_malformed_head_ends_its_stream_only(headers: list[tuple[str, str]]) -> None:
    connection, sock, _, peer = opened()
    bad, good = connection.start(request()), connection.start(request())
    connection.data_received(peer.head(1, *headers) + peer.head(3, end=True))
    with pytest.raises(TransportError) as caught:
        await bad.head_of_response()
    assert (caught.value.failure, caught.value.sent) == (Failure.PROTOCOL, True)
    assert (good.status, good.complete) == (200, True)
    assert [(frame.stream_id, frame.error_code) for frame in only(sock.frames(), RstStreamFrame)] == [(1, 1)]
