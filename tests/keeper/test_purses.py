"""Money over the end of stores, workers and keepers: real gates, journals, a real Valkey and both databases.

A worker here is what a worker is to money: a journal, and a gate under the number of that journal.
"""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis
from sqlalchemy import Engine

from fastgw import clock
from fastgw.exchange import ACCOUNT_PURSE, Ask, Grant, Hold, Principal, Reason, worker_number
from fastgw.limits import Limits
from fastgw.storage.journal import JournalBounds, JournalWriter
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.purse_board import PurseBoard
from tests.keeper.whole import DEADLINE_S, keeping
from tests.storage.journal.records import closed, opened

BOUNDS = JournalBounds(segment_bytes=64 * 1024, disk_free_bytes_min=0, sync_delay_ms=1)
ROOT = Path(__file__).parents[2]
KEY_ID = "key_0123456789abcdef"
_numbers = itertools.count()

_DYING = """
import asyncio, sys
from pathlib import Path
from tests.keeper.test_purses import Worker
async def main(folder, store, account_id, amount, journaled):
    worker = await Worker.start(Path(folder), store)
    worker.journaled = journaled == "True"
    await worker.hold(account_id, int(amount))
    print("held", flush=True)
    await asyncio.sleep(600)
asyncio.run(main(*sys.argv[1:]))
"""


class Worker:
    """A journal and a gate."""

    def __init__(self, journal: JournalWriter, gate: ValkeyGate) -> None:
        self.journal = journal
        self.gate = gate
        self.journaled = True
        """False: it dies between its admissions and their first records."""

    @classmethod
    async def start(cls, folder: Path, store: str) -> "Worker":
        journal = JournalWriter.open(folder, "worker-0", BOUNDS)
        gate = ValkeyGate(store, deadline_ns=5_000_000_000)
        await gate.start(worker=worker_number(journal.stream.name))
        return cls(journal, gate)

    async def ask(self, account_id: str, amount: int) -> Grant | Reason:
        """One admission that holds `amount`; a purse that is being rebuilt is asked again."""
        principal = Principal(KEY_ID, "", 1, "n", Limits(), account_id=account_id, prepaid=True)
        exchange_id = f"ex_{next(_numbers)}_{self.journal.stream.name}"
        async with asyncio.timeout(DEADLINE_S):
            while True:
                verdict = await self.gate.admit(Ask(exchange_id, principal, "", Limits(), 0, 1, Hold(amount, amount)))
                if isinstance(verdict, Grant):
                    if self.journaled:
                        self._open(verdict)
                    return verdict
                if verdict.reason not in {Reason.REBUILDING, Reason.STORE_AWAY}:
                    return verdict.reason
                await asyncio.sleep(0.01)

    async def hold(self, account_id: str, amount: int) -> Grant:
        """The same, which the account can pay for."""
        verdict = await self.ask(account_id, amount)
        assert isinstance(verdict, Grant), verdict
        return verdict

    def charge(self, grant: Grant, amount: int) -> None:
        """The end of an exchange."""
        principal, exchange_id = grant.ask.principal, grant.ask.exchange_id
        self.journal.append(
            replace(
                closed(exchange_id, key_id=principal.key_id),
                account_id=principal.account_id,
                purses=grant.purses,
                hold_nano=grant.hold_nano,
                charge_nano=amount,
            )
        )
        self.gate.settle(grant, 0, amount)

    async def end(self) -> None:
        await self.gate.aclose()
        self.journal.close()

    def _open(self, grant: Grant) -> None:
        assert grant.purses == ACCOUNT_PURSE
        begun = replace(
            opened(grant.ask.exchange_id),
            key_id=KEY_ID,
            account_id=grant.ask.principal.account_id,
            purses=grant.purses,
            hold_nano=grant.hold_nano,
        )
        self.journal.append(begun)


class Place:
    """Where workers run, and the truth about their money."""

    def __init__(self, folder: Path, store: str, engine: Engine) -> None:
        self.folder = folder
        self.store = store
        self.accounts = Accounts(engine)
        self.workers: list[Worker] = []

    async def worker(self) -> Worker:
        started = await Worker.start(self.folder, self.store)
        self.workers.append(started)
        return started

    def account(self, balance: int) -> str:
        found = self.accounts.create(f"account {next(_numbers)}", prepaid=True, now_ms=clock.wall_ms()).id
        self.accounts.credit(found, balance, now_ms=clock.wall_ms())
        return found

    def balance(self, account_id: str) -> int:
        found = self.accounts.get(account_id)
        assert found is not None
        return found.balance_nano

    async def lose_store(self) -> None:
        redis = Redis.from_url(self.store)
        await redis.flushall()
        await redis.aclose()


@pytest.fixture
async def place(tmp_path: Path, engine: Engine, valkey: embedded.Embedded) -> AsyncIterator[Place]:
    made = Place(tmp_path / "journal", valkey.url, engine)
    yield made
    for worker in made.workers:
        await worker.end()


@asynccontextmanager
async def dying(place: Place, account_id: str, amount: int, *, journaled: bool = True) -> AsyncIterator[None]:
    """A worker that holds `amount` within, and is killed at the end."""
    arguments = (str(place.folder), place.store, account_id, str(amount), str(journaled))
    process = subprocess.Popen([sys.executable, "-c", _DYING, *arguments], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert await asyncio.to_thread(process.stdout.readline) == b"held\n"
        yield
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        process.stdout.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.02)


async def drained(place: Place, account_id: str, balance: int) -> None:
    async def right() -> bool:
        return await asyncio.to_thread(place.balance, account_id) == balance

    await until(right)


