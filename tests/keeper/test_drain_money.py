"""Money in the drain: workers are registered before anything is read, purses are told, overages are alarmed."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, event

from fastgw import clock
from fastgw.exchange import worker_number
from fastgw.keeper import drain as module
from fastgw.keeper.drain import Drain
from fastgw.storage.journal import JournalBounds, Journals, JournalWriter
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.purses import PurseSource
from tests.storage.journal.records import KEY_ID, checkpoint, closed, opened
from tests.storage.sql.money import paid, wrong

SMALL = JournalBounds(segment_bytes=64 * 1024, disk_free_bytes_min=0, sync_delay_ms=1)


def workers(engine: Engine) -> frozenset[int]:
    return PurseSource(engine).workers()[1]


def test_a_worker_is_registered_before_its_first_record_and_until_it_is_drained(tmp_path: Path, engine: Engine) -> None:
    drain = Drain(Journals(tmp_path), UsageLedger(engine))
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    number = worker_number(writer.stream.name)
    assert not drain.look()
    assert workers(engine) == {number}, "nothing was written yet"
    writer.append(opened("ex_1"))
    drain.look()
    writer.close()
    assert workers(engine) == {number}
    drain.look()
    assert workers(engine) == frozenset()


def test_all_new_workers_are_registered_before_any_is_drained(tmp_path: Path, engine: Engine) -> None:
    writers = [JournalWriter.open(tmp_path, f"worker-{i}", SMALL) for i in range(3)]
    for writer in writers:
        writer.append(closed(writer.stream.name))
    seen: list[int] = []

    class Watched(Journals):
        def read(self, stream: str, segment: int, offset: int, *, alive: bool, records_max: int):  # type: ignore[no-untyped-def]
            seen.append(len(workers(engine)))
            return super().read(stream, segment, offset, alive=alive, records_max=records_max)

    Drain(Watched(tmp_path), UsageLedger(engine)).look()
    assert set(seen) == {3}
    for writer in writers:
        writer.close()


def test_a_worker_that_was_dead_when_it_was_first_seen_holds_nothing(tmp_path: Path, engine: Engine) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    writer.append(closed("ex_1"))
    writer.close()
    Drain(Journals(tmp_path), UsageLedger(engine)).look()
    assert PurseSource(engine).workers() == (0, frozenset())


class Told(UsageLedger):
    """Remembers who was registered."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.told: list[Sequence[str]] = []

    def register(self, journals: Sequence[str]) -> None:
        self.told.append(list(journals))
        super().register(journals)


def test_living_journals_are_told_again_after_a_while(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ns = [10**12]
    monkeypatch.setattr(clock, "monotonic_ns", lambda: now_ns[0])
    first = JournalWriter.open(tmp_path, "worker-0", SMALL)
    ledger = Told(engine)
    drain = Drain(Journals(tmp_path), ledger)
    for _ in range(3):
        drain.look()
    second = JournalWriter.open(tmp_path, "worker-1", SMALL)
    drain.look()
    now_ns[0] += module.SEEN_MS * 1_000_000
    for _ in range(3):
        drain.look()
    names = [first.stream.name, second.stream.name]
    assert ledger.told == [names[:1], names[1:], names]
    first.close()
    second.close()


def test_those_whose_purse_changed_are_told_after_the_commit(tmp_path: Path, engine: Engine) -> None:
    anna = Accounts(engine).create("anna", prepaid=True, now_ms=1).id
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    told: list[tuple[frozenset[str], int]] = []

    def touched(names: frozenset[str]) -> None:
        (purse,) = PurseSource(engine).read([anna], 1)
        told.append((names, purse.balance_nano))

    drain = Drain(Journals(tmp_path), UsageLedger(engine), touched=touched)
    writer.append(opened("free"))
    writer.append(closed("free"))
    drain.look()
    assert told == []
    writer.append(paid("ex_1", 5, account_id=anna))
    drain.look()
    begun = msgspec.structs.replace(opened("ex_2"), account_id=anna, purses=3, hold_nano=90)
    writer.append(begun)
    writer.append(msgspec.structs.replace(checkpoint("ex_2"), charge_nano=7))
    drain.look()
    writer.close()
    drain.look()
    assert told == [(frozenset({anna, KEY_ID}), -5), (frozenset({anna, KEY_ID}), -12)]
    assert [finding.name for finding in wrong(engine)] == ["below_zero"], "nothing was ever credited here"


def test_overages_are_alarmed_once_for_each_look(
    tmp_path: Path, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    drain = Drain(Journals(tmp_path), UsageLedger(engine))
    for number in range(3):
        writer.append(paid(f"ex_{number}", 1_500, account_id="", hold_nano=1_000))
    drain.look()
    drain.look()
    assert caplog.text.count("posted as overage") == 1
    assert "3 exchanges cost 0.0000015 USD more" in caplog.text
    writer.close()


def test_journals_that_cannot_be_registered_are_not_drained(
    tmp_path: Path, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    writer.append(closed("ex_1"))
    drain = Drain(Journals(tmp_path), UsageLedger(engine))

    def away(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "INTO journals" in statement:
            raise ConnectionError("away")

    event.listen(engine, "before_cursor_execute", away)
    assert not drain.look() and not drain.look()
    event.remove(engine, "before_cursor_execute", away)
    assert caplog.text.count("what the workers write cannot be drained") == 1
    assert drain.look()
    assert "what the workers write is drained again" in caplog.text
    writer.close()


async def test_who_is_in_a_hurry_does_not_wait_for_the_pace(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_MS", 3_600_000)
    journals = Journals(tmp_path)
    drain = Drain(journals, UsageLedger(engine))
    stop = asyncio.Event()
    running = asyncio.create_task(drain.run(stop))
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    async with asyncio.timeout(30):
        for _ in range(2):
            drain.hurry()
            await drain.looked()
    assert workers(engine) == {worker_number(writer.stream.name)}
    stop.set()
    async with asyncio.timeout(30):
        await running
    writer.close()
    journals.close()


async def test_a_look_that_had_begun_already_is_not_the_one_that_was_asked_for(tmp_path: Path, engine: Engine) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Journals):
        looks = 0

        def streams(self) -> list[str]:
            self.looks += 1
            if self.looks == 1:
                begun.set()
                go_on.wait(30)
            return super().streams()

    journals = Slow(tmp_path)
    drain = Drain(journals, UsageLedger(engine))
    stop = asyncio.Event()
    running = asyncio.create_task(drain.run(stop))
    async with asyncio.timeout(60):
        await asyncio.to_thread(begun.wait, 30)
        waiting = asyncio.create_task(drain.looked())
        drain.hurry()
        await asyncio.sleep(0)
        go_on.set()
        await waiting
        assert journals.looks == 2
        stop.set()
        await running
    journals.close()
