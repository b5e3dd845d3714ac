"""Money over the end of stores, workers and keepers: real gates, journals, a real Valkey and both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fastgw import clock
from fastgw.exchange import Grant, Reason
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.purse_board import PurseBoard
from tests.keeper.place import Place, drained, dying, until
from tests.keeper.whole import keeping


@pytest.fixture
async def place(tmp_path: Path, engine: Engine, valkey: embedded.Embedded) -> AsyncIterator[Place]:
    made = Place(tmp_path / "journal", valkey.url, engine)
    yield made
    for worker in made.workers:
        await worker.end()


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
