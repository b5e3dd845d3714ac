"""What a journal record costs: mapped segments against plain writes, on the disk of a given folder.

`python bench/journal.py [folder]`. Each way appends the same records (an exchange is one opened and one closed) and is
synced from a thread every 25 ms; the ways take turns, and the best of five rounds counts.
Columns: CPU of the appending thread per record, its p50 and p99.9 of one append (or of one tick's write), in us.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from fastgw.records import Closed, JournalRecord, Opened, Outcome
from fastgw.storage.journal import JournalBounds, JournalWriter
from fastgw.usage import Usage

EXCHANGES = 15_000
ROUNDS = 5
PER_TICK = 8
PAUSE_EVERY, PAUSE_S = 400, 0.004
_encode = msgspec.msgpack.Encoder().encode


def records() -> list[JournalRecord]:
    """The records of `EXCHANGES` exchanges."""
    made: list[JournalRecord] = []
    names = ("key_0123456789abcdef", "openai/gpt-4o-mini", "openai", "gpt-4o-mini", "chat", True)
    for i in range(EXCHANGES):
        exchange_id = f"req_{i:027x}"
        made.append(Opened(exchange_id, *names, 1_763_720_000_000, 1_200))
        used = Usage(1_200, 0, 0, 0, 0, 0, 300)
        made.append(
            Closed(
                exchange_id, *names, 200, Outcome.OK, None, used, False, 1_763_720_000_000, 300, 2_000, 400, 1, 60_000
            )
        )
    return made


class Written:
    """A file that is written per record or per tick, and synced by a thread."""

    def __init__(self, folder: Path, per_tick: int) -> None:
        self._fd = os.open(folder / f"plain-{time.monotonic_ns()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._held: list[bytes] = []
        self._per_tick = per_tick
        self._stop = False
        self._thread = threading.Thread(target=self._sync)
        self._thread.start()

    def append(self, record: JournalRecord) -> None:
        """Write now, or when a tick's worth is held."""
        payload = _encode(record)
        self._held.append(len(payload).to_bytes(4, "little") + payload)
        if len(self._held) >= self._per_tick:
            os.write(self._fd, b"".join(self._held))
            self._held.clear()

    def close(self) -> None:
        """Stop syncing."""
        self._stop = True
        self._thread.join()
        os.close(self._fd)

    def _sync(self) -> None:
        while not self._stop:
            time.sleep(0.025)
            os.fdatasync(self._fd)


def measure(append: Callable[[JournalRecord], None], work: list[JournalRecord]) -> tuple[float, float, float]:
    """CPU per record, and p50 and p99.9 of one call, in microseconds."""
    taken: list[int] = []
    clock = time.perf_counter_ns
    cpu_ns = 0
    for begin in range(0, len(work), PAUSE_EVERY):
        part = work[begin : begin + PAUSE_EVERY]
        started_ns = time.thread_time_ns()
        for record in part:
            append(record)
        cpu_ns += time.thread_time_ns() - started_ns
        time.sleep(PAUSE_S)
    for record in work[:6_000]:
        began = clock()
        append(record)
        taken.append(clock() - began)
    taken.sort()
    return cpu_ns / len(work) / 1e3, taken[len(taken) // 2] / 1e3, taken[len(taken) * 999 // 1_000] / 1e3


def _encode_only(record: JournalRecord) -> None:
    _encode(record)


def main() -> None:
    """Print one line per way."""
    work = records()
    best: dict[str, tuple[float, float, float]] = {}
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        for _ in range(ROUNDS):
            mapped = JournalWriter.open(folder, "worker-0", JournalBounds(undrained_bytes_max=1 << 40))
            each = Written(folder, 1)
            tick = Written(folder, PER_TICK)
            ways = {
                "encoding alone": _encode_only,
                "mapped segments": mapped.append,
                "os.write per record": each.append,
                f"os.write per tick of {PER_TICK}": tick.append,
            }
            for way, append in ways.items():
                best[way] = min(best.get(way, (1e9, 0.0, 0.0)), measure(append, work))
            for journal in (mapped, each, tick):
                journal.close()
    for way, (cpu, middle, worst) in best.items():
        print(f"{way:24} {cpu:8.2f} {middle:8.2f} {worst:10.2f}")


if __name__ == "__main__":
    main()
