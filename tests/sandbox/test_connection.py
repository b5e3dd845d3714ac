"""One connection of the sandbox: framing, order, and what is no HTTP at all."""

import socket
import time

import httpx
import msgspec
import pytest

from fastgw.sandbox.connection import HEAD_BYTES_MAX, PIPELINED_MAX
from tests.sandbox.test_service import ask, body


def raw(base_url: str, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Send bytes as they are; the result is everything until the sandbox closes."""
    url = httpx.URL(base_url)
    got = b""
    with socket.create_connection((url.host, url.port or 80), timeout=30) as line:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(pause_s)
        try:
            while data := line.recv(65_536):
                got += data
        except ConnectionResetError:
            pass
    return got


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b" 400 "),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b" 400 "),
        (b"GET / HTTP/1.1\r\n" + b"a" * (HEAD_BYTES_MAX + 10), b" 431 "),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * (HEAD_BYTES_MAX // 6 + 10), b" 431 "),
        (b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n", b" 400 "),
        (b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b" 400 "),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b" 400 "),
        (b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", b" 400 "),
    ],
)
def test_refuses_what_is_no_request_and_goes_on(
    base_url: str, client: httpx.Client, sent: bytes, status: bytes
) -> None:
    got = raw(base_url, sent)
    assert status in got.partition(b"\r\n")[0] + b" ", got[:200]
    assert ask(client, "echo").status_code == 200


def test_too_many_pipelined_requests_end_the_line(base_url: str, client: httpx.Client) -> None:
    payload = msgspec.json.encode(body("echo:delay_ms=100"))
    one = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(payload), payload)
    got = raw(base_url, one * (PIPELINED_MAX * 3))
    assert got.count(b"HTTP/1.1 ") <= 2
    assert ask(client, "echo").status_code == 200


def test_pipelined_and_dribbled_requests_are_answered_in_order(base_url: str) -> None:
    one, two = (msgspec.json.encode(body("echo", text)) for text in ("first", "second"))
    requests = b"".join(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: %b\r\ncontent-length: %d\r\n\r\n%b"
        % (mode, len(data), data)
        for mode, data in ((b"keep-alive", one), (b"close", two))
    )
    for pieces in ([requests], [requests[i : i + 1] for i in range(len(requests))]):
        got = raw(base_url, *pieces)
        assert got.count(b"HTTP/1.1 200") == 2
        assert got.index(b"first") < got.index(b"second")


def test_a_client_of_http_1_0_gets_a_plain_body(base_url: str) -> None:
    payload = msgspec.json.encode(body("echo", stream=True))
    head = b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(payload)
    got = raw(base_url, head + payload)
    assert b"transfer-encoding" not in got
    assert got.endswith(b"data: [DONE]\n\n")


def test_a_body_that_is_announced_is_asked_for(base_url: str) -> None:
    payload = msgspec.json.encode(body("echo"))
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    )
    got = raw(base_url, head % len(payload), payload, pause_s=0.1)
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
