"""Where a worker's time goes: `py-spy` for Python's functions, `perf` for libraries and kernel.

`py-spy` sees whoever holds the interpreter's lock, so its shares are shares of Python's own time; `perf` says how much
of the process that is. Both look on under unary load, then under streams.

Writes collapsed stacks (for flame graphs) and a table of functions into `bench/results/`, prints the table.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench import machine, wrk
from bench.contestants import CONTESTANTS
from bench.gateways import Gateway, MissingPart
from bench.machine import Cores
from bench.results import FOLDER
from bench.upstream import Upstream

_SAMPLES_PER_S = 500
_LINES = 40
_LINE = re.compile(r":\d+\)$")


def take(names: tuple[str, ...], seconds: float, cores: Cores) -> None:
    """Profile each gateway under unary load (64 in flight), then under 200 streams."""
    spy, perf = _find_spy(), shutil.which("perf")
    if spy is None and perf is None:
        machine.note("neither py-spy (pip install py-spy) nor perf (Debian: linux-perf) is installed: no profile")
        return
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        with tempfile.TemporaryDirectory(prefix="bench") as scratch, Upstream(Path(scratch)) as upstream:
            folder = Path(scratch) / name
            folder.mkdir()
            gateway = CONTESTANTS[name](upstream, tls=False, core=cores.gateway, folder=folder)
            try:
                gateway.start()
                for kind in ("unary", "streams"):
                    for program in filter(None, (spy, perf)):
                        _profile(program, gateway, name, kind, seconds)
            except MissingPart as reason:
                machine.note(f"left out: {reason}")
            finally:
                gateway.stop()


def _profile(program: str, gateway: Gateway, name: str, kind: str, seconds: float) -> None:
    load = _load(gateway, kind, seconds + 3)
    if load is None:
        return
    time.sleep(2.0)
    worker = _busiest(gateway)
    stacks = FOLDER / f"profile-{name}-{kind}.txt"
    if program.endswith("py-spy"):
        command = [program, "record", "--pid", str(worker), "--duration", str(round(seconds)), "--format", "raw"]
        command += ["--rate", str(_SAMPLES_PER_S), "--output", str(stacks), "--gil"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        text = _functions(stacks) if done.returncode == 0 else f"py-spy failed: {done.stderr[-500:]}"
    else:
        recorded = gateway.folder / "perf.data"
        subprocess.run(
            [program, "record", "-q", "-F", "999", "-o", str(recorded), "-p", str(worker), "--", "sleep", str(seconds)],
            capture_output=True,
            check=False,
        )
        text = "".join(_perf(program, recorded, sort) for sort in ("dso", "dso,symbol"))
    load.kill()
    load.wait()
    title = f"{gateway.name}, {kind}, {Path(program).name}"
    (FOLDER / f"profile-{name}-{kind}-{Path(program).name}.md").write_text(f"# {title}\n\n{text}\n")
    sys.stdout.write(f"## {title}\n\n{text}\n\n")


def _load(gateway: Gateway, kind: str, seconds: float) -> subprocess.Popen[bytes] | None:
    if kind == "unary":
        program = machine.find("wrk")
        if program is None:
            machine.note("wrk is not installed: no profile of unary calls")
            return None
        return wrk.start(program, gateway, gateway.folder, in_flight=64, seconds=seconds)
    command = [
        sys.executable,
        "-m",
        "bench.load_streams",
        "--port",
        str(gateway.stream_port),
        "--seconds",
        str(seconds),
    ]
    for header in gateway.headers:
        command += ["--header", header]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _busiest(gateway: Gateway) -> int:
    """The process of the tree that uses most CPU right now."""
    assert gateway.tree is not None
    before = gateway.tree.cpu()
    time.sleep(0.5)
    now = gateway.tree.cpu()
    return max(now.used, key=lambda pid: now.used[pid][1] - before.used.get(pid, ("", 0))[1])


def _functions(stacks: Path) -> str:
    """A table of functions from collapsed stacks: their own share and the share of everything they call."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    samples = 0
    for line in stacks.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [_LINE.sub(")", frame) for frame in stack.split(";")]
        samples += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            total[frame] += int(count)
    lines = [f"{samples} samples", "", "| own % | with callees % | function |", "| --- | --- | --- |"]
    for frame, seen in own.most_common(_LINES):
        lines.append(f"| {100 * seen / samples:.1f} | {100 * total[frame] / samples:.1f} | `{frame}` |")
    lines += ["", "| with callees % | function |", "| --- | --- |"]
    lines += [f"| {100 * seen / samples:.1f} | `{frame}` |" for frame, seen in total.most_common(_LINES)]
    return "\n".join(lines)


def _perf(program: str, recorded: Path, sort: str) -> str:
    command = [program, "report", "-q", "-i", str(recorded), "--sort", sort, "--stdio", "--percent-limit", "0.5"]
    report = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines = [line.rstrip() for line in report.splitlines() if line.strip() and not line.startswith("#")]
    return "By " + sort + "\n\n```\n" + "\n".join(lines[: 2 * _LINES]) + "\n```\n\n"


def _find_spy() -> str | None:
    beside = Path(sys.executable).parent / "py-spy"
    return str(beside) if beside.exists() else shutil.which("py-spy")