async def test_a_store_that_lost_everything_is_rebuilt_from_the_ledger_and_living_workers(
    place: Place, engine: Engine, valkey: embedded.Embedded
) -> None:
    account = place.account(100_000)
    async with keeping(place.folder, engine, valkey):
        one, two = await place.worker(), await place.worker()
        held = await one.hold(account, 30_000)
        spent = await two.hold(account, 25_000)
        running = await two.hold(account, 20_000)
        two.charge(spent, 10_000)
        await place.lose_store()
        # 100,000 less 30,000 and 20,000 that are held, and 10,000 that are spent, drained or not.
        assert await one.ask(account, 40_001) is Reason.BALANCE
        rest = await one.hold(account, 40_000)
        assert await two.ask(account, 1) is Reason.BALANCE
        one.charge(held, 30_000)
        two.charge(running, 0)
        one.charge(rest, 40_000)
        await drained(place, account, 20_000)
        await two.hold(account, 20_000)
        assert await one.ask(account, 1) is Reason.BALANCE


@pytest.mark.parametrize("journaled", [pytest.param(True, marks=pytest.mark.long), False])
async def test_what_a_dead_worker_held_returns(
    place: Place, engine: Engine, valkey: embedded.Embedded, journaled: bool
) -> None:
    account = place.account(100_000)
    async with keeping(place.folder, engine, valkey):
        worker = await place.worker()
        async with dying(place, account, 60_000, journaled=journaled):
            assert await worker.ask(account, 40_001) is Reason.BALANCE
            await worker.hold(account, 40_000)

        async def returned() -> bool:
            return isinstance(await worker.ask(account, 60_000), Grant)

        await until(returned)
        assert await worker.ask(account, 1) is Reason.BALANCE


async def test_a_credit_of_another_process_is_seen(place: Place, engine: Engine, valkey: embedded.Embedded) -> None:
    account = place.account(10)
    async with keeping(place.folder, engine, valkey):
        worker = await place.worker()
        assert await worker.ask(account, 11) is Reason.BALANCE
        place.accounts.credit(account, 1, now_ms=clock.wall_ms())

        async def seen() -> bool:
            return isinstance(await worker.ask(account, 11), Grant)

        await until(seen)


async def test_a_store_and_a_worker_that_go_while_no_keeper_runs(
    place: Place, engine: Engine, valkey: embedded.Embedded
) -> None:
    account, other = place.account(100_000), place.account(50)
    async with keeping(place.folder, engine, valkey):
        worker = await place.worker()
        held = await worker.hold(account, 10_000)
        async with dying(place, account, 60_000):
            pass
    worker.charge(held, 10_000)
    place.accounts.credit(account, 5_000, now_ms=clock.wall_ms())
    await place.lose_store()
    async with keeping(place.folder, engine, valkey):
        assert await worker.ask(other, 51) is Reason.BALANCE

        async def whole() -> bool:
            return isinstance(await worker.ask(account, 95_000), Grant)

        await until(whole)
        assert await worker.ask(account, 1) is Reason.BALANCE
        await drained(place, account, 95_000)


@pytest.mark.long
async def test_a_keeper_that_starts_anew_makes_up_for_what_was_missed(
    place: Place, engine: Engine, valkey: embedded.Embedded
) -> None:
    account = place.account(100_000)
    async with keeping(place.folder, engine, valkey):
        worker = await place.worker()
        held = await worker.hold(account, 10_000)
        async with dying(place, account, 60_000):
            pass
    place.accounts.credit(account, 5_000, now_ms=clock.wall_ms())
    worker.charge(held, 4_000)
    async with keeping(place.folder, engine, valkey):

        async def whole() -> bool:
            return isinstance(await worker.ask(account, 101_000), Grant)

        await until(whole)
        assert await worker.ask(account, 1) is Reason.BALANCE


async def test_a_store_that_was_away_and_comes_back_empty(
    tmp_path: Path, place: Place, engine: Engine, valkey: embedded.Embedded
) -> None:
    account = place.account(100_000)
    async with keeping(place.folder, engine, valkey):
        worker = await place.worker()
        held = await worker.hold(account, 30_000)
        valkey.stop()
        worker.charge(held, 30_000)
        place.accounts.credit(account, 1_000, now_ms=clock.wall_ms())
        await drained(place, account, 71_000)
        again = embedded.start(tmp_path / "valkey")
        try:
            assert again.url == valkey.url
            assert await worker.ask(account, 71_001) is Reason.BALANCE
            await worker.hold(account, 71_000)
            board = PurseBoard(again.url)
            assert (await board.held([account]))[account].held_nano == 71_000
            await board.aclose()
        finally:
            await worker.end()
            place.workers.clear()
            again.stop()


async def test_two_machines_with_a_keeper_each_share_one_account(
    tmp_path: Path, place: Place, engine: Engine, valkey: embedded.Embedded
) -> None:
    account = place.account(100_000)
    there = Place(tmp_path / "elsewhere", valkey.url, engine)
    async with keeping(place.folder, engine, valkey), keeping(there.folder, engine, valkey):
        here, other = await place.worker(), await there.worker()
        held = await other.hold(account, 60_000)
        assert await here.ask(account, 40_001) is Reason.BALANCE
        await place.lose_store()
        assert await here.ask(account, 40_001) is Reason.BALANCE
        other.charge(held, 50_000)
        await drained(place, account, 50_000)

        async def returned() -> bool:
            return isinstance(await here.ask(account, 50_000), Grant)

        await until(returned)
        assert await other.ask(account, 1) is Reason.BALANCE
        await other.end()
