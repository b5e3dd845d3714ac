"""Back-pressure: what a provider can push at most while the client does not read, and what 1,000 such clients cost."""

import contextlib
import json
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from granian.http import HTTP1Settings

from fastgw.app.machine import SEND_BUFFER_BYTES
from fastgw.dataplane.upstream.wire.connection import WireBounds
from tests.conformance.http2_client import Http2Client
from tests.fakes import Answer, FakeProvider, answers
from tests.fakes.gateway import Gateway, provider_toml
from tests.path.evidence import STREAM, rows, until

MIB = 1 << 20
EVENT = answers.chunk({"content": "x" * 16_000})
PIECE = answers.piece(EVENT)
PUSHED_BYTES = 64 * MIB
PROVIDER_BUFFER_BYTES = MIB // 8
CLIENT_BUFFER_BYTES = MIB // 16
READERS = 1_000
SERVER_WRITES = 50
"""Writes of one answer that granian 2.8 takes before it makes the application wait, as observed."""
READ_BYTES = 64 * 1024
"""A write is what one read of the provider's socket brought."""
WORKER_BYTES_MAX = SERVER_WRITES * READ_BYTES + HTTP1Settings().max_buffer_size + 2 * WireBounds().read_high_water_bytes
"""Of the worker's own memory for each slow reader, 3.8 MiB: the server's queue and its write buffer, and what lies
unread in the transport, with its task, parser and records. A thousand such readers may take 3.8 GB."""
HELD_BYTES_MAX = WORKER_BYTES_MAX + 2 * WireBounds().socket_receive_bytes + 2 * SEND_BUFFER_BYTES + MIB
"""Between the provider and one reader: the worker's part, both sockets of the gateway, whose sizes the kernel doubles,
and 1 MiB for the sockets and buffers of the provider and the client in this test."""


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, FakeProvider]]:
    config = "[deadlines]\ntimeout_idle_ms = 120000\n"
    with FakeProvider(send_buffer_bytes=PROVIDER_BUFFER_BYTES) as provider:
        config += provider_toml("fake", provider.url)
        with Gateway(Path(tmp_path_factory.mktemp("flow") / "gateway"), config) as gateway:
            yield gateway, provider


def endless(provider: FakeProvider) -> None:
    """Have it push as much as it can; all its answers share their bytes."""
    answer = Answer((answers.head(200, (answers.EVENTS,), chunked=True), *[PIECE] * (PUSHED_BYTES // len(PIECE))))
    provider.forget()
    provider.default = lambda _: answer


def slow_reader(gateway: Gateway) -> socket.socket:
    """A client that asks for a stream and reads nothing."""
    host, port = gateway.url.removeprefix("http://").split(":")
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CLIENT_BUFFER_BYTES)
    line.connect((host, int(port)))
    body = json.dumps(STREAM).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {gateway.key}\r\n"
    line.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
    return line


def settled_bytes(provider: FakeProvider) -> int:
    """What the provider has sent when it can send no more."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 1.5:
        sent = sum(seen.sent_bytes for seen in provider.requests)
        if sent != last:
            last, since = sent, time.monotonic()
        time.sleep(0.05)
    return last


def test_a_slow_reader_of_http_1_stops_the_provider(flow: tuple[Gateway, FakeProvider]) -> None:
    gateway, provider = flow
    endless(provider)
    with slow_reader(gateway) as line:
        provider.wait_requests()
        held = settled_bytes(provider)
        assert 0 < held <= HELD_BYTES_MAX
        # It goes on as soon as the client reads on.
        line.settimeout(20)
        taken = 0
        while taken < 2 * held:
            taken += len(line.recv(MIB))
        assert provider.requests[0].sent_bytes > held
    provider.requests[0].wait_gone()


def test_a_slow_reader_of_http_2_stops_the_provider(flow: tuple[Gateway, FakeProvider]) -> None:
    gateway, provider = flow
    endless(provider)
    with Http2Client(gateway.url, gateway.headers()) as client:
        stream = client.post(STREAM)
        provider.wait_requests()
        held = settled_bytes(provider)
        assert 0 < held <= HELD_BYTES_MAX
        client.until(lambda: len(client.body(stream)) > 2 * held)
        assert provider.requests[0].sent_bytes > held
        client.reset(stream)
        provider.requests[0].wait_gone()


@pytest.mark.long
def test_memory_with_a_thousand_slow_readers(flow: tuple[Gateway, FakeProvider]) -> None:
    gateway, provider = flow
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * READERS:
        pytest.skip(f"{hard} files may be open, {4 * READERS} are needed: raise ulimit -n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * READERS), hard))
    endless(provider)
    worker = psutil.Process(gateway.pids()["worker-0"])
    before = worker.memory_info().rss
    known = len(rows(gateway))
    with contextlib.ExitStack() as lines:
        for number in range(READERS):
            lines.enter_context(slow_reader(gateway))
            if number % 50 == 49:
                provider.wait_requests(number + 1, 120)
        sent = settled_bytes(provider)
        assert sent <= READERS * HELD_BYTES_MAX
        grown = worker.memory_info().rss - before
        assert grown <= READERS * WORKER_BYTES_MAX, f"{grown / MIB:.0f} MiB for {READERS} readers"
        print(f"{sent / MIB:.0f} MiB held on the way, the worker itself took {grown / MIB:.0f} MiB")
    until(lambda: all(seen.done.is_set() for seen in provider.requests), "all exchanges to end", 120)
    until(lambda: len(rows(gateway)) >= known + READERS, "all rows", 120)
