"""Draining: into the ledger once and wholly, whatever dies and whenever it does."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text

from fastgw.keeper.drain import LOOK_MS, Drain
from fastgw.storage.journal import JournalBounds, Journals, JournalWriter
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.report import UsageReport
from fastgw.usage import Usage
from tests.storage.journal.records import checkpoint, closed, opened

SMALL = JournalBounds(segment_bytes=64 * 1024, disk_free_bytes_min=0, sync_delay_ms=1)
ROOT = Path(__file__).parents[2]
KILLS = 6
EXCHANGES = 2_400
WORKERS = 3

_KEEPER = """
import asyncio, sys
from pathlib import Path
from fastgw.keeper import drain
from fastgw.storage.journal import Journals
from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.ledger import UsageLedger
drain.BATCH_RECORDS = 40
drain.LOOK_MS = 1
async def main():
    one = drain.Drain(Journals(Path(sys.argv[1])), UsageLedger(open_engine(sys.argv[2])))
    stop = asyncio.Event()
    await one.claim(stop)
    print("claimed", flush=True)
    await one.run(stop)
asyncio.run(main())
"""


def totals(engine: Engine) -> dict[str, int]:
    found: dict[str, int] = UsageReport(engine).read()["totals"]
    return found


def paced(writer: JournalWriter, *records: object) -> None:
    deadline = time.monotonic() + 30
    for record in records:
        while not writer.room():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        writer.append(record)  # type: ignore[arg-type]


def drained(folder: Path, engine: Engine) -> None:
    journals = Journals(folder)
    drain = Drain(journals, UsageLedger(engine))
    while drain.look():
        pass
    journals.close()


def test_an_exchange_is_in_the_ledger_after_a_look_and_stays_once(tmp_path: Path, engine: Engine) -> None:
    writer = JournalWriter.open(tmp_path / "journal", "worker-0", SMALL)
    journals = Journals(tmp_path / "journal")
    drain = Drain(journals, UsageLedger(engine))
    assert not drain.look()
    writer.append(opened("ex_1"))
    assert drain.look()
    assert totals(engine)["requests"] == 0
    writer.append(closed("ex_1", usage=Usage(in_text=7, out_text=3)))
    assert drain.look()
    assert not drain.look()
    assert totals(engine) == totals(engine) | {"requests": 1, "in_text": 7, "out_text": 3, "total_tokens": 10}
    writer.close()
    drain.look()
    assert journals.streams() == []
    assert totals(engine)["requests"] == 1
    journals.close()


def test_drained_segments_go_while_their_worker_lives(tmp_path: Path, engine: Engine) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    for i in range(1_500):
        paced(writer, closed(f"ex_{i}"))
    before = len(list(writer.stream.glob("*.seg")))
    drained(tmp_path, engine)
    assert len(list(writer.stream.glob("*.seg"))) < before
    assert totals(engine)["requests"] == 1_500
    paced(writer, closed("last"))
    drained(tmp_path, engine)
    assert totals(engine)["requests"] == 1_501
    writer.close()


def test_orphans_of_a_dead_worker_are_charged_once_also_after_a_restart_of_the_keeper(
    tmp_path: Path, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    for record in (opened("gone"), opened("streamed"), opened("whole"), checkpoint("streamed", output_tokens=40)):
        writer.append(record)
    drained(tmp_path, engine)
    writer.append(closed("whole"))
    writer.append(checkpoint("streamed", output_tokens=90))
    assert totals(engine)["requests"] == 0, "nothing is an orphan while its worker lives"
    writer.close()
    drained(tmp_path, engine)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT exchange_id, outcome, in_text, out_text, error FROM usage ORDER BY 1"))
        assert [tuple(row) for row in rows] == [
            ("gone", "orphaned", 0, 0, "internal"),
            ("streamed", "orphaned", 1_200, 90, "internal"),
            ("whole", "ok", 1_200, 300, None),
        ]
        for table in ("open_exchanges", "journal_cursor"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    assert "2 exchanges open" in caplog.text
    assert not list(tmp_path.glob("worker-*"))


def test_a_journal_met_again_after_its_end_changes_nothing(tmp_path: Path, engine: Engine) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    for record in (opened("a"), closed("a"), opened("b"), checkpoint("b")):
        writer.append(record)
    writer.close()
    kept = {path.name: path.read_bytes() for path in writer.stream.iterdir()}
    drained(tmp_path, engine)
    before = totals(engine)
    assert before["requests"] == 2
    # As after a crash between the commit and the deletion.
    writer.stream.mkdir()
    for name, content in kept.items():
        (writer.stream / name).write_bytes(content)
    drained(tmp_path, engine)
    assert totals(engine) == before
    assert not writer.stream.exists()


def test_a_database_that_is_away_delays_and_loses_nothing(
    tmp_path: Path, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    journals = Journals(tmp_path)
    drain = Drain(journals, UsageLedger(engine))
    writer.append(closed("ex_1"))

    def away(*_: object) -> None:
        raise ConnectionError("the database is away")

    event.listen(engine, "before_cursor_execute", away)
    for _ in range(3):
        assert not drain.look()
    event.remove(engine, "before_cursor_execute", away)
    assert caplog.text.count("cannot be drained") == 1
    assert "the database is away" in caplog.text
    writer.append(closed("ex_2"))
    assert drain.look()
    assert "drained again" in caplog.text
    assert totals(engine)["requests"] == 2
    writer.close()
    journals.close()


def test_kill_9_of_the_keeper_at_any_instant_loses_and_doubles_nothing(
    tmp_path: Path, url: str, engine: Engine
) -> None:
    folder = tmp_path / "journal"
    writers = [JournalWriter.open(folder, f"worker-{i}", SMALL) for i in range(WORKERS)]
    chance = random.Random(11)
    sent = 0
    for round_number in range(KILLS):
        command = [sys.executable, "-c", _KEEPER, str(folder), url]
        keeper = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"claimed\n"
        until = time.monotonic() + chance.random() * 0.4
        wanted = EXCHANGES * (round_number + 1) // KILLS
        while sent < wanted or time.monotonic() < until:
            writer = writers[sent % WORKERS]
            paced(writer, opened(f"ex_{sent}"), checkpoint(f"ex_{sent}"))
            paced(writer, closed(f"ex_{sent}", usage=Usage(in_text=sent, out_text=1)))
            sent += 1
        keeper.send_signal(signal.SIGKILL)
        keeper.wait(timeout=30)
        keeper.stdout.close()
    writers[0].append(opened("orphan"))
    for writer in writers:
        writer.close()
    drained(folder, engine)
    found = totals(engine)
    assert found["requests"] == sent + 1
    assert found["in_text"] == sum(range(sent))
    assert found["out_text"] == sent
    with engine.connect() as connection:
        distinct = connection.execute(text("SELECT count(DISTINCT exchange_id) FROM usage")).scalar()
        assert distinct == sent + 1
        assert connection.execute(text("SELECT count(*) FROM open_exchanges")).scalar() == 0
    assert not list(folder.glob("worker-*"))


async def test_under_steady_load_looks_are_few_and_the_last_exchange_is_not_forgotten(
    tmp_path: Path, engine: Engine
) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    journals = Journals(tmp_path)
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)
    stop = asyncio.Event()
    began = time.monotonic()
    running = asyncio.create_task(Drain(journals, UsageLedger(engine)).run(stop))
    sent = 0
    while time.monotonic() < began + 1.5:
        writer.append(closed(f"ex_{sent}"))
        sent += 1
        await asyncio.sleep(0.005)
    looks = (time.monotonic() - began) * 1_000 / LOOK_MS
    # Besides one that registers the journal, and one for the place to begin at.
    assert len(commits) <= looks + 2
    async with asyncio.timeout(60):
        while totals(engine)["requests"] != sent:
            await asyncio.sleep(0.05)
        stop.set()
        await running
    writer.close()
    journals.close()


async def test_a_second_keeper_says_so_and_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = create_engine("sqlite://")
    first, second = Journals(tmp_path), Journals(tmp_path)
    stop = asyncio.Event()
    assert await Drain(first, UsageLedger(engine)).claim(stop)
    waiting = asyncio.create_task(Drain(second, UsageLedger(engine)).claim(stop))
    async with asyncio.timeout(20):
        while "another keeper" not in caplog.text:
            await asyncio.sleep(0.01)
        assert not waiting.done()
        first.close()
        assert await waiting
    third = asyncio.create_task(Drain(first, UsageLedger(engine)).claim(stop))
    await asyncio.sleep(0.05)
    stop.set()
    async with asyncio.timeout(20):
        assert not await third
    second.close()
    engine.dispose()
