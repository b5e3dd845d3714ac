"""The data folder: made, checked, locked for one supervisor, and cleaned of processes that an earlier one left behind.

Two facts decide who may run: `serve.lock` is held (flock) by the supervisor alone, and `processes` lists what it
started. A supervisor that was killed leaves the list without the lock; the next one ends what still runs, then goes on.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path

import msgspec

from fastgw.clock import monotonic_ns
from fastgw.errors import StartupError

LOCK = "serve.lock"
PROCESSES = "processes"
ORPHAN_TERM_MS = 4_000
"""How long an orphan may take to end by itself (a worker settles within this time) before it is killed."""
ORPHAN_KILL_MS = 2_000

_PROC = Path("/proc/self/stat").exists()


class Running(msgspec.Struct, frozen=True, array_like=True):
    """A process that we started, in a way that a later process with the same id is not mistaken for it."""

    pid: int
    name: str
    birth: str
    """When it started, as the system tells it."""


def prepare(data_dir: Path) -> None:
    """Make the folder, readable by its owner alone. Raises `StartupError` when it cannot be made or written."""
    remedy = f"Make it writable for this user, or choose another folder (DATA_DIR=…, now {data_dir})."
    probe = data_dir / f".probe-{os.getpid()}"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise StartupError(f"The data folder {data_dir} is not writable: {error.strerror}. {remedy}") from error


class Lock:
    """The right to be the one supervisor of a data folder; given back when the process ends, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        """Take the lock. Raises `StartupError` when another supervisor has it."""
        self._file = open(data_dir / LOCK, "a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            owner = self._file.read(32).decode(errors="replace").strip() or "unknown"
            self._file.close()
            raise StartupError(
                f"Another fastgw (process {owner}) already runs on the data folder {data_dir}. Stop it, or choose"
                " another folder (DATA_DIR=…) and port (PORT=…)."
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()).encode())
        self._file.flush()

    def release(self) -> None:
        """Let another supervisor in."""
        self._file.close()


def record(data_dir: Path, processes: dict[str, int]) -> None:
    """Write down what runs now: name to process id."""
    running = [Running(pid, name, birth(pid)) for name, pid in processes.items() if pid]
    part = data_dir / f"{PROCESSES}.part"
    part.write_bytes(msgspec.json.encode(running))
    part.replace(data_dir / PROCESSES)


def reclaim(data_dir: Path) -> list[str]:
    """End what a killed supervisor left running, and return the names. The lock must be held."""
    try:
        left = msgspec.json.decode((data_dir / PROCESSES).read_bytes(), type=list[Running])
    except (OSError, msgspec.DecodeError):
        return []
    orphans = [running for running in left if _alive(running)]
    _signal(orphans, signal.SIGTERM)
    if not _ended(orphans, ORPHAN_TERM_MS):
        _signal(orphans, signal.SIGKILL)
        _ended(orphans, ORPHAN_KILL_MS)
    return [running.name for running in orphans]


def birth(pid: int) -> str:
    """When the process started: a text that only means something compared with another one. Empty if it is gone."""
    if _PROC:
        try:
            # proc_pid_stat(5): field 22 is the start time in clock ticks; field 2 may contain spaces and brackets.
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
        except (OSError, IndexError):
            return ""
    answer = subprocess.run(  # noqa: S603 - a fixed program with a number
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def _alive(running: Running) -> bool:
    return running.birth != "" and birth(running.pid) == running.birth and not _zombie(running.pid)


def _zombie(pid: int) -> bool:
    if not _PROC:
        return False
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def _signal(processes: list[Running], number: signal.Signals) -> None:
    for running in processes:
        if _alive(running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(running.pid, number)


def _ended(processes: list[Running], wait_ms: int) -> bool:
    deadline_ns = monotonic_ns() + wait_ms * 1_000_000
    while any(_alive(running) for running in processes):
        if monotonic_ns() > deadline_ns:
            return False
        time.sleep(0.02)
    return True
