"""Request bodies: how large, how deep, how encoded and how slow they may be."""

import gzip
import json
import socket
import time

import brotli
import httpx
import pytest
import zstandard

from tests.path.conftest import Ground
from tests.path.evidence import CHAT, assert_error, envelope

BYTES_MAX = 32 * 1024 * 1024
PACKERS = {"gzip": gzip.compress, "br": lambda data: brotli.compress(data, quality=1), "zstd": zstandard.compress}


def send(path: Ground, content: bytes, **headers: str) -> httpx.Response:
    sent = path.gateway.headers() | {"content-type": "application/json"} | headers
    return httpx.post(path.url, content=content, headers=sent, timeout=60)


@pytest.mark.parametrize("coding", PACKERS)
def test_codings_are_undone(path: Ground, coding: str) -> None:
    answer = send(path, PACKERS[coding](json.dumps(CHAT).encode()), **{"content-encoding": coding})
    assert answer.status_code == 200
    seen = path.provider.requests[0]
    assert seen.json == CHAT | {"model": "fake-1"}
    assert seen.header("content-encoding") in {None, "identity"}


@pytest.mark.parametrize("coding", PACKERS)
def test_a_bomb_is_413(path: Ground, coding: str) -> None:
    body = json.dumps(CHAT | {"x": "0" * BYTES_MAX}).encode()
    packed = PACKERS[coding](body)
    assert len(packed) < BYTES_MAX // 100
    assert_error(send(path, packed, **{"content-encoding": coding}), 413, "request_too_large")
    assert not path.provider.requests


def test_bodies_up_to_the_bound_pass(path: Ground) -> None:
    body = json.dumps(CHAT | {"x": "0" * (BYTES_MAX - 200)}).encode()
    assert send(path, body).status_code == 200
    assert len(path.provider.requests[0].body) > BYTES_MAX - 400


def test_unknown_and_broken_codings(path: Ground) -> None:
    body = json.dumps(CHAT).encode()
    assert_error(send(path, body, **{"content-encoding": "lzma"}), 415, "unsupported_encoding")
    assert_error(send(path, body, **{"content-encoding": "gzip"}), 400, "invalid_request")
    assert_error(send(path, gzip.compress(body)[:-9], **{"content-encoding": "gzip"}), 400, "invalid_request")


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b'{"model":"fake/fake-1","messages":[{"role":"user","content":"\xff"}]}', None),
        (b'{"model":"fake/fake-1"}', "messages"),
        (b'{"messages":[{"role":"user"}]}', "model"),
        (b'{"model":7,"messages":[{"role":"user"}]}', "model"),
        (b'{"model":"fake/fake-1","messages":"hi"}', "messages"),
        (b'{"model":"fake/fake-1","messages":[]}', "messages"),
        (b'{"model":"fake/fake-1","messages":[{"role":"user"},{"role":7}]}', "messages[1].role"),
        (b'{"model":"fake/fake-1","messages":[{"role":"user"}],"stream":"yes"}', "stream"),
        (b'{"model":"fake/fake-1","messages":[{"role":"user"}],"n":"2"}', "n"),
        (b'{"model":"fake/fake-1","messages":[{"role":"user"}],"max_tokens":-5}', "max_tokens"),
        (
            b'{"model":"fake/fake-1","messages":[{"role":"user"}],"stream_options":{"include_usage":1}}',
            "stream_options.include_usage",
        ),
    ],
)
def test_mistakes_get_their_json_path(path: Ground, content: bytes, param: str | None) -> None:
    answer = send(path, content)
    inner = assert_error(answer, 400, "invalid_request")
    if param is not None:
        assert inner["param"] == param
        assert param in inner["message"]
    assert not path.provider.requests


def test_nesting(path: Ground) -> None:
    def deep(depth: int) -> bytes:
        return json.dumps(CHAT).encode()[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"

    assert send(path, deep(100)).status_code == 200
    for depth in (200, 100_000):
        assert_error(send(path, deep(depth)), 400, "invalid_request")


def raw(path: Ground, more: str, *, key: str = "") -> socket.socket:
    """A connection on which the head of a request has been sent."""
    host, port = path.gateway.url.removeprefix("http://").split(":")
    line = socket.create_connection((host, int(port)), timeout=20)
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key or path.gateway.key}\r\n"
    line.sendall((head + more + "\r\n\r\n").encode())
    return line


def answer_of(line: socket.socket) -> tuple[int, bytes]:
    """Status and body of an answer with a length."""
    got = b""
    while b"\r\n\r\n" not in got:
        data = line.recv(65_536)
        assert data, got
        got += data
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(int(one.split(b":")[1]) for one in head.lower().split(b"\r\n") if one.startswith(b"content-length"))
    while len(body) < length:
        body += line.recv(65_536)
    return int(head.split()[1]), body


def test_a_length_beyond_the_bound_is_refused_before_the_body_is_sent(path: Ground) -> None:
    with raw(path, f"content-length: {BYTES_MAX + 1}") as line:
        status, body = answer_of(line)
    assert status == 413
    envelope(body, "request_too_large")


def test_a_wrong_key_is_refused_before_the_body_is_sent(path: Ground) -> None:
    ((name, value),) = path.address().items()
    more = f"{name}: {value}\r\ncontent-length: 1000"
    with raw(path, more, key="sk-fgw-wrong") as line:
        assert answer_of(line)[0] == 401


def test_a_chunked_body_beyond_the_bound(path: Ground) -> None:
    part = b"100000\r\n" + b"0" * 0x100000 + b"\r\n"
    with raw(path, "transfer-encoding: chunked") as line:
        try:
            for _ in range(40):
                line.sendall(part)
        except OSError:
            pass
        status, body = answer_of(line)
    assert status == 413
    envelope(body, "request_too_large")


@pytest.mark.parametrize("more", ["content-length: 1000", "transfer-encoding: chunked"])
def test_a_body_that_does_not_arrive(path: Ground, more: str) -> None:
    with raw(path, more) as line:
        status, body = answer_of(line)
    assert status == 408
    envelope(body, "request_timeout")


def test_a_slow_body_that_makes_progress_is_waited_for(path: Ground) -> None:
    body = json.dumps(CHAT).encode()
    third = len(body) // 3
    with raw(path, f"content-length: {len(body)}") as line:
        for part in (body[:third], body[third : 2 * third], body[2 * third :]):
            line.sendall(part)
            time.sleep(0.6)
        assert answer_of(line)[0] == 200
