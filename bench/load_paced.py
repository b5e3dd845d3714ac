"""Calls on kept-alive connections at a fixed rate, whatever the answers do (an open model), with the time of each.

A call is due at its moment even if earlier ones are late; if all connections are taken it waits, and the wait counts as
latency. That is the correction for coordinated omission. How late this client itself was is told apart (`lag`).
"""

import argparse
import asyncio
import gc
import sys
import time
from collections import deque
from typing import cast

import httptools
import msgspec
import uvloop

from bench.load_streams import percentile, request_bytes
from bench.payloads import request_body

_CONNECTIONS_MAX = 512


class Report(msgspec.Struct):
    """Latencies in microseconds, the calls of the warm-up left out."""

    rate: int
    answered: int
    errors: dict[str, int]
    p50_us: int
    p90_us: int
    p99_us: int
    max_us: int
    lag_p99_us: int
    connections: int


class Paced:
    """The schedule, the connections that wait for work, and the work that waits for connections."""

    def __init__(self, port: int, request: bytes) -> None:
        self.request = request
        self.port = port
        self.free: list[PacedClient] = []
        self.waiting: deque[int] = deque()
        self.connections = 0
        self.latencies: list[int] = []
        self.lags: list[int] = []
        self.errors: dict[str, int] = {}
        self._connecting: set[asyncio.Task[None]] = set()

    def fire(self, now_ns: int) -> None:
        """One call is due."""
        if self.free:
            self.free.pop().call(now_ns)
            return
        self.waiting.append(now_ns)
        if self.connections < _CONNECTIONS_MAX:
            self.connections += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: PacedClient(self), "127.0.0.1", self.port)
        except OSError:
            self.connections -= 1
            self.fail("refused")
            self.waiting and self.waiting.popleft()

    def idle(self, client: "PacedClient") -> None:
        """A connection has nothing to do: the oldest waiting call takes it."""
        if self.waiting:
            client.call(self.waiting.popleft())
        else:
            self.free.append(client)

    def fail(self, what: str) -> None:
        """Count an error."""
        self.errors[what] = self.errors.get(what, 0) + 1


class PacedClient(asyncio.Protocol):
    """A kept-alive connection, one call at a time."""

    def __init__(self, paced: Paced) -> None:
        self._paced = paced
        self._transport: asyncio.Transport
        self._due_ns = 0
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for work."""
        self._transport = cast(asyncio.Transport, transport)
        self._paced.idle(self)

    def call(self, due_ns: int) -> None:
        """Send the request that was due at `due_ns`."""
        self._due_ns = due_ns
        self._transport.write(self._paced.request)

    def data_received(self, data: bytes) -> None:
        """Parse the answer."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._paced.fail("broken HTTP")
            self._transport.close()

    def on_message_complete(self) -> None:
        """The answer is complete: take its time."""
        paced, due_ns = self._paced, self._due_ns
        status, alive = self._parser.get_status_code(), self._parser.should_keep_alive()
        self._parser, self._due_ns = httptools.HttpResponseParser(self), 0
        if status == 200:
            paced.latencies.append((time.monotonic_ns() - due_ns) // 1000)
        else:
            paced.fail(f"status {status}")
        if alive:
            paced.idle(self)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone; with a call on it that is an error."""
        self._paced.connections -= 1
        if self in self._paced.free:
            self._paced.free.remove(self)
        if self._due_ns:
            self._paced.fail("connection lost")


async def run(arguments: argparse.Namespace) -> Report:
    """Warm up, then measure; calls are due each `1 / rate` seconds."""
    loop = asyncio.get_running_loop()
    paced = Paced(
        arguments.port,
        request_bytes(
            arguments.port, arguments.path, arguments.header, request_body(events=arguments.events, pace=1000)
        ),
    )
    total_s, rate = arguments.warmup + arguments.seconds, arguments.rate
    start, fired, warm = loop.time() + 0.05, 0, False
    while fired < total_s * rate:
        await asyncio.sleep(0.001)
        now, now_ns = time.monotonic(), time.monotonic_ns()
        if not warm and now - start > arguments.warmup:
            warm = True
            paced.latencies.clear()
            paced.lags.clear()
        while fired < total_s * rate and start + fired / rate <= now:
            paced.lags.append(int((now - start - fired / rate) * 1e6))
            fired += 1
            paced.fire(now_ns)
    for _ in range(300):
        if len(paced.free) == paced.connections and not paced.waiting:
            break
        await asyncio.sleep(0.01)
    unanswered = len(paced.waiting) + paced.connections - len(paced.free)
    if unanswered:
        paced.errors["unanswered"] = unanswered
    ordered, lags = sorted(paced.latencies), sorted(paced.lags)
    return Report(
        rate=rate,
        answered=len(ordered),
        errors=paced.errors,
        p50_us=percentile(ordered, 0.5),
        p90_us=percentile(ordered, 0.9),
        p99_us=percentile(ordered, 0.99),
        max_us=ordered[-1] if ordered else 0,
        lag_p99_us=percentile(lags, 0.99),
        connections=paced.connections,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--header", action="append", default=[], help="`name: value`, several times")
    parser.add_argument("--rate", type=int, default=1000, help="calls a second")
    parser.add_argument("--events", type=int, default=0, help="short streams of so many events instead of unary calls")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the measured part")
    parser.add_argument("--warmup", type=float, default=2.0, help="seconds of warm-up, not measured")
    arguments = parser.parse_args()
    gc.disable()
    sys.stdout.write(msgspec.json.encode(uvloop.run(run(arguments))).decode() + "\n")


if __name__ == "__main__":
    main()
