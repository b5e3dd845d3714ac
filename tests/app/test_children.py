"""One supervised process: real programs that report, crash, hang and refuse to end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fastgw.app import children, handover
from fastgw.app.children import Child, Spec
from fastgw.errors import StartupError
from fastgw.settings import Settings
from tests.fakes.gateway import ROOT, alive

TELL = (
    "import os,json,sys,time;h=json.loads(os.environ['FASTGW__HANDOVER']);"
    "os.write(h['report_fd'],json.dumps({told}).encode()+b'\\n');{then}"
)
WAIT_S = 30.0


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.02)


class Family:
    """Makes children of the test, and ends them."""

    def __init__(self) -> None:
        self.fd = handover.pack(Settings())
        self.lifeline = os.pipe()
        self.changes = 0
        self.children: list[Child] = []

    def own(self, told: str, then: str, stop_ms_max: int = 10_000) -> Child:
        code = TELL.format(told=told, then=then)
        return self.any(Spec("it", (sys.executable, "-c", code), self.fd, self.lifeline[0], stop_ms_max=stop_ms_max))

    def any(self, spec: Spec) -> Child:
        self.children.append(Child(spec, changed=self._changed))
        return self.children[-1]

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
async def family() -> AsyncIterator[Family]:
    family = Family()
    yield family
    for child in family.children:
        await child.stop()
    for fd in (family.fd, *family.lifeline):
        os.close(fd)


async def test_ready_is_told_and_the_end_is_orderly(family: Family) -> None:
    child = family.own('{"key":"sk-1"}', "time.sleep(60)")
    report = await child.start()
    assert report.key == "sk-1"
    pid = child.pid
    assert alive(pid)
    assert os.getpgid(pid) == pid, "Ctrl-C of a terminal must not reach it"
    await child.stop()
    assert not alive(pid)
    assert child.pid == 0


async def test_why_it_does_not_start_is_told(family: Family) -> None:
    with pytest.raises(StartupError, match="no room"):
        await family.own('{"error":"no room"}', "sys.exit(1)").start()


async def test_an_end_without_a_word_is_told(family: Family) -> None:
    spec = Spec("it", (sys.executable, "-c", "raise SystemExit(7)"), family.fd, family.lifeline[0])
    with pytest.raises(StartupError, match="exit code 7"):
        await family.any(spec).start()


async def test_a_program_that_does_not_exist_is_told(family: Family) -> None:
    with pytest.raises(StartupError, match="cannot be started"):
        await family.any(Spec("it", ("/nowhere/at/all",), family.fd, family.lifeline[0])).start()


async def test_silence_has_a_limit(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "READY_MS_MAX", 300)
    spec = Spec("it", (sys.executable, "-c", "import time;time.sleep(60)"), family.fd, family.lifeline[0])
    with pytest.raises(StartupError, match="not ready within"):
        await family.any(spec).start()


async def test_a_killed_process_is_started_again(family: Family) -> None:
    child = family.own("{}", "time.sleep(60)")
    await child.start()
    for _ in range(2):
        pid = child.pid
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(WAIT_S):
            while child.pid in {0, pid}:
                await asyncio.sleep(0.02)
    assert child.restarts == 2
    assert family.changes == 3


async def test_a_crash_loop_slows_down(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    child = family.own("{}", "sys.exit(3)")
    monkeypatch.setattr(asyncio, "sleep", noted)
    await child.start()
    async with asyncio.timeout(WAIT_S):
        while child.restarts < 9:
            await sleep(0.02)
    backoffs = [wait for wait in waits if wait >= children.BACKOFF_MS_MIN / 1000]
    assert backoffs[:8] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0]


async def test_who_does_not_end_is_killed(family: Family) -> None:
    child = family.own("{}", "import signal;signal.signal(signal.SIGTERM,signal.SIG_IGN);time.sleep(60)", 300)
    await child.start()
    pid = child.pid
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await child.stop()
    assert not alive(pid)
    # A promise, not a speed: whoever is told to end has the time it was promised before it is killed.
    assert time.monotonic() - began >= 0.25


async def test_a_native_program_is_ready_when_it_serves(family: Family) -> None:
    served = asyncio.Event()
    spec = Spec("sleeper", ("/bin/sleep", "60"), native=True)

    async def ready() -> None:
        await served.wait()

    child = Child(spec, changed=lambda: None, ready=ready)
    family.children.append(child)
    starting = asyncio.ensure_future(child.start())
    await until(lambda: child.pid)
    assert not starting.done()
    served.set()
    await starting


async def test_a_program_that_has_a_way_of_its_own_to_end_is_asked_that_way_first(family: Family) -> None:
    asked: list[int] = []

    async def ask_to_end() -> None:
        asked.append(child.pid)

    child = Child(Spec("sleeper", ("/bin/sleep", "60"), native=True), changed=lambda: None, ask_to_end=ask_to_end)
    family.children.append(child)
    await child.start()
    pid = child.pid
    await child.stop()
    assert asked == [pid]
    assert not alive(pid)
    await child.stop()
    assert asked == [pid]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_native_program_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import asyncio,sys;from fastgw.app.children import Child,Spec\n"
        "async def main():\n"
        " child=Child(Spec('it',('/bin/sleep','60'),native=True),changed=lambda:None)\n"
        " await child.start();await asyncio.sleep(1);print(child.pid,flush=True);await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + WAIT_S
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
