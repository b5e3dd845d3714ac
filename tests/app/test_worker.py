"""The worker's end: whom it waits for, and how long. Each case is a real worker with a real peer that behaves oddly."""

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

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


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /healthz HT", HEAD, HEAD + b"content-length: 100\r\n\r\n{"],
    ids=["nothing", "half a line", "half a head", "half a body"],
)
def test_a_peer_that_stops_halfway_does_not_keep_it_from_ending(gateway: Gateway, sent: bytes) -> None:
    with connect(gateway) as peer:
        peer.sendall(sent)
        time.sleep(0.2)
        assert gateway.stop(signal.SIGTERM) == 0
    assert "killed" not in gateway.log


def test_an_idle_kept_connection_is_closed_at_once(gateway: Gateway) -> None:
    with httpx.Client() as client:
        assert client.get(f"{gateway.url}/healthz").status_code == 200
        began = time.monotonic()
        assert gateway.stop(signal.SIGTERM) == 0
        # Well below the wait for peers that have something left to read.
        assert time.monotonic() - began < worker.FLUSH_MS / 1000


def test_a_terminated_worker_alone_is_replaced(gateway: Gateway) -> None:
    before = gateway.pids()["worker-0"]
    psutil.Process(before).terminate()
    deadline = time.monotonic() + PATIENCE_S
    while gateway.pids()["worker-0"] in {0, before} or not answers(gateway):
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
    time.sleep(5)
    # Clocks count in hundredths; Valkey's own timer and the keeper's looks take a few of them in all.
    assert used() - before < 0.5


def test_a_worker_is_small_after_its_start(gateway: Gateway) -> None:
    assert psutil.Process(gateway.pids()["worker-0"]).memory_info().rss < 90 * 1024 * 1024
