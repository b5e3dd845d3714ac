"""What a tree of processes costs: CPU time and memory, from /proc (Linux).

CPU is user + system time of every live process of the tree and of the children they have reaped, so that work which
moves from one process to another, or a worker that ends, cannot drop out of the count. Memory is the sum of PSS
(`smaps_rollup`): pages shared by several processes count once.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

MARK: Final = "BENCH_TREE"
"""Environment variable that finds processes which have left the tree (daemons)."""
_TICK_US: Final = 1_000_000 // os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


class Tree:
    """The processes that began with `root`, found anew at each look."""

    def __init__(self, root: int, mark: str) -> None:
        self._root = root
        self._mark = f"{MARK}={mark}".encode()

    def pids(self) -> list[int]:
        """All live processes: descendants of the root, and whatever carries the mark."""
        parents: dict[int, int] = {}
        for entry in _PROC.iterdir():
            if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
                parents[int(entry.name)] = int(fields[1])
        found = {self._root} & parents.keys()
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        for pid in parents.keys() - found:
            try:
                if self._mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                    found.add(pid)
            except OSError:
                continue
        return sorted(found)

    def cpu(self) -> "Cpu":
        """CPU time used so far."""
        used = {}
        for pid in self.pids():
            fields = _stat(pid)
            if fields is not None:
                used[pid] = (_role(pid), sum(int(ticks) for ticks in fields[11:15]) * _TICK_US)
        return Cpu(used)

    def run_time_us(self) -> float:
        """CPU time of the live threads, to the nanosecond where the kernel tells: for idle processes."""
        total_ns = 0
        for pid in self.pids():
            for task in (_PROC / str(pid) / "task").glob("*/schedstat"):
                try:
                    total_ns += int(task.read_bytes().split()[0])
                except (OSError, IndexError):
                    continue
        return total_ns / 1000

    def memory_mb(self) -> dict[str, float]:
        """PSS by process, in MB of 10^6 bytes."""
        by_role: dict[str, float] = {}
        for pid in self.pids():
            try:
                rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
            except OSError:
                continue
            pss_kb = next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
            by_role[_role(pid)] = by_role.get(_role(pid), 0.0) + pss_kb * 1024 / 1e6
        return by_role


class Cpu(msgspec.Struct, frozen=True):
    """CPU time of a tree at one moment: process -> what it is, microseconds."""

    used: dict[int, tuple[str, int]]

    def since(self, earlier: "Cpu") -> dict[str, int]:
        """Microseconds used since `earlier`, by what the processes are. A dead child's time is in its parent's."""
        by_role: dict[str, int] = {}
        gone = sum(us for pid, (_, us) in earlier.used.items() if pid not in self.used)
        for pid, (role, us) in self.used.items():
            by_role[role] = by_role.get(role, 0) + us - earlier.used.get(pid, ("", 0))[1]
        if gone:
            by_role["reaped before"] = -gone
        return by_role


def _stat(pid: int) -> list[bytes] | None:
    """The fields of /proc/PID/stat after the name: state, ppid, ... (proc(5)); None if it has ended."""
    try:
        return (_PROC / str(pid) / "stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:
        return None


_ROLES: Final = (
    ("valkey", "store"),
    ("keeper", "keeper"),
    ("sandbox", "sandbox"),
    ("fastgw worker", "worker"),
    ("worker process", "worker"),
    ("worker", "worker"),
    ("multiprocessing.resource_tracker", "resource tracker"),
    ("spawn_main", "worker"),
    ("fastgw", "supervisor"),
    ("nginx", "master"),
    ("node", "node"),
)


def _role(pid: int) -> str:
    """What a process is, from its command line."""
    try:
        command = (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "gone"
    return next(
        (role for word, role in _ROLES if word in command), command.split(" ")[0].rpartition("/")[2] or "kernel"
    )
