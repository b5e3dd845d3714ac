"""The budgets of the request path, each checked against one run: met, missed and by how much, or not measured."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from bench.results import Idle, Latency, Row, Run, Start, Streams, Unary, middle

NGINX = "nginx proxy_pass"
FASTGW = "fastgw (wire)"
_R = TypeVar("_R", bound=Row)


class Budget(msgspec.Struct, frozen=True):
    """One line of the list. `limit` is what must hold, `aim` what is hoped for."""

    what: str
    unit: str
    limit: float
    measured: float | None
    aim: float | None = None
    digits: int = 2

    def verdict(self) -> str:
        """What to print about it."""
        if self.measured is None:
            return "not measured"
        if self.measured > self.limit:
            over = f", {100 * (self.measured / self.limit - 1):.0f} % over" if self.limit else ""
            return f"**missed** by {self.measured - self.limit:.{self.digits}f} {self.unit}{over}"
        if self.aim is not None:
            return "met, aim too" if self.measured <= self.aim else "met, aim not"
        return "met"


def check(run: Run) -> list[Budget]:
    """All budgets, in the order in which the design lists them."""
    budgets = []
    for in_flight, limit, aim in ((64, 6.0, 4.5), (8, 11.0, 8.0)):
        rows: dict[str, object] = {"tls": False, "in_flight": in_flight}
        ratio = _ratio(run, Unary, lambda row: row.cpu_us, rows)
        budgets.append(Budget(f"CPU per unary request, {in_flight} in flight", "x nginx", limit, ratio, aim))
    ratio = _ratio(run, Streams, lambda row: row.cpu_us, {"tls": False, "pace": 50})
    budgets.append(Budget("CPU per relayed SSE event", "x nginx", 2.3, ratio, 1.7))
    for name, limit, value in (
        ("p50", 0.4, lambda row: row.p50_us / 1000),
        ("p99", 2.0, lambda row: row.p99_us / 1000),
    ):
        budgets.append(Budget(f"added latency at a fixed rate, {name}", "ms", limit, added(run, FASTGW, False, value)))
    held = run.of(Streams, gateway=FASTGW, pace=10)
    failed = float(sum(row.streams - row.complete for row in held)) if held else None
    budgets.append(Budget("failed streams of 2,000 held at 10 events/s", "streams", 0, failed, digits=0))
    worker_mb = middle(run.of(Idle, gateway=FASTGW), lambda row: row.worker_mb)
    budgets.append(Budget("memory of a worker after start (PSS)", "MB", 90, worker_mb, digits=0))
    answer_s = middle(run.of(Start, gateway=FASTGW, pinned=False), lambda row: row.answer_s)
    budgets.append(Budget("start to first answer, empty data folder", "s", 1.5, answer_s))
    percent = middle(run.of(Idle, gateway=FASTGW), lambda row: row.cpu_percent)
    # "0 %" is what a monitor shows: below half a percent.
    budgets.append(Budget("idle CPU of all processes", "%", 0.5, percent))
    return budgets


def added(run: Run, gateway: str, tls: bool, value: Callable[[Latency], float], *, events: int = 0) -> float | None:
    """A latency figure of a gateway less that of the direct call, medians over rounds. TLS is against plain direct."""
    through = middle(run.of(Latency, gateway=gateway, tls=tls, events=events), value)
    direct = middle(run.of(Latency, gateway="direct", events=events), value)
    return through - direct if through is not None and direct is not None else None


def _ratio(run: Run, kind: type[_R], value: Callable[[_R], float], wanted: dict[str, object]) -> float | None:
    ours = middle(run.of(kind, gateway=FASTGW, **wanted), value)
    nginx = middle(run.of(kind, gateway=NGINX, **wanted), value)
    return ours / nginx if ours is not None and nginx else None
