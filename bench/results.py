"""What a run measured, as rows; one JSON file per run, the median over rounds for the tables."""

import datetime
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Literal, TypeVar

import msgspec

FOLDER = Path(__file__).parent / "results"


class Unary(msgspec.Struct, frozen=True, tag="unary"):
    """Calls at saturation. CPU is microseconds per request of the whole process tree."""

    gateway: str
    tls: bool
    in_flight: int
    requests: int
    errors: int
    per_second: float
    cpu_us: float
    cpu_us_by_process: dict[str, float]
    p50_ms: float
    p99_ms: float
    idle_mb: float
    """Memory (PSS) of the tree after start, before any load."""
    loaded_mb: float
    loaded_mb_by_process: dict[str, float]


class Streams(msgspec.Struct, frozen=True, tag="streams"):
    """Paced streams. CPU is microseconds per event of the whole process tree."""

    gateway: str
    tls: bool
    streams: int
    pace: int
    events: int
    complete: int
    errors: dict[str, int]
    per_second: float
    cpu_us: float
    cpu_us_by_process: dict[str, float]
    delay_p50_us: int
    """From the provider's write to the client's read."""
    delay_p99_us: int
    end_p50_us: int
    """From the provider's write of the last event to the client's end of the body."""
    loaded_mb: float
    provider_connections: int
    """Open connections to the provider during the window."""


class Latency(msgspec.Struct, frozen=True, tag="latency"):
    """Calls at a fixed rate, from the moment each was due to the end of its answer."""

    gateway: str
    tls: bool
    rate: int
    answered: int
    errors: dict[str, int]
    p50_us: int
    p99_us: int
    lag_p99_us: int
    """How late the client itself was."""
    events: int = 0
    """Events of a short stream, a millisecond apart, on a kept-alive connection; 0: unary calls."""


class Cell(msgspec.Struct, frozen=True, tag="cell"):
    """Callers of one dialect on a provider of another. CPU is of the whole process tree."""

    gateway: str
    caller: str
    provider: str
    requests: int
    events: int
    errors: dict[str, int]
    unary_us: float
    """Per request, 64 in flight."""
    event_us: float


class Idle(msgspec.Struct, frozen=True, tag="idle"):
    """Nobody calls."""

    gateway: str
    seconds: float
    cpu_percent: float
    memory_mb: float
    worker_mb: float


class Start(msgspec.Struct, frozen=True, tag="start"):
    """From the command to the first answer, with an empty data folder."""

    gateway: str
    pinned: bool
    ready_s: float
    answer_s: float


class SlowReaders(msgspec.Struct, frozen=True, tag="slow"):
    """Clients that read much more slowly than the provider writes."""

    gateway: str
    readers: int
    seconds: float
    process_mb: float
    """Growth of the tree's PSS."""
    sockets_mb: float
    """Growth of the kernel's TCP buffers on this machine (provider and clients keep theirs at 64 KB each)."""
    provider_mb: float
    """What the provider has got rid of."""


Row = Unary | Streams | Latency | Cell | Idle | Start | SlowReaders
_R = TypeVar("_R", bound=Row)


class Run(msgspec.Struct):
    """One run of the benchmark."""

    machine: dict[str, str]
    version: Literal[1] = 1
    options: dict[str, str] = {}
    rows: list[Row] = []
    skipped: dict[str, str] = {}
    """Contestants that could not take part, with the reason."""

    def of(self, kind: type[_R], **wanted: object) -> list[_R]:
        """All rows of one kind whose fields have the wanted values."""
        return [
            row
            for row in self.rows
            if isinstance(row, kind) and all(getattr(row, name) == value for name, value in wanted.items())
        ]

    def save(self) -> Path:
        """Write the run into the results folder."""
        FOLDER.mkdir(exist_ok=True)
        now = datetime.datetime.now(tz=datetime.UTC)
        path = FOLDER / f"{now:%Y%m%d-%H%M%S}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))
        return path


def load(path: Path) -> Run:
    """Read a saved run."""
    return msgspec.json.decode(path.read_bytes(), type=Run)


def middle(rows: Iterable[_R], value: Callable[[_R], float]) -> float | None:
    """The median of a figure over rounds; None without rows."""
    values = [value(row) for row in rows]
    return median(values) if values else None
