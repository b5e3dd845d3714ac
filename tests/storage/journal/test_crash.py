"""A writer that is killed at any instant loses no record whose `append` returned, and leaves nothing half-written."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from fastgw.storage.journal import Journals
from tests.storage.journal.records import drain

ROUNDS = 12

# Each record is counted on standard output only after `append` has returned: what the parent has read is owed.
_WRITER = """
import os, sys
from pathlib import Path
from fastgw.storage.journal import JournalBounds, JournalWriter
from tests.storage.journal.records import closed, opened
import time
writer = JournalWriter.open(Path(sys.argv[1]), "worker-0", JournalBounds(segment_bytes=65536, disk_free_bytes_min=0))
number = 0
while True:
    while not writer.room():
        time.sleep(0.001)
    writer.append(opened(f"{sys.argv[2]}-{number}"))
    writer.append(closed(f"{sys.argv[2]}-{number}"))
    number += 1
    os.write(1, number.to_bytes(4, "little"))
"""


def test_kill_9_at_any_instant_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    chance = random.Random(7)
    root = Path(__file__).parents[3]
    for round_number in range(ROUNDS):
        command = [sys.executable, "-c", _WRITER, str(tmp_path), str(round_number)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, bufsize=0)
        assert process.stdout is not None
        confirmed = int.from_bytes(process.stdout.read(4), "little")
        ends_at = time.monotonic() + chance.random() * 0.15
        while time.monotonic() < ends_at:
            confirmed = _last(os.read(process.stdout.fileno(), 4 * 4096), confirmed)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        rest = process.stdout.read()
        confirmed = _last(rest, confirmed)
        process.stdout.close()

        journals = Journals(tmp_path)
        [stream] = journals.streams()
        assert not journals.alive(stream)
        names = [r.exchange_id for r in drain(journals, stream, alive=False) if type(r).__name__ == "Closed"]
        assert names == [f"{round_number}-{i}" for i in range(len(names))]
        assert confirmed <= len(names) <= confirmed + 1
        journals.remove(stream)
        journals.close()


def _last(read: bytes, before: int) -> int:
    whole = len(read) // 4 * 4
    return int.from_bytes(read[whole - 4 : whole], "little") if whole else before


def test_records_are_read_by_their_position_so_their_order_is_a_contract() -> None:
    from fastgw.records import Closed, Opened

    assert msgspec.structs.fields(Opened)[0].name == msgspec.structs.fields(Closed)[0].name == "exchange_id"
