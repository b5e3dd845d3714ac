"""The load clients, against the fake provider and against servers that get it wrong."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import msgspec
import pytest

from bench import load_paced, load_streams, payloads
from bench.upstream import Upstream

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def run(module: str, port: int, *arguments: object) -> list[bytes]:
    command = [sys.executable, "-m", module, "--port", str(port), *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.splitlines()


def streams(port: int) -> load_streams.Report:
    lines = run("bench.load_streams", port, "--streams", 4, "--pace", 20, "--seconds", 1, "--ramp", 0.2)
    assert [line.split()[0] for line in lines[:2]] == [b"open", b"close"]
    return msgspec.json.decode(lines[-1], type=load_streams.Report)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def serve_once(answer: Callable[[], list[bytes]]) -> int:
    """A server that gives every connection the same pieces, whatever it asks, and closes."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)

    def loop() -> None:
        with listener:
            for _ in range(4):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    for piece in answer():
                        connection.sendall(piece)

    threading.Thread(target=loop, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def test_whole_streams_are_complete_and_timed(upstream: Upstream) -> None:
    report = streams(upstream.port)
    assert report.errors == {}
    assert report.complete == 4
    assert report.events_window > 0
    assert 0 < report.delay_p50_us <= report.delay_p99_us <= report.delay_max_us
    assert report.end_p50_us > 0


EXPECTED = int((0.2 + 1 + 1.0) * 20)
END = payloads.STREAM_END


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([chunk(payloads.event(1) * (EXPECTED - 1) + END), b"0\r\n\r\n"], "wrong number of events"),
        ([chunk(payloads.event(1) * (EXPECTED + 1) + END), b"0\r\n\r\n"], "wrong number of events"),
        ([chunk(payloads.event(1) * EXPECTED + END.removesuffix(payloads.DONE)), b"0\r\n\r\n"], "no end mark"),
        ([chunk(payloads.event(1) * EXPECTED + payloads.DONE), b"0\r\n\r\n"], "no usage"),
        ([chunk(payloads.event(1) * EXPECTED + END)], "connection lost"),
    ],
)
def test_a_wrong_stream_is_seen(pieces: list[bytes], error: str) -> None:
    report = streams(serve_once(lambda: [HEAD, *pieces]))
    assert report.errors == {error: 4}
    assert report.complete == 0


def test_an_event_cut_anywhere_is_counted_once() -> None:
    body = payloads.event(1) * EXPECTED + END
    size = len(payloads.event(1)) - 7
    report = streams(
        serve_once(
            lambda: [HEAD, *(chunk(body[at : at + size]) for at in range(0, len(body), size)), b"0\r\n\r\n"],
        )
    )
    assert report.errors == {}
    assert report.complete == 4


def test_every_call_of_a_rate_is_made_and_answered(upstream: Upstream) -> None:
    line = run("bench.load_paced", upstream.port, "--rate", 100, "--seconds", 1, "--warmup", 0)[-1]
    report = msgspec.json.decode(line, type=load_paced.Report)
    assert report.errors == {}
    assert report.answered == 100
    assert 0 < report.p50_us <= report.p99_us <= report.max_us


def test_short_streams_are_called_to_their_end(upstream: Upstream) -> None:
    arguments = ("--rate", 50, "--seconds", 1, "--warmup", 0, "--events", 3)
    report = msgspec.json.decode(run("bench.load_paced", upstream.port, *arguments)[-1], type=load_paced.Report)
    assert report.errors == {}
    assert report.answered == 50
    # Three events, a millisecond apart.
    assert report.p50_us >= 1_000


def test_a_refused_call_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    line = run("bench.load_paced", port, "--rate", 20, "--seconds", 0.5, "--warmup", 0)[-1]
    report = msgspec.json.decode(line, type=load_paced.Report)
    assert report.answered == 0
    assert report.errors == {"refused": 10}
