"""The contest: each gateway on its core under the same loads, one after the other, round by round."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from bench import load_paced, load_streams, machine, payloads, wrk
from bench.contestants import CONTESTANTS
from bench.gateways import Gateway, MissingPart
from bench.machine import Cores
from bench.results import Latency, Run, Streams, Unary
from bench.upstream import Upstream

IN_FLIGHT = (64, 8)
SHORT_EVENTS = 3
"""Of the short streams: a socket that waits to fill its segments (Nagle) adds 40 ms to each of them."""
MEASURES = ("unary", "streams", "latency")
_SETTLE_S_MAX = 15.0
_QUIET_SHARE = 0.03


class Options(msgspec.Struct, frozen=True):
    """What to run and for how long."""

    measures: tuple[str, ...] = MEASURES
    gateways: tuple[str, ...] = ()
    tls: tuple[bool, ...] = (False, True)
    rounds: int = 3
    seconds: float = 5.0
    """Length of each measured window."""
    warmup_s: float = 2.0
    streams: int = 200
    pace: int = 50
    rate: int = 1000
    """Calls a second of the latency run."""


def hold(run: Run, options: Options, cores: Cores) -> None:
    """Run all rounds; rows and reasons for absence go into `run`."""
    for number in range(options.rounds):
        for tls in options.tls:
            with tempfile.TemporaryDirectory(prefix="bench") as scratch, Upstream(Path(scratch)) as upstream:
                for name in options.gateways:
                    folder = Path(scratch) / name
                    folder.mkdir()
                    contestant = CONTESTANTS[name](upstream, tls=tls, core=cores.gateway, folder=folder)
                    if tls and name == "direct":
                        continue
                    machine.note(f"round {number + 1} of {options.rounds}, {'TLS' if tls else 'plain'}: {name}")
                    try:
                        contestant.start()
                        _measure(run, options, contestant)
                    except MissingPart as reason:
                        run.skipped[f"{contestant.name}, {'TLS' if tls else 'plain'}"] = str(reason)
                        machine.note(f"left out: {reason}")
                    finally:
                        contestant.stop()


def _measure(run: Run, options: Options, gateway: Gateway) -> None:
    time.sleep(1.0)
    idle_mb = _memory(gateway)
    if "unary" in options.measures:
        program = machine.find("wrk")
        if program is None:
            run.skipped["unary at saturation"] = "wrk is not installed (Debian: apt-get install wrk)"
        else:
            # Just-in-time compilers and allocators need a while until they are what they will be.
            _warm(program, gateway, IN_FLIGHT[0], 2 * options.warmup_s)
            for in_flight in IN_FLIGHT:
                run.rows.append(unary(options, gateway, in_flight, sum(idle_mb.values())))
    if "latency" in options.measures:
        run.rows.append(_latency(options, gateway, options.rate, 0))
        run.rows.append(_latency(options, gateway, max(1, options.rate // 10), SHORT_EVENTS))
    if "streams" in options.measures:
        run.rows.append(streams(options, gateway))


def unary(
    options: Options, gateway: Gateway, in_flight: int, idle_mb: float, dialect: str = "", model: str = payloads.MODEL
) -> Unary:
    """Calls at saturation, with the CPU time that they and what they leave behind take. Raises `MissingPart`."""
    program = machine.find("wrk")
    if program is None:
        raise MissingPart("wrk is not installed (Debian: apt-get install wrk)")
    _warm(program, gateway, in_flight, options.warmup_s, dialect, model)
    settle(gateway)
    before = gateway.tree.cpu() if gateway.tree else None
    load = wrk.start(
        program,
        gateway,
        gateway.folder,
        in_flight=in_flight,
        seconds=options.seconds,
        dialect=dialect,
        model=model,
    )
    time.sleep(0.7 * options.seconds)
    loaded = _memory(gateway)
    figures = wrk.finish(load)
    # Work that the answers left behind (the journal's way into SQL) belongs to them.
    settle(gateway)
    used = gateway.tree.cpu().since(before) if gateway.tree and before else {}
    return Unary(
        gateway=gateway.name,
        tls=gateway.tls,
        in_flight=in_flight,
        requests=figures.requests,
        errors=figures.errors,
        per_second=figures.per_second,
        cpu_us=sum(used.values()) / max(1, figures.requests),
        cpu_us_by_process={role: us / max(1, figures.requests) for role, us in used.items()},
        p50_ms=figures.p50_us / 1000,
        p99_ms=figures.p99_us / 1000,
        idle_mb=idle_mb,
        loaded_mb=sum(loaded.values()),
        loaded_mb_by_process=loaded,
    )


def _warm(
    program: str, gateway: Gateway, in_flight: int, seconds: float, dialect: str = "", model: str = payloads.MODEL
) -> None:
    load = wrk.start(
        program, gateway, gateway.folder, in_flight=in_flight, seconds=seconds, dialect=dialect, model=model
    )
    wrk.finish(load)


def _latency(options: Options, gateway: Gateway, rate: int, events: int) -> Latency:
    port = gateway.stream_port if events else gateway.port
    command = ["bench.load_paced", "--port", port, "--rate", rate, "--events", events]
    command += ["--seconds", options.seconds, "--warmup", options.warmup_s, *_headers(gateway)]
    client = _client(command)
    report = msgspec.json.decode(client.communicate()[0].splitlines()[-1], type=load_paced.Report)
    return Latency(
        gateway=gateway.name,
        tls=gateway.tls,
        rate=report.rate,
        answered=report.answered,
        errors=report.errors,
        p50_us=report.p50_us,
        p99_us=report.p99_us,
        lag_p99_us=report.lag_p99_us,
        events=events,
    )


def streams(
    options: Options, gateway: Gateway, *, ramp_s: float = 1.0, dialect: str = "", model: str = payloads.MODEL
) -> Streams:
    """Hold paced streams through a gateway, with its CPU time over the window in which all of them run."""
    command = ["bench.load_streams", "--port", gateway.stream_port, "--streams", options.streams, "--ramp", ramp_s]
    command += ["--pace", options.pace, "--seconds", options.seconds, *_headers(gateway)]
    command += ["--dialect", dialect, "--model", model] if dialect else []
    client = _client(command)
    assert client.stdout is not None
    client.stdout.readline()
    before = gateway.tree.cpu() if gateway.tree else None
    loaded, connections = _memory(gateway), gateway.upstream.stats()["connections_open"] - 1
    client.stdout.readline()
    used = gateway.tree.cpu().since(before) if gateway.tree and before else {}
    report = msgspec.json.decode(client.communicate()[0].splitlines()[-1], type=load_streams.Report)
    return Streams(
        gateway=gateway.name,
        tls=gateway.tls,
        streams=report.streams,
        pace=options.pace,
        events=report.events_window,
        complete=report.complete,
        errors=report.errors,
        per_second=report.events_window / max(0.001, report.window_s),
        cpu_us=sum(used.values()) / max(1, report.events_window),
        cpu_us_by_process={role: us / max(1, report.events_window) for role, us in used.items()},
        delay_p50_us=report.delay_p50_us,
        delay_p99_us=report.delay_p99_us,
        end_p50_us=report.end_p50_us,
        loaded_mb=sum(loaded.values()),
        provider_connections=connections,
    )


def settle(gateway: Gateway) -> None:
    """Wait until the gateway has nothing left to do, at most 15 s."""
    if gateway.tree is None:
        return
    deadline, used = time.monotonic() + _SETTLE_S_MAX, gateway.tree.run_time_us()
    while time.monotonic() < deadline:
        time.sleep(0.5)
        now = gateway.tree.run_time_us()
        if now - used < _QUIET_SHARE * 500_000:
            return
        used = now


def _memory(gateway: Gateway) -> dict[str, float]:
    return gateway.tree.memory_mb() if gateway.tree else {}


def _headers(gateway: Gateway) -> list[str]:
    return [part for header in gateway.headers for part in ("--header", header)]


def _client(module_and_arguments: list[object]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", *(str(argument) for argument in module_and_arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)
