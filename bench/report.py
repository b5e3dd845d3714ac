"""A run as Markdown: the contest, where the CPU time goes by process, single measures, budgets."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from bench import budgets
from bench.contest import SHORT_EVENTS
from bench.contestants import CONTESTANTS
from bench.gateways import Nginx
from bench.results import Cell, Idle, Latency, Row, Run, SlowReaders, Start, Streams, Unary, middle

_R = TypeVar("_R", bound=Row)
_ROOT = Path(__file__).parent.parent


def whole(run: Run) -> str:
    """All tables of a run."""
    parts = [_machine(run)]
    for tls in (False, True):
        if any((run.of(Unary, tls=tls), run.of(Streams, tls=tls, pace=50), run.of(Latency, tls=tls))):
            title = "Over TLS to the provider" if tls else "Plain HTTP"
            parts.append(f"### {title}\n\n{summary(run, tls)}")
    parts += [part for part in (_processes(run), _streams(run), _short(run), _cells(run), _singles(run)) if part]
    parts += [_budgets(run)]
    if run.skipped:
        parts.append("### Left out\n\n" + "\n".join(f"- {what}: {why.strip()}" for what, why in run.skipped.items()))
    return "\n\n".join(parts) + "\n"


def _budgets(run: Run) -> str:
    checked = budgets.check(run)
    rows = [
        [budget.what, _figure(budget.measured, budget.digits), f"{budget.limit:g} {budget.unit}", budget.verdict()]
        for budget in checked
        if budget.measured is not None
    ]
    rest = [budget.what for budget in checked if budget.measured is None]
    table = _table(["what", "measured", "budget", "verdict"], rows) if rows else ""
    unmeasured = f"Not measured: {'; '.join(rest)}." if rest else ""
    return "### Budgets\n\n" + "\n\n".join(part for part in (table, unmeasured, _headroom(run)) if part)


def _headroom(run: Run) -> str:
    """Whether load and provider could have carried more than was measured; otherwise they were the limit."""
    direct = middle(run.of(Unary, gateway="direct", in_flight=64), lambda row: row.per_second)
    ours = [row.per_second for row in run.of(Unary, in_flight=64) if row.gateway.startswith("fastgw")]
    if direct is None or not ours:
        return ""
    enough = (
        "" if direct > 3 * max(ours) else " **That is too little: requests/s are limited by the load or the provider.**"
    )
    return (
        f"Load and provider alone carry {direct / max(ours):.1f} times the requests of the fastest fastgw row.{enough}"
    )


def summary(run: Run, tls: bool) -> str:
    """One line per gateway: CPU, throughput, added latency, memory."""
    rows = []
    for gateway in CONTESTANTS.values():
        unary = {n: run.of(Unary, gateway=gateway.name, tls=tls, in_flight=n) for n in (64, 8)}
        streams = run.of(Streams, gateway=gateway.name, tls=tls, pace=50)
        latency = run.of(Latency, gateway=gateway.name, tls=tls, events=0)
        if not (unary[64] or unary[8] or streams or latency):
            continue
        is_direct = gateway.name == "direct"
        rows.append(
            [
                gateway.name,
                gateway.stages,
                *("" if is_direct else _cpu(run, unary[n], tls, in_flight=n) for n in (64, 8)),
                *(f"{middle(unary[n], lambda row: row.per_second):,.0f}" if unary[n] else "" for n in (64, 8)),
                "" if is_direct else _cpu(run, streams, tls, pace=50),
                _latency(run, gateway.name, tls, latency),
                "" if is_direct or not unary[64] else _memory(unary[64], streams),
            ]
        )
    head = ["gateway", "stages on", "CPU per request, 64 in flight", "8 in flight", "requests/s at 64", "at 8"]
    return _table([*head, "CPU per SSE event", "added p50 / p99", "memory idle / loaded"], rows)


def write(run: Run) -> None:
    """Put the tables between the markers of `bench/README.md`, and the first one into the README."""
    _between(_ROOT / "bench/README.md", "bench", whole(run))
    _between(_ROOT / "README.md", "bench", _machine(run) + "\n\n" + summary(run, tls=False) + "\n")


def _between(path: Path, name: str, text: str) -> None:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    page = path.read_text() if path.exists() else ""
    if begin not in page or end not in page:
        raise SystemExit(f"{path} has no markers {begin} … {end} to write between.")
    before, after = page.partition(begin)[0], page.partition(end)[2]
    path.write_text(f"{before}{begin}\n{text}{end}{after}")


def _machine(run: Run) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in run.machine.items())
    options = ", ".join(f"{name} {value}" for name, value in run.options.items())
    return f"Machine: {facts}. Run: {options}."


def _cpu(run: Run, rows: list[_R], tls: bool, **wanted: object) -> str:
    """Microseconds, and the multiple of nginx's in the same run."""
    if not rows:
        return "-"
    value = middle(rows, _cpu_us)
    nginx = middle(run.of(type(rows[0]), gateway=budgets.NGINX, tls=tls, **wanted), _cpu_us)
    assert value is not None
    ratio = f" ({value / nginx:.1f} x)" if nginx else ""
    return f"{value:.1f} us{ratio}" + ("" if not _errors(rows) else f", {_errors(rows)} errors")


