"""When purses are published: every reason, and stores that fail meanwhile. The stores are plain objects here."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from fastgw.exchange import Purse
from fastgw.keeper import purses as module
from fastgw.keeper.purses import Purses

PATIENCE_S = 20


class Versions(msgspec.Struct):
    """Counters of the truth."""

    money: int = 0
    journals: int = 0


class Truth:
    """Balances in memory; `broken` has every read fail."""

    def __init__(self) -> None:
        self.now = Versions()
        self.balances: dict[str, int] = {}
        self.changes: list[tuple[int, str]] = []
        self.broken = False
        self.reads = 0

    def credit(self, name: str, amount_nano: int) -> None:
        self.balances[name] = self.balances.get(name, 0) + amount_nano
        self.now.money += 1
        self.changes.append((self.now.money, name))

    def journals(self) -> int:
        self._work()
        return self.now.journals

    def changed_since(self, version: int) -> tuple[int, Sequence[str]]:
        self._work()
        return self.now.money, [name for changed, name in self.changes if changed > version]

    def read(self, names: Sequence[str], now_ms: int) -> Sequence[Purse]:
        self._work()
        assert len(names) <= module.PORTION
        self.reads += 1
        return [
            Purse(name, self.now.money, self.now.journals, drained=(), balance_nano=self.balances.get(name, 0))
            for name in names
        ]

    def _work(self) -> None:
        if self.broken:
            raise OSError("the database is away")


class Gate:
    """Records in memory; `broken` has every call fail."""

    def __init__(self) -> None:
        self.records: dict[str, Purse] = {}
        self.list: dict[str, None] = {}
        self.places: set[str] = set()
        self.failures = 0
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.broken = False

    def want(self, name: str, *, silently: bool = False) -> None:
        self.list[name] = None
        if not silently:
            self.heard.put_nowait(name)

    async def publish(self, purses: Sequence[Purse], *, create: bool) -> Sequence[str]:
        self._work()
        again = []
        for purse in purses:
            old = self.records.get(purse.name)
            if old is None and create and purse.name not in self.places:
                self.places.add(purse.name)
                again.append(purse.name)
            elif (old is not None or create) and (old is None or old.version <= purse.version):
                self.records[purse.name] = purse
        return again

    async def wanted(self) -> Sequence[str]:
        self._work()
        taken = list(self.list)[:2]
        for name in taken:
            del self.list[name]
        return taken

    async def wanted_changes(self) -> AsyncIterator[str]:
        while True:
            yield await self.heard.get()

    async def names(self) -> AsyncIterator[Sequence[str]]:
        self._work()
        yield list(self.records)

    def _work(self) -> None:
        if self.broken:
            self.failures += 1
            raise OSError("the store is away")

    def balance(self, name: str) -> int | None:
        return self.records[name].balance_nano if name in self.records else None


class Registrar:
    """Counts how often new journals were asked to be registered."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1


@asynccontextmanager
async def keeping(truth: Truth, gate: Gate, registrar: Registrar | None = None) -> AsyncIterator[Purses]:
    stop = asyncio.Event()
    purses = Purses(truth, gate, registrar or Registrar())
    running = asyncio.create_task(purses.run(stop))
    try:
        yield purses
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await running


async def until(condition: object) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_what_is_wanted_is_made_and_new_journals_are_registered_first() -> None:
    truth, gate, registrar = Truth(), Gate(), Registrar()
    truth.credit("acct_1", 5)
    async with keeping(truth, gate, registrar):
        gate.want("acct_1")
        await until(lambda: gate.balance("acct_1") == 5)
        assert registrar.asked >= 1
        assert not gate.list


async def test_a_lost_message_is_made_up_for_by_the_list() -> None:
    truth, gate = Truth(), Gate()
    async with keeping(truth, gate):
        for number in range(7):
            gate.want(f"acct_{number}", silently=True)
        await until(lambda: len(gate.records) == 7)


