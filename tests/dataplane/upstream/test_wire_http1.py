"""An HTTP/1.1 connection: what it writes, when it may be used again, and how it stops."""

from typing import Any

import pytest

from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.dataplane.upstream.wire.connection import Origin
from tests.dataplane.upstream.one_connection import OK, Place, at_once, opened, request


def test_connections_carry_one_exchange_after_the_other() -> None:
    place = Place()
    connection, sock = opened(place)
    for number in range(3):
        exchange = connection.start(request(target=b"/%d" % number))
        assert connection.room() == 0
        connection.data_received(OK + b"Content-Length: 1\r\n\r\n%d" % number)
        assert at_once(exchange.head_of_response()) is None
        assert at_once(exchange.read_all(10)) == b"%d" % number
        assert (connection.room(), place.freed_times) == (1, number + 1)
        assert connection.idle_since_ns > 0
    head = b"POST /2 HTTP/1.1\r\nhost: api.test\r\na: 1\r\ncontent-length: 2\r\n\r\n{}"
    assert sock.written[-1] == head


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"method": b"GET", "body": b""}, b"GET /v1 HTTP/1.1\r\nhost: api.test\r\na: 1\r\n\r\n"),
        ({"body": b""}, b"POST /v1 HTTP/1.1\r\nhost: api.test\r\na: 1\r\ncontent-length: 0\r\n\r\n"),
        ({"headers": ()}, b"POST /v1 HTTP/1.1\r\nhost: api.test\r\ncontent-length: 2\r\n\r\n{}"),
    ],
)
def test_a_request_is_one_write(fields: dict[str, Any], expected: bytes) -> None:
    connection, sock = opened(Place())
    connection.start(request(**fields))
    assert sock.written == [expected]


def test_a_plain_proxy_gets_the_absolute_form() -> None:
    origin = Origin("http", "a.test", 80, b"a.test", b"host: a.test\r\nproxy-authorization: x\r\n", b"http://a.test")
    connection, sock = opened(Place(origin))
    connection.start(request(headers=()))
    assert sock.written[0].startswith(b"POST http://a.test/v1 HTTP/1.1\r\nhost: a.test\r\nproxy-authorization: x\r\n")


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": ((b"a", b"1\r\nx: 2"),)},
        {"headers": ((b"a\nb", b"1"),)},
        {"headers": ((b"a", b"1\0"),)},
        {"target": b"/a b"},
        {"target": b"/\r\n\r\n"},
        {"target": b"/\xff"},
        {"target": b""},
        {"method": b"GET /x"},
    ],
)
def test_what_would_break_the_framing_is_refused_before_anything_is_written(fields: dict[str, Any]) -> None:
    place = Place()
    connection, sock = opened(place)
    with pytest.raises(TransportError) as caught:
        connection.start(request(**({"target": b"/v1"} | fields)))
    assert caught.value.failure is Failure.PROTOCOL
    assert (caught.value.sent, sock.written, connection.room(), place.exchanges) == (False, [], 1, set())


def test_a_long_body_goes_out_as_the_socket_drains() -> None:
    connection, sock = opened(Place())
    body = bytes(range(256)) * 10

    def write_until_full(data: bytes | bytearray | memoryview) -> None:
        sock.written.append(bytes(data))
        if len(data) >= 1000:
            connection.pause_writing()

    sock.write = write_until_full  # type: ignore[method-assign]
    exchange = connection.start(request(body=body))
    assert b"".join(sock.written[1:]) == body[:1000]
    first_ns = exchange.deadline_ns
    connection.resume_writing()
    assert b"".join(sock.written[1:]) == body[:2000]
    assert exchange.deadline_ns >= first_ns > 0
    connection.resume_writing()
    assert b"".join(sock.written[1:]) == body


def test_an_answer_before_the_body_is_out_ends_the_connection() -> None:
    place = Place()
    connection, sock = opened(place)
    sock.write = lambda data: connection.pause_writing()  # type: ignore[method-assign]
    exchange = connection.start(request(body=b"x" * 5000))
    connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
    assert (exchange.status, exchange.complete, sock.aborted, connection.room()) == (413, True, True, 0)
    assert at_once(exchange.read_all(10)) == b"no"


def test_reading_stops_at_the_bound_and_goes_on_when_the_reader_has_caught_up() -> None:
    connection, sock = opened(Place())
    exchange = connection.start(request())
    connection.data_received(OK + b"Content-Length: 300\r\n\r\n" + b"x" * 60)
    assert sock.is_reading()
    connection.data_received(b"x" * 60)
    assert not sock.is_reading()
    assert at_once(exchange.read()) == b"x" * 120
    assert sock.is_reading()
    connection.data_received(b"x" * 180)
    assert (exchange.complete, connection.room(), sock.is_reading()) == (True, 1, True)
    assert at_once(exchange.read()) == b"x" * 180


def test_what_comes_without_a_request_closes_the_connection() -> None:
    connection, sock = opened(Place())
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert (sock.aborted, connection.room()) == (True, 0)


def test_closing_an_exchange_closes_its_connection_and_never_that_of_the_next() -> None:
    place = Place()
    connection, sock = opened(place)
    first = connection.start(request())
    connection.data_received(OK + b"Content-Length: 0\r\n\r\n")
    second = connection.start(request())
    first.close()
    assert not sock.aborted
    second.close()
    second.close()
    assert (sock.aborted, place.exchanges) == (True, set())
    with pytest.raises(TransportError) as caught:
        at_once(second.read())
    assert caught.value.failure is Failure.CLOSED


def test_closing_the_connection_fails_its_exchange() -> None:
    connection, sock = opened(Place())
    exchange = connection.start(request())
    connection.close()
    connection.close()
    with pytest.raises(TransportError) as caught:
        at_once(exchange.head_of_response())
    assert (caught.value.failure, sock.aborted) == (Failure.CLOSED, True)
