"""`fastgw serve`: everything that the gateway needs on one machine, started together and kept running.

Order of the start: folder, lock, orphans of a killed run, port; then all processes at once, each waiting by itself for
what it needs, because on a small machine their imports are most of the start. Order of the end: workers (they finish
and settle), keeper (it drains their journals), sandbox, Valkey.
"""

import asyncio
import logging
import os
import signal
import socket
import sys

import msgspec

from fastgw.app import announce, folder, handover, logs, machine, sandbox
from fastgw.app.children import Child, Spec
from fastgw.observe.tasks import spawn
from fastgw.sandbox import launch, server
from fastgw.settings import Settings
from fastgw.storage.valkey import embedded

_log = logging.getLogger("fastgw.serve")

DRAIN_SPARE_MS = 10_000
"""Time a worker gets to end beyond `unready_ms` and `drain_ms` of the deadlines: cutting, settling, flushing."""
KEEPER_STOP_MS = 15_000
SANDBOX_STOP_MS = 2_000
VALKEY_STOP_MS = 10_000
VALKEY_POLL_S = 0.01


def run(settings: Settings) -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP; the result is the exit code. Raises `StartupError`."""
    logs.configure(settings.log_level, "serve")
    announce.starting(settings)
    data_dir = settings.stores.data_dir
    folder.prepare(data_dir)
    lock = folder.Lock(data_dir)
    try:
        orphans = folder.reclaim(data_dir)
        if orphans:
            _log.warning("an earlier run was killed; ended what it left: %s", ", ".join(orphans))
        address = machine.resolve(settings.listen.host)
        with machine.claim_port(address, settings.listen.port, settings.listen.backlog) as port:
            machine.raise_files_limit()
            machine.check_certificate(settings.listen.tls_cert, settings.listen.tls_key)
            return _supervise(_resolved(settings, address, port), port)
    finally:
        lock.release()


def _resolved(settings: Settings, address: str, port: socket.socket) -> Settings:
    """The settings with everything decided that they leave open, as the processes get them."""
    replace = msgspec.structs.replace
    listen = replace(
        settings.listen,
        host=address,
        port=port.getsockname()[1],
        workers=settings.listen.workers or machine.cores(),
    )
    return replace(settings, listen=listen)


def _supervise(settings: Settings, port: socket.socket) -> int:
    """Find out which processes there are, and run them."""
    lifeline_read, lifeline_write = os.pipe()
    listener: socket.socket | None = None
    store: embedded.Prepared | None = None
    try:
        if not settings.stores.redis_url:
            store = embedded.prepare(settings.stores.data_dir)
            stores = msgspec.structs.replace(settings.stores, redis_url=store.url)
            settings = msgspec.structs.replace(settings, stores=stores)
        if sandbox.wanted(settings):
            listener = server.bind()
            settings = sandbox.placed(settings, server.base_url(listener))
        with os.fdopen(handover.pack(settings), "rb") as packed:
            children = _Children(settings, store, listener, packed.fileno(), lifeline_read, port)
            return asyncio.run(_Supervisor(settings, children).run())
    finally:
        if store is not None:
            store.release()
        if listener is not None:
            listener.close()
        os.close(lifeline_read)
        os.close(lifeline_write)


class _Children:
    """The processes of one gateway, in the order in which they are started."""

    def __init__(
        self,
        settings: Settings,
        store: embedded.Prepared | None,
        listener: socket.socket | None,
        settings_fd: int,
        lifeline_fd: int,
        port: socket.socket,
    ) -> None:
        self._data_dir = settings.stores.data_dir
        self.valkey = None if store is None else self._store(store)

        def own(name: str, verb: str, *, stop_ms_max: int, slot: int = 0, listen_fd: int = -1) -> Child:
            spec = Spec(
                name,
                (sys.executable, "-m", "fastgw", verb),
                settings_fd=settings_fd,
                lifeline_fd=lifeline_fd,
                listen_fd=listen_fd,
                slot=slot,
                stop_ms_max=stop_ms_max,
            )
            return Child(spec, changed=self.record)

        listen_fd = -1 if machine.SHARES_PORT else port.fileno()
        drain_ms = settings.deadlines.unready_ms + settings.deadlines.drain_ms + DRAIN_SPARE_MS
        self.keeper = own("keeper", "keeper-child", stop_ms_max=KEEPER_STOP_MS)
        self.workers = [
            own(f"worker-{slot}", "worker", slot=slot, listen_fd=listen_fd, stop_ms_max=drain_ms)
            for slot in range(settings.listen.workers)
        ]
        self.sandbox: Child | None = None
        if listener is not None:
            fd = listener.fileno()
            argv = launch.command(listen_fd=fd, lifeline_fd=lifeline_fd)
            spec = Spec("sandbox", argv, lifeline_fd=lifeline_fd, listen_fd=fd, stop_ms_max=SANDBOX_STOP_MS)
            self.sandbox = Child(spec, changed=self.record)

    def all(self) -> list[Child]:
        """Every process."""
        return [child for child in (self.valkey, self.keeper, *self.workers, self.sandbox) if child is not None]

    def record(self) -> None:
        """Write down what runs, for the next start and for a person who looks."""
        folder.record(self._data_dir, {"serve": os.getpid(), **{child.spec.name: child.pid for child in self.all()}})

    async def end(self) -> None:
        """End all of them, each when nobody needs it any more."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))
        await self.keeper.stop()
        for child in (self.sandbox, self.valkey):
            if child is not None:
                await child.stop()
        folder.record(self._data_dir, {})

    def _store(self, store: embedded.Prepared) -> Child:
        async def serving() -> None:
            while not await asyncio.to_thread(store.answers):  # noqa: ASYNC110 - a server has no event for us
                await asyncio.sleep(VALKEY_POLL_S)

        spec = Spec("valkey", store.command, stop_ms_max=VALKEY_STOP_MS, native=True)
        return Child(spec, changed=self.record, ready=serving, ask_to_end=lambda: asyncio.to_thread(store.ask_to_end))


class _Supervisor:
    """Starts the processes, tells the user, and ends them when asked to."""

    def __init__(self, settings: Settings, children: _Children) -> None:
        self._settings = settings
        self._children = children
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Until a signal asks to stop; the result is 0. Raises `StartupError` when a process does not start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` has hang-ups ignored, and means it.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, self._asked_to_stop)
        starting = asyncio.ensure_future(self._start())
        stopping = spawn(self._stop.wait(), name="stop")
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                announce.ready(self._settings, starting.result())
                await stopping
        finally:
            starting.cancel()
            stopping.cancel()
            await self._children.end()
        return 0

    async def _start(self) -> str:
        """Start everything at once; the result is the minted key, empty if there were keys already."""
        tasks = [asyncio.ensure_future(child.start()) for child in self._children.all()]
        try:
            # In this order, but at the first failure: a store that does not start is told before those who wait for it.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            return "".join(task.result().key for task in tasks if task in done)
        finally:
            for task in tasks:
                task.cancel()

    def _asked_to_stop(self) -> None:
        if not self._stop.is_set():
            announce.stopping()
            self._stop.set()
            return
        # A second SIGTERM cuts what a worker still runs; everything else ends in order after that, as always.
        for worker in self._children.workers:
            worker.signal(signal.SIGTERM)