async def test_a_drain_updates_records_that_exist_and_makes_none() -> None:
    truth, gate = Truth(), Gate()
    gate.records["acct_1"] = Purse("acct_1", 0, 0, drained=())
    async with keeping(truth, gate) as purses:
        truth.balances = {"acct_1": 7, "acct_2": 8}
        await asyncio.to_thread(purses.changed, frozenset({"acct_1", "acct_2"}))
        await until(lambda: gate.balance("acct_1") == 7)
        assert "acct_2" not in gate.records


async def test_changes_of_other_processes_are_found() -> None:
    truth, gate = Truth(), Gate()
    gate.records["acct_1"] = Purse("acct_1", 0, 0, drained=())
    async with keeping(truth, gate):
        await until(lambda: truth.reads > 0)
        truth.credit("acct_1", 3)
        await until(lambda: gate.balance("acct_1") == 3)


async def test_all_records_are_published_at_the_start_and_when_a_journal_comes_or_goes() -> None:
    truth, gate = Truth(), Gate()
    for number in range(1_234):
        gate.records[f"acct_{number}"] = Purse(f"acct_{number}", 0, 0, drained=((1, 1),))
    async with keeping(truth, gate):
        await until(lambda: not any(one.drained for one in gate.records.values()))
        truth.now.journals += 1
        await until(lambda: all(one.journals_version == 1 for one in gate.records.values()))


async def test_what_failed_is_done_when_the_stores_are_back() -> None:
    truth, gate = Truth(), Gate()
    gate.records["acct_1"] = Purse("acct_1", 0, 0, drained=())
    async with keeping(truth, gate) as purses:
        gate.broken = truth.broken = True
        truth.balances = {"acct_1": 7}
        purses.changed(["acct_1"])
        await asyncio.sleep(0.3)
        truth.broken = False
        await asyncio.sleep(0.3)
        assert gate.balance("acct_1") == 0
        gate.broken = False
        await until(lambda: gate.balance("acct_1") == 7)


async def test_who_asks_again_and_again_is_heard_at_a_bounded_pace() -> None:
    truth, gate = Truth(), Gate()
    async with keeping(truth, gate):
        began = asyncio.get_running_loop().time()
        for _ in range(200):
            gate.want("acct_1")
            await asyncio.sleep(0.001)
        passed = asyncio.get_running_loop().time() - began
        assert 1 <= truth.reads <= 2 + 2 * passed / module.PACE_S


async def test_an_outage_of_any_length_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_S", 0.001)
    monkeypatch.setattr(module, "PACE_S", 0.0)
    truth, gate = Truth(), Gate()
    gate.records["acct_1"] = Purse("acct_1", 0, 0, drained=())
    gate.broken = True
    async with keeping(truth, gate) as purses:
        await until(lambda: gate.failures > 3_000)
        gate.broken = False
        truth.balances = {"acct_1": 7}
        purses.changed(["acct_1"])
        await until(lambda: gate.balance("acct_1") == 7)


async def test_a_defect_ends_the_whole(caplog: pytest.LogCaptureFixture) -> None:
    class Defect(BaseException):
        pass

    class Broken(Gate):
        async def wanted(self) -> Sequence[str]:
            raise Defect

    with pytest.raises(Defect):
        async with asyncio.timeout(PATIENCE_S):
            await Purses(Truth(), Broken(), Registrar()).run(asyncio.Event())
    assert "purses failed" in caplog.text


async def test_more_names_than_are_remembered_become_everything() -> None:
    truth, gate = Truth(), Gate()
    for number in range(40):
        gate.records[f"acct_{number}"] = Purse(f"acct_{number}", 0, 0, drained=())
    old, module.NOTED_MAX = module.NOTED_MAX, 10
    try:
        async with keeping(truth, gate) as purses:
            await until(lambda: truth.reads > 0)
            truth.balances = dict.fromkeys(gate.records, 9)
            purses.changed(list(gate.records))
            await until(lambda: all(one.balance_nano == 9 for one in gate.records.values()))
    finally:
        module.NOTED_MAX = old


async def test_a_keeper_that_has_ended_takes_no_harm_from_late_news() -> None:
    async with keeping(Truth(), Gate()) as purses:
        pass
    await asyncio.to_thread(purses.changed, ["acct_1"])
