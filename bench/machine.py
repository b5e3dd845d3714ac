"""The machine that a run takes place on: what is missing on it, how its cores are divided, what to print about it."""

import os
import platform
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

_FILES_WANTED = 20_000
_PACKAGES = {"nginx": "nginx-light", "wrk": "wrk", "node": "nodejs", "npm": "npm"}


class Cores(msgspec.Struct, frozen=True):
    """Which cores the gateways have, and which everything else."""

    gateway_core: int
    load: tuple[int, ...]

    @property
    def gateway(self) -> str:
        """The gateways' core as `taskset` takes it."""
        return str(self.gateway_core)

    @property
    def all(self) -> str:
        """Every core, as `taskset` takes them."""
        return ",".join(str(core) for core in sorted({*self.load, self.gateway_core}))

    @property
    def shared(self) -> bool:
        """There is one core only: requests a second mean little then, CPU time still does."""
        return self.load == (self.gateway_core,)


def demand_linux() -> None:
    """End with a clear message on a system where nothing here can be measured."""
    if sys.platform != "linux":
        sys.exit(
            "The benchmark reads /proc and pins processes to cores: it needs Linux. On another system, run it in a VM."
        )


def divide_cores() -> Cores:
    """One core for the gateway under test, the others for load and provider; this process moves to the latter."""
    available = sorted(os.sched_getaffinity(0))
    # The first core gets most interrupts, so it serves the load.
    cores = Cores(available[-1], tuple(available[:-1]) or (available[-1],))
    os.sched_setaffinity(0, cores.load)
    return cores


def raise_file_limit() -> int:
    """Allow this process and its children as many open files as the system lets them have, up to what is wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, _FILES_WANTED)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


def find(program: str) -> str | None:
    """Path of a program, None without it; what is missing is installed with apt if this is root on Debian."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        package = _PACKAGES.get(program, program)
        note(f"{program} is missing: installing {package} with apt-get")
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", package]):
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    return path


def describe() -> dict[str, str]:
    """What a reader has to know about the machine to judge the figures."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def note(text: str) -> None:
    """Tell the person who waits; standard output is for the tables."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()
