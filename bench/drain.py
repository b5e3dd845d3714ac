"""What draining an exchange costs the keeper: CPU microseconds by how many exchanges a look finds.

`python -m bench.drain [database URL]`; SQLite in a temporary folder when none is given. The best of three runs counts.
"""

import itertools
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from bench.journal import records
from fastgw.dataplane.minting import Minter
from fastgw.keeper.drain import Drain
from fastgw.storage.journal import JournalBounds, Journals, JournalWriter
from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.schema import migrate

EXCHANGES = {50: 4_000, 200: 12_000, 2_000: 12_000}
"""How many are drained, by the size of a look. As many as one look finds go before, and are not counted."""
RUNS = 3
_STARTED_MS = 1_763_720_000_000


def drain_us(url: str, folder: Path, look: int) -> float:
    """CPU of the draining thread for each exchange."""
    patterns = records()[:2]
    minter = Minter()
    writer = JournalWriter.open(folder, "worker-0", JournalBounds(undrained_bytes_max=1 << 40))
    journals = Journals(folder)
    engine = open_engine(url)
    drain = Drain(journals, UsageLedger(engine))
    spent: list[float] = []
    numbers = itertools.count()
    for _ in range(EXCHANGES[look] // look + 1):
        for number in itertools.islice(numbers, look):
            started_ms = _STARTED_MS + number // 4
            exchange_id = minter.next(started_ms)
            for record in patterns:
                while not writer.room():
                    time.sleep(0.001)
                writer.append(msgspec.structs.replace(record, exchange_id=exchange_id, started_ms=started_ms))
        began_s = time.thread_time()
        drain.look()
        spent.append(time.thread_time() - began_s)
    writer.close()
    drain.look()
    journals.close()
    engine.dispose()
    return sum(spent[1:]) / EXCHANGES[look] * 1e6


def main() -> None:
    """Print one line for each size of a look."""
    with tempfile.TemporaryDirectory() as name:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{name}/fastgw.db"
        migrate(url)
        for look in EXCHANGES:
            best = min(drain_us(url, Path(name) / f"journal-{look}-{run}", look) for run in range(RUNS))
            print(f"{look:6} exchanges a look: {best:6.2f} us each")


if __name__ == "__main__":
    main()