def _cpu_us(row: Row) -> float:
    assert isinstance(row, Unary | Streams)
    return row.cpu_us


def _errors(rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        if isinstance(row, Unary):
            count += row.errors
        elif isinstance(row, Streams):
            count += row.streams - row.complete
        elif isinstance(row, Latency):
            count += sum(row.errors.values())
    return count


def _latency(run: Run, gateway: str, tls: bool, rows: list[Latency]) -> str:
    if not rows:
        return "-"
    failed = _errors(rows)
    if any(row.errors.get("unanswered") for row in rows):
        return "cannot carry the rate"
    p50, p99 = (middle(rows, value) for value in (_p50_ms, _p99_ms))
    if gateway == "direct":
        return f"(direct: {p50:.2f} / {p99:.2f} ms)"
    more50, more99 = (budgets.added(run, gateway, tls, value) for value in (_p50_ms, _p99_ms))
    return f"{_figure(more50, 2)} / {_figure(more99, 2)} ms" + (f", {failed} errors" if failed else "")


def _p50_ms(row: Latency) -> float:
    return row.p50_us / 1000


def _p99_ms(row: Latency) -> float:
    return row.p99_us / 1000


def _memory(unary: list[Unary], streams: list[Streams]) -> str:
    loaded = [middle(unary, lambda row: row.loaded_mb), middle(streams, lambda row: row.loaded_mb)]
    return f"{middle(unary, lambda row: row.idle_mb):.0f} / {max(mb for mb in loaded if mb is not None):.0f} MB"


def _processes(run: Run) -> str:
    rows = []
    for tls in (False, True):
        for name in dict.fromkeys(row.gateway for row in run.of(Unary, tls=tls) if row.gateway != "direct"):
            for in_flight in (64, 8):
                found = run.of(Unary, gateway=name, tls=tls, in_flight=in_flight)
                rows.append([name, "TLS" if tls else "plain", f"request, {in_flight} in flight", _shares(found)])
            streams = run.of(Streams, gateway=name, tls=tls, pace=50)
            rows.append([name, "TLS" if tls else "plain", "SSE event", _shares(streams)])
    rows = [row for row in rows if row[-1]]
    return "### CPU by process\n\n" + _table(["gateway", "to provider", "per", "us"], rows) if rows else ""


def _shares(rows: list[_R]) -> str:
    by_process: dict[str, list[float]] = {}
    for row in rows:
        assert isinstance(row, Unary | Streams)
        for process, us in row.cpu_us_by_process.items():
            by_process.setdefault(process, []).append(us)
    ordered = sorted(by_process.items(), key=lambda item: -sum(item[1]))
    return ", ".join(f"{process} {sum(us) / len(rows):.1f}" for process, us in ordered if sum(us) / len(rows) >= 0.05)


def _streams(run: Run) -> str:
    rows = []
    for row in run.of(Streams):
        errors = ", ".join(f"{count} {what}" for what, count in row.errors.items()) or "none"
        kind = f"{row.streams:,} at {row.pace}/s{', TLS' if row.tls else ''}"
        delay = f"{row.delay_p50_us / 1000:.2f} / {row.delay_p99_us / 1000:.2f} ms"
        end, memory = f"{row.end_p50_us / 1000:.2f} ms", f"{row.loaded_mb:.0f} MB"
        connections = str(row.provider_connections)
        rows.append([row.gateway, kind, f"{row.per_second:,.0f}", delay, end, connections, memory, errors])
    head = [
        "gateway",
        "streams",
        "events/s",
        "provider's write to client's read, p50 / p99",
        "to the end of the body, p50",
    ]
    table = _table([*head, "provider connections", "memory", "errors"], rows)
    return f"### Streams, round by round\n\n{table}" if rows else ""


def _short(run: Run) -> str:
    rows = []
    for tls in (False, True):
        for gateway in CONTESTANTS.values():
            found = run.of(Latency, gateway=gateway.name, tls=tls, events=SHORT_EVENTS)
            if found:
                p50, p99 = (_figure(middle(found, value), 2) for value in (_p50_ms, _p99_ms))
                rows.append([gateway.name, "TLS" if tls else "plain", f"{p50} / {p99} ms", str(_errors(found))])
    title = f"### Short streams of {SHORT_EVENTS} events on kept-alive connections"
    return f"{title}\n\n{_table(['gateway', 'to provider', 'whole stream, p50 / p99', 'errors'], rows)}" if rows else ""


def _cells(run: Run) -> str:
    """Each caller on each provider, with the ratio to nginx in the same run."""
    limit = next(iter(run.of(Cell, gateway=Nginx.name)), None)
    rows = []
    for cell in run.of(Cell):
        if cell is limit:
            continue
        ratios = ["-", "-"]
        if limit is not None:
            ratios = [f"{cell.unary_us / limit.unary_us:.1f} x", f"{cell.event_us / limit.event_us:.1f} x"]
        rows.append(
            [
                f"{cell.caller} → {cell.provider}",
                f"{cell.unary_us:.0f} us",
                ratios[0],
                f"{cell.event_us:.1f} us",
                ratios[1],
                str(sum(cell.errors.values())),
            ]
        )
    if not rows:
        return ""
    if limit is not None:
        rows.insert(0, ["nginx, chat", f"{limit.unary_us:.0f} us", "1 x", f"{limit.event_us:.1f} us", "1 x", "0"])
    head = ["caller → provider", "per unary request, 64 in flight", "", "per event, 200 streams at 50/s", "", "errors"]
    return "### Every dialect to every provider\n\n" + _table(head, rows)


def _singles(run: Run) -> str:
    lines = []
    for idle in run.of(Idle):
        memory = f"{idle.memory_mb:.0f} MB, of which the worker {idle.worker_mb:.0f} MB"
        lines.append(f"- {idle.gateway}, idle for {idle.seconds:.0f} s: {idle.cpu_percent:.2f} % CPU, {memory}")
    for start in run.of(Start):
        where = "on one core" if start.pinned else "on all cores"
        lines.append(
            f"- {start.gateway}, start {where}: ready {start.ready_s:.2f} s, first answer {start.answer_s:.2f} s"
        )
    for slow in run.of(SlowReaders):
        per_reader = (slow.process_mb + slow.sockets_mb) * 1000 / max(1, slow.readers)
        lines.append(
            f"- {slow.gateway}, {slow.readers:,} slow readers for {slow.seconds:.0f} s: "
            f"processes +{slow.process_mb:.0f} MB, socket buffers +{slow.sockets_mb:.0f} MB, "
            f"{per_reader:.0f} KB a reader; the provider got rid of {slow.provider_mb:.0f} MB"
        )
    return "### Single measures\n\n" + "\n".join(lines) if lines else ""


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
