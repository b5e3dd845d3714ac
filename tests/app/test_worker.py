"""The worker's end: whom it waits for, and how long. Each case is a real worker with a real peer that behaves oddly."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from granian.constants import Interfaces

from fastgw.app import worker
from tests.fakes.gateway import PATIENCE_S, Gateway

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path, "[deadlines]\ndrain_ms = 2000\n", workers=1) as gateway:
        yield gateway


def connect(gateway: Gateway) -> socket.socket:
    host, port = gateway.url.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def test_peers_that_stop_halfway_do_not_keep_it_from_ending(gateway: Gateway) -> None:
    halves = [b"", b"GET /healthz HT", HEAD, HEAD + b"content-length: 100\r\n\r\n{"]
    with contextlib.ExitStack() as peers:
        for half in halves:
            peers.enter_context(connect(gateway)).sendall(half)
        time.sleep(0.2)
        assert gateway.stop(signal.SIGTERM) == 0
    assert "killed" not in gateway.log
    assert "are left" in gateway.log


def test_idle_connections_are_closed_at_once(gateway: Gateway) -> None:
    with httpx.Client() as client, connect(gateway):
        assert client.get(f"{gateway.url}/healthz").status_code == 200
        assert gateway.stop(signal.SIGTERM) == 0
    # It did not wait as it does for peers that have something left to read.
    assert "are left" not in gateway.log


def test_a_terminated_worker_alone_is_replaced(gateway: Gateway) -> None:
    before = gateway.pids()["worker-0"]
    psutil.Process(before).terminate()
    deadline = time.monotonic() + PATIENCE_S
    while gateway.pids()["worker-0"] in {0, before} or not answers(gateway):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_readiness_fails_before_the_port_closes(tmp_path: Path) -> None:
    with Gateway(tmp_path, "[deadlines]\nunready_ms = 60000\n", workers=1) as gateway:
        psutil.Process(gateway.pid).send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_S
        while httpx.get(f"{gateway.url}/readyz").status_code != 503:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert httpx.get(f"{gateway.url}/healthz").status_code == 200
        # A second signal does not wait for the balancer.
        assert gateway.stop(signal.SIGTERM) == 0


async def test_it_accepts_from_a_socket_that_was_opened_for_it() -> None:
    """How workers share a port where the kernel cannot spread connections over several sockets."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = {"interface": Interfaces.ASGINL, "websockets": False, "log_enabled": False}
        server = worker._Server(app, listen_fd=os.dup(listener.fileno()), **options)
        serving = asyncio.ensure_future(server.serve())
        await worker._listening(server, serving)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")).status_code == 204
        server.stop()  # type: ignore[no-untyped-call]
        async with asyncio.timeout(PATIENCE_S):
            await serving


def answers(gateway: Gateway) -> bool:
    try:
        return httpx.get(f"{gateway.url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_an_idle_gateway_uses_no_processor(gateway: Gateway) -> None:
    time.sleep(1)
    processes = [psutil.Process(pid) for pid in gateway.pids().values() if pid]

    def used() -> float:
        return sum(sum(process.cpu_times()[:2]) for process in processes)

    before = used()
    time.sleep(3)
    # Clocks count in hundredths; Valkey's own timer and the keeper's looks take a few of them in all.
    assert used() - before < 0.3


def test_a_worker_is_small_after_its_start(gateway: Gateway) -> None:
    assert psutil.Process(gateway.pids()["worker-0"]).memory_info().rss < 90 * 1024 * 1024
