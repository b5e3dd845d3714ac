"""The glue around httptools: however a response is cut, the exchange and the connection end up the same."""

from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.dataplane.upstream.wire.exchange import Again
from tests.dataplane.upstream.one_connection import OK, Place, at_once, opened, request


class Outcome(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    complete: bool
    failure: Failure | None
    again: Again
    reusable: bool
    lost: int
    left_open: int


def outcome(pieces: list[bytes], *, method: bytes = b"POST", end: bool = False, reused: bool = False) -> Outcome:
    """Feed `pieces` as one read of the socket each."""
    place = Place()
    connection, sock = opened(place)
    if reused:
        connection.start(request())
        connection.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
    exchange = connection.start(request(method))
    body = b""
    for piece in pieces:
        if sock.aborted:
            break
        connection.data_received(piece)
        if exchange.buffered_bytes:
            body += at_once(exchange.read())
    if end and not sock.aborted:
        connection.eof_received()
    if end or sock.aborted:
        sock.aborted = True
        connection.connection_lost(None)
    failure = None
    if exchange.complete:
        assert at_once(exchange.read()) == b""
    elif end or sock.aborted:
        with pytest.raises(TransportError) as caught:
            at_once(exchange.read())
        failure = caught.value.failure
    return Outcome(
        exchange.status,
        exchange.headers,
        body,
        exchange.complete,
        failure,
        exchange.again,
        connection.room() == 1,
        place.lost_times,
        len(place.exchanges),
    )


MANY = b"".join(b"h%d: x\r\n" % number for number in range(8))

CASES: dict[str, tuple[bytes, dict[str, Any], dict[str, Any]]] = {
    "length": (
        OK + b"Content-Length: 5\r\nX-A:  b \t\r\nX-A: c\r\n\r\nhello",
        {},
        {
            "status": 200,
            "headers": [(b"content-length", b"5"), (b"x-a", b"b"), (b"x-a", b"c")],
            "body": b"hello",
            "complete": True,
            "reusable": True,
            "failure": None,
        },
    ),
    "no body": (OK + b"Content-Length: 0\r\n\r\n", {}, {"complete": True, "reusable": True, "body": b""}),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", {}, {"status": 204, "complete": True, "reusable": True}),
    "304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", {}, {"complete": True, "reusable": True}),
    "chunked with trailers": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n",
        {},
        {"headers": [(b"transfer-encoding", b"chunked")], "body": b"hello world", "complete": True, "reusable": True},
    ),
    "interim": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + OK
        + b"Content-Length: 1\r\n\r\na",
        {},
        {"status": 200, "headers": [(b"content-length", b"1")], "body": b"a", "complete": True, "reusable": True},
    ),
    "close": (
        OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi",
        {},
        {"body": b"hi", "complete": True, "reusable": False, "lost": 1},
    ),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", {}, {"complete": True, "reusable": False}),
    "until the end": (
        OK + b"Content-Type: a/b\r\n\r\nhello",
        {"end": True},
        {"body": b"hello", "complete": True, "reusable": False, "failure": None},
    ),
    "cut in the head": (
        OK + b"Content-Le",
        {"end": True},
        {"status": 0, "complete": False, "failure": Failure.RESET, "again": Again.NO},
    ),
    "cut in the body": (
        OK + b"Content-Length: 9\r\n\r\nhello",
        {"end": True},
        {"status": 200, "body": b"hello", "complete": False, "failure": Failure.RESET, "again": Again.NO},
    ),
    "cut between chunks": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        {"end": True, "reused": True},
        {"body": b"hello", "complete": False, "failure": Failure.RESET, "again": Again.NO},
    ),
    "nothing on a new connection": (b"", {"end": True}, {"failure": Failure.RESET, "again": Again.NO}),
    "nothing on a used connection": (
        b"",
        {"end": True, "reused": True},
        {"failure": Failure.RESET, "again": Again.IF_RESEND},
    ),
    "one byte on a used connection": (
        b"H",
        {"end": True, "reused": True},
        {"failure": Failure.RESET, "again": Again.NO},
    ),
    "longer than its length": (
        OK + b"Content-Length: 2\r\n\r\nhi!",
        {},
        {"body": b"hi", "complete": True, "reusable": False, "lost": 1},
    ),
    "a second response": (
        (OK + b"Content-Length: 2\r\n\r\nhi") * 2,
        {},
        {"body": b"hi", "complete": True, "reusable": False, "lost": 1},
    ),
    "half a second response": (
        OK + b"Content-Length: 2\r\n\r\nhiHTT",
        {},
        {"body": b"hi", "complete": True, "reusable": False, "lost": 1},
    ),
    "head only": (
        OK + b"Content-Length: 5\r\n\r\n",
        {"method": b"HEAD"},
        {"status": 200, "complete": True, "body": b"", "reusable": True},
    ),
    "head with a body": (
        OK + b"Content-Length: 5\r\n\r\nhello",
        {"method": b"HEAD"},
        {"complete": True, "body": b"", "reusable": False},
    ),
    "switching protocols": (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc",
        {},
        {"status": 0, "failure": Failure.PROTOCOL, "reusable": False},
    ),
    "unknown status": (b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", {}, {"failure": Failure.PROTOCOL}),
    "not http": (b"SSH-2.0-OpenSSH_9.2\r\n", {"reused": True}, {"failure": Failure.PROTOCOL, "again": Again.NO}),
    "two framings": (
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        {},
        {"failure": Failure.PROTOCOL, "body": b""},
    ),
    "folded header": (OK + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n", {}, {"failure": Failure.PROTOCOL}),
    "bad chunk size": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n",
        {},
        {"status": 200, "body": b"hi", "failure": Failure.PROTOCOL},
    ),
    "too many headers": (OK + MANY + b"Content-Length: 0\r\n\r\n", {}, {"failure": Failure.PROTOCOL, "status": 0}),
    "too long a header": (OK + b"a: %b\r\n" % (b"x" * 400), {}, {"failure": Failure.PROTOCOL, "status": 0}),
    "too long a head, whole": (
        OK + b"a: %b\r\nContent-Length: 0\r\n\r\n" % (b"x" * 300),
        {},
        {"failure": Failure.PROTOCOL, "status": 0},
    ),
    "endless interim": (
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20,
        {},
        {"failure": Failure.PROTOCOL, "status": 0},
    ),
    "too many trailers": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + MANY,
        {},
        {"failure": Failure.PROTOCOL, "body": b"hi"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_response_read_at_once(name: str) -> None:
    data, how, expected = CASES[name]
    result = outcome([data] if data else [], **how)
    assert {key: getattr(result, key) for key in expected} == expected
    assert result.left_open == (0 if result.complete or result.failure else 1)


@pytest.mark.parametrize("name", CASES)
def test_a_response_read_byte_by_byte(name: str) -> None:
    data, how, _ = CASES[name]
    whole = outcome([data] if data else [], **how)
    assert outcome([data[at : at + 1] for at in range(len(data))], **how) == whole


@pytest.mark.parametrize("name", CASES)
def test_a_response_read_in_two(name: str) -> None:
    data, how, _ = CASES[name]
    whole = outcome([data] if data else [], **how)
    for at in range(1, len(data)):
        assert outcome([data[:at], data[at:]], **how) == whole, at


@given(name=st.sampled_from(sorted(CASES)), cuts=st.sets(st.integers(1, 900), max_size=12))
def test_a_response_read_in_any_pieces(name: str, cuts: set[int]) -> None:
    data, how, _ = CASES[name]
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[start:stop] for start, stop in pairwise(edges) if stop > start]
    assert outcome(pieces, **how) == outcome([data] if data else [], **how)


@pytest.mark.parametrize("junk", [b"0\r\na: ", b"3;"], ids=["trailer", "chunk extension"])
def test_framing_without_end_is_refused(junk: bytes) -> None:
    start = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
    assert outcome([start + junk, b"x" * 299]).failure is None
    result = outcome([start + junk, b"x" * 200, b"x" * 200])
    assert (result.body, result.failure, result.lost) == (b"hi", Failure.PROTOCOL, 1)


def test_framing_that_brings_bytes_is_never_too_much() -> None:
    chunk = b"1;%b\r\nx\r\n" % (b"e" * 100)
    result = outcome([OK + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 50, b"0\r\n\r\n"])
    assert (result.body, result.complete, result.reusable) == (b"x" * 50, True, True)


@given(data=st.binary(max_size=400), prefix=st.sampled_from([b"", OK, OK + b"Transfer-Encoding: chunked\r\n\r\n"]))
def test_no_bytes_upset_the_connection(data: bytes, prefix: bytes) -> None:
    result = outcome([prefix + data], end=True)
    assert result.lost == 1
    assert result.left_open == 0
    assert result.complete != (result.failure is not None)
