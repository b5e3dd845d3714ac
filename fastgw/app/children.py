"""One supervised process: started, awaited until it reports ready, restarted with back-off, ended in order."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import msgspec

from fastgw.app import handover
from fastgw.app.handover import Handover, Report
from fastgw.clock import monotonic_ns
from fastgw.errors import StartupError
from fastgw.observe.tasks import spawn

_log = logging.getLogger("fastgw.serve")

BACKOFF_MS_MIN = 100
BACKOFF_MS_MAX = 10_000
BACKOFF_RESET_MS = 30_000
"""A process that ran this long is not in a crash loop: its next restart is quick again."""
READY_MS_MAX = 60_000
"""How long a process may take to report ready before the start is given up."""
REPORT_BYTES_MAX = 64 * 1024

_NS_PER_MS = 1_000_000

# Valkey knows nothing of our lifeline, so the kernel ends it with its parent (Linux: prctl(2), PR_SET_PDEATHSIG).
# A line of Python that becomes the server is safer than code between fork and exec.
_WITH_PARENT = (
    "import ctypes,os,sys\n"
    "ctypes.CDLL(None).prctl(1,15)\n"
    "os.getppid()==int(sys.argv[1]) or sys.exit(1)\n"
    "os.execv(sys.argv[2],sys.argv[2:])"
)


class Spec(msgspec.Struct, frozen=True):
    """How to start a process."""

    name: str
    """For logs: `worker-0`, `keeper`, `sandbox`, `valkey`."""
    argv: tuple[str, ...]
    """The command; a program with its absolute path first."""
    settings_fd: int = -1
    """Settings to hand over; -1 for a program that gets none and reports nothing."""
    lifeline_fd: int = -1
    """Read end of a pipe that ends with us."""
    listen_fd: int = -1
    slot: int = 0
    """As in `Handover`."""
    stop_ms_max: int = 10_000
    """From SIGTERM to SIGKILL."""
    native: bool = False
    """Knows nothing of our lifeline: where the kernel can, it ends such a program with us."""


class Child:
    """A process that is kept running. `ready` is called for a foreign program, to wait until it serves.

    `ask_to_end` is called before SIGTERM, for a program that listens to something else sooner.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        changed: Callable[[], None],
        ready: Callable[[], Awaitable[None]] | None = None,
        ask_to_end: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.spec = spec
        self.restarts = 0
        self._changed = changed
        self._ready = ready
        self._ask_to_end = ask_to_end
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int:
        """Process id, 0 while it does not run."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def start(self) -> Report:
        """Start it and wait until it is ready; from then on it is kept running.

        Raises `StartupError` when it gave up, ended, or said nothing in time.
        """
        report = await self._launch()
        if report.error:
            raise StartupError(report.error)
        self._keeper = spawn(self._keep(), name=f"keep {self.spec.name}")
        return report

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL when it takes longer than it may. Returns when it has ended."""
        self._stopping = True
        if self._keeper is not None and self.pid == 0:
            self._keeper.cancel()
        process = self._process
        if process is not None and process.returncode is None:
            if self._ask_to_end is not None:
                await self._ask_to_end()
            self.signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), self.spec.stop_ms_max / 1000)
            except TimeoutError:
                _log.warning("%s did not end in time and is killed", self.spec.name)
                self.signal(signal.SIGKILL)
                await process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _keep(self) -> None:
        backoff_ms = BACKOFF_MS_MIN
        while True:
            process = self._process
            assert process is not None
            started_ns = monotonic_ns()
            code = await process.wait()
            if self._stopping:
                return
            if monotonic_ns() - started_ns > BACKOFF_RESET_MS * _NS_PER_MS:
                backoff_ms = BACKOFF_MS_MIN
            _log.warning("%s ended (%s), restart in %d ms", self.spec.name, _how(code), backoff_ms)
            await asyncio.sleep(backoff_ms / 1000)
            backoff_ms = min(backoff_ms * 2, BACKOFF_MS_MAX)
            self.restarts += 1
            report = await self._launch()
            if report.error:
                _log.error("%s: %s", self.spec.name, report.error)

    async def _launch(self) -> Report:
        try:
            return await (self._launch_own() if self.spec.settings_fd >= 0 else self._launch_foreign())
        except OSError as error:
            return Report(error=f"The {self.spec.name} cannot be started: {error}.")

    async def _launch_own(self) -> Report:
        spec = self.spec
        report_read, report_write = os.pipe()
        given = Handover(spec.settings_fd, spec.lifeline_fd, report_write, listen_fd=spec.listen_fd, slot=spec.slot)
        inherited = [given.settings_fd, given.lifeline_fd, given.report_fd]
        if given.listen_fd >= 0:
            inherited.append(given.listen_fd)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *spec.argv,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=inherited,
                start_new_session=True,
                env={**os.environ, handover.VARIABLE: msgspec.json.encode(given).decode()},
            )
        finally:
            os.close(report_write)
        self._changed()
        return await self._report(report_read)

    async def _report(self, fd: int) -> Report:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=REPORT_BYTES_MAX)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb"))
        try:
            line = await asyncio.wait_for(reader.readline(), READY_MS_MAX / 1000)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            return Report(error=f"The {self.spec.name} was not ready within {READY_MS_MAX // 1000} s.")
        finally:
            transport.close()
        if line:
            return msgspec.json.decode(line, type=Report)
        assert self._process is not None
        code = await self._process.wait()
        return Report(error=f"The {self.spec.name} ended ({_how(code)}) before it was ready; its log is above.")

    async def _launch_foreign(self) -> Report:
        spec = self.spec
        argv = spec.argv
        if spec.native and sys.platform == "linux":
            argv = (sys.executable, "-I", "-S", "-c", _WITH_PARENT, str(os.getpid()), *argv)
        self._process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            pass_fds=[fd for fd in (spec.lifeline_fd, spec.listen_fd) if fd >= 0],
            start_new_session=True,
        )
        self._changed()
        if self._ready is None:
            return Report()
        return await self._foreign_ready(self._process, self._ready)

    async def _foreign_ready(self, process: asyncio.subprocess.Process, ready: Callable[[], Awaitable[None]]) -> Report:
        ended = spawn(process.wait(), name=f"end of {self.spec.name}")
        serving = asyncio.ensure_future(ready())
        await asyncio.wait({ended, serving}, timeout=READY_MS_MAX / 1000, return_when=asyncio.FIRST_COMPLETED)
        try:
            if serving.done():
                serving.result()
                return Report()
            if ended.done():
                return Report(error=f"The {self.spec.name} ended ({_how(ended.result())}) before it was ready.")
            self.signal(signal.SIGKILL)
            return Report(error=f"The {self.spec.name} did not answer within {READY_MS_MAX // 1000} s.")
        except StartupError as error:
            return Report(error=str(error))
        finally:
            ended.cancel()
            serving.cancel()


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
