"""Measures of one gateway that are no contest: idle CPU, start, many held streams, slow readers."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench import contest, machine
from bench.cells import cells
from bench.contest import Options
from bench.contestants import CONTESTANTS
from bench.gateways import Fastgw, Gateway, MissingPart
from bench.machine import Cores
from bench.payloads import EVENT_BYTES
from bench.results import Idle, Run, SlowReaders, Start
from bench.upstream import Upstream

HELD_STREAMS = 2000
HELD_PACE = 10
READERS = 1000
_IDLE_S = 10.0
_IDLE_SETTLE_S = 5.0
_PAGE_BYTES = 4096


@contextmanager
def _running(name: str, core: str, *, started: bool = True) -> Iterator[Gateway]:
    with tempfile.TemporaryDirectory(prefix="bench") as scratch, Upstream(Path(scratch)) as upstream:
        folder = Path(scratch) / name
        folder.mkdir()
        gateway = CONTESTANTS[name](upstream, tls=False, core=core, folder=folder)
        try:
            if started:
                gateway.start()
            yield gateway
        finally:
            gateway.stop()


def idle(run: Run, options: Options, cores: Cores) -> None:
    """CPU of the whole tree while nobody calls, to the nanosecond."""
    for name in options.gateways:
        machine.note(f"idle: {name}")
        with _running(name, cores.gateway) as gateway:
            if gateway.tree is None:
                continue
            time.sleep(_IDLE_SETTLE_S)
            before, since = gateway.tree.run_time_us(), time.monotonic()
            time.sleep(_IDLE_S)
            used_us, seconds = gateway.tree.run_time_us() - before, time.monotonic() - since
            memory = gateway.tree.memory_mb()
            percent = used_us / 1e4 / seconds
            run.rows.append(Idle(gateway.name, seconds, percent, sum(memory.values()), memory.get("worker", 0.0)))


def start(run: Run, options: Options, cores: Cores) -> None:
    """Seconds from the command to `/readyz` and to the first answer, migrations and the first key included."""
    for name in options.gateways:
        for pinned in (False, True):
            machine.note(f"start: {name}{', pinned to one core' if pinned else ''}")
            with _running(name, cores.gateway if pinned else cores.all, started=False) as gateway:
                if not isinstance(gateway, Fastgw):
                    continue
                began = time.monotonic()
                gateway.launch()
                ready_s = _until(gateway.is_ready, gateway) - began
                _until(partial(_has_key, gateway), gateway)
                gateway.headers = [f"authorization: Bearer {gateway.printed_key()}"]
                answer_s = _until(partial(_answers, gateway), gateway) - began
                run.rows.append(Start(gateway.name, pinned, ready_s, answer_s))


def held(run: Run, options: Options, cores: Cores) -> None:
    """Many slow streams at the same time; none may fail."""
    for name in options.gateways:
        machine.note(f"held streams: {name}")
        many = Options(streams=HELD_STREAMS, pace=HELD_PACE, seconds=options.seconds)
        with _running(name, cores.gateway) as gateway:
            run.rows.append(contest.streams(many, gateway, ramp_s=5.0))


def slow(run: Run, options: Options, cores: Cores) -> None:
    """What readers cost who take 1 KB a second of a flood, in the gateway's memory and in the kernel's."""
    for name in options.gateways:
        machine.note(f"slow readers: {name}")
        with _running(name, cores.gateway) as gateway:
            if gateway.tree is None:
                continue
            gateway.ask()
            process_mb, sockets_mb = sum(gateway.tree.memory_mb().values()), _sockets_mb()
            command = [sys.executable, "-m", "bench.load_slow", "--port", str(gateway.stream_port)]
            command += ["--readers", str(READERS)]
            for header in gateway.headers:
                command += ["--header", header]
            client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert client.stdout is not None
            opened = int(client.stdout.readline().split()[1])
            began = time.monotonic()
            time.sleep(options.seconds)
            after = sum(gateway.tree.memory_mb().values())
            row = SlowReaders(
                gateway=gateway.name,
                readers=opened,
                seconds=time.monotonic() - began,
                process_mb=after - process_mb,
                sockets_mb=_sockets_mb() - sockets_mb,
                provider_mb=gateway.upstream.stats()["events"] * EVENT_BYTES / 1e6,
            )
            client.communicate(b"")
            run.rows.append(row)


def _sockets_mb() -> float:
    """Memory of all TCP buffers of this machine, in MB of 10^6 bytes (/proc/net/sockstat counts pages)."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * _PAGE_BYTES / 1e6
    return 0.0


def _has_key(gateway: Fastgw) -> bool:
    return bool(gateway.printed_key())


def _answers(gateway: Gateway) -> bool:
    return gateway.ask()[0] == 200


def _until(condition: Callable[[], bool], gateway: Gateway) -> float:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if condition():
            return time.monotonic()
        time.sleep(0.01)
    raise MissingPart(f"{gateway.name} took more than 60 s to start:\n{gateway.output()[-2000:]}")


SINGLES = {"idle": idle, "start": start, "held": held, "slow": slow, "cells": cells}
