"""The worker process: granian's embedded server around the ASGI application, on an event loop and signals of our own.

Measured with granian 2.8.7: `stop()` refuses new connections at once, closes idle ones, lets running answers finish,
and only then lets `serve()` return. A peer that sent half a request or does not read keeps it from returning, so each
wait here has a limit; a process that leaves with such a connection open ends cleanly.
"""

import asyncio
import contextlib
import gc
import logging
import signal
from pathlib import Path
from typing import Any, cast

import granian.net
import uvloop
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server.embed import Server
from starlette.applications import Starlette

from fastgw.app import handover, logs, machine, worker_app
from fastgw.dataplane.drain import Drain
from fastgw.errors import StartupError
from fastgw.observe.tasks import spawn
from fastgw.settings import Settings

_log = logging.getLogger("fastgw.worker")

KEEPALIVE_IDLE_MS = 75_000
"""How long a client's connection may idle (nginx: 75 s; balancers that keep theirs for 60 s close first)."""
STREAMS_PER_CONNECTION = 256
"""Concurrent HTTP/2 streams that one client connection may open (nginx: 128, Envoy advises 100)."""
CONNECTIONS_SPARE = 1024
"""Connections beyond `exchanges_max` that are accepted, so that the answer to too many is a 503 and not silence."""
FLUSH_MS = 5_000
"""How long peers may take to read the end of answers that are complete."""
CUT_MS = 2_000
"""How long exchanges that were cut may take to write their error frame and settle."""
ORPHAN_DRAIN_MS = 1_000
"""How long exchanges may go on when the parent was killed: the next start waits for us."""


class _Server(Server):
    """Granian's server on a socket of ours: inherited where ports cannot be shared, else opened here."""

    def __init__(self, *args: Any, listen_fd: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listen_fd = listen_fd

    def _init_shared_socket(self) -> None:
        if self._listen_fd < 0:
            self._listen_fd = machine.listener(self.bind_addr, self.bind_port).detach()
        # The class behind it takes the backlog on Linux only, where a socket listens once its worker is up.
        holder: Any = granian.net.SocketHolder  # type: ignore[attr-defined]
        self._shd = holder(self._listen_fd, False, *([self.backlog] if machine.SHARES_PORT else []))


def main(settings: Settings, parent: handover.Handover | None) -> int:
    """Run one worker until SIGTERM or SIGINT. The result is its exit code: 0, or 1 when it could not start."""
    logs.configure(settings.log_level, f"worker-{parent.slot if parent else 0}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_run(settings, parent))
        except StartupError as error:
            handover.failed(parent, error)
            return 1
    return 0


async def _run(settings: Settings, parent: handover.Handover | None) -> None:
    stop = _Stop(settings.deadlines.drain_ms, settings.deadlines.unready_ms)
    stop.listen(parent)
    app = worker_app.asgi(settings, parent.slot if parent else 0)
    async with app.router.lifespan_context(app):
        server = _server(app, settings, parent)
        serving = spawn(server.serve(), name="serve")
        await _listening(server, serving)
        gc.freeze()
        handover.report(parent, handover.Report())
        await _first_of(serving, stop.asked)
        if serving.done():
            raise StartupError("The HTTP server of the worker ended by itself; its log says why.")
        await _drain(app, server, serving, stop)


class _Stop:
    """When to stop, and how long running exchanges may still take. A second signal takes that time away."""

    def __init__(self, drain_ms: int, unready_ms: int) -> None:
        self.asked = asyncio.Event()
        self.hurry = asyncio.Event()
        self.drain_ms = drain_ms
        self.unready_ms = unready_ms

    def listen(self, parent: handover.Handover | None) -> None:
        """Take SIGTERM, SIGINT and the end of the parent as the word to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        handover.on_parent_gone(parent, self._orphaned)

    def _signalled(self) -> None:
        if self.asked.is_set():
            self.hurry.set()
        self.asked.set()

    def _orphaned(self) -> None:
        self.drain_ms = min(self.drain_ms, ORPHAN_DRAIN_MS)
        self.unready_ms = 0
        self.asked.set()


def _server(app: Starlette, settings: Settings, parent: handover.Handover | None) -> _Server:
    listen = settings.listen
    tls = bool(listen.tls_cert and listen.tls_key)
    return _Server(
        app,
        address=listen.host,
        port=listen.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes(listen.http),
        websockets=False,
        backlog=listen.backlog,
        backpressure=settings.bounds.exchanges_max + CONNECTIONS_SPARE,
        http1_settings=HTTP1Settings(header_read_timeout=KEEPALIVE_IDLE_MS),
        http2_settings=HTTP2Settings(max_concurrent_streams=STREAMS_PER_CONNECTION, keep_alive_interval=30_000),
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
        ssl_cert=Path(listen.tls_cert) if tls else None,
        ssl_key=Path(listen.tls_key) if tls else None,
        ssl_protocol_min=SSLProtocols.tls12,
        listen_fd=parent.listen_fd if parent else -1,
    )


_LOGGING: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}, "granian.access": {"handlers": []}},
}
"""Granian logs through the root logger, as everything else does, and errors alone: below them it describes itself."""


async def _listening(server: Server, serving: asyncio.Task[Any]) -> None:
    # It binds in the first step of the task that `serve` starts for its worker.
    while not server.wrks and not serving.done():  # noqa: ASYNC110 - granian offers nothing to wait for
        await asyncio.sleep(0)
    await asyncio.sleep(0.001)
    if serving.done() and (error := serving.exception()) is not None:
        raise StartupError(f"Cannot serve: {error}") from error


async def _first_of(serving: asyncio.Task[Any], event: asyncio.Event) -> None:
    waiting = spawn(event.wait(), name="stop")
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _drain(app: Starlette, server: Server, serving: asyncio.Task[Any], stop: _Stop) -> None:
    """Fail `/readyz`, stop accepting, wait for running exchanges, cut those that take too long, and let peers read."""
    drain = cast("Drain", app.state.drain)
    drain.begin()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.hurry.wait(), stop.unready_ms / 1000)
    server.stop()  # type: ignore[no-untyped-call]
    idle = spawn(drain.wait_idle(stop.drain_ms), name="drain")
    await _first_of(idle, stop.hurry)
    if not (idle.done() and idle.result()):
        idle.cancel()
        _log.warning("%d exchanges did not end in time and are cut", drain.active)
        drain.cut()
        await drain.wait_idle(CUT_MS)
    if not stop.hurry.is_set():
        await asyncio.wait({serving}, timeout=FLUSH_MS / 1000)
        if not serving.done():
            _log.info("some peers have not read all of their answers, and are left")
