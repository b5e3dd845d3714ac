"""Prices reach the board at start, after a change, and after its loss; with a real database and a real store."""

import asyncio

from redis.asyncio import Redis
from sqlalchemy import Engine

from fastgw.keeper.prices import PriceMirroring
from fastgw.settings.prices import Price
from fastgw.storage.sql.prices import PriceOverrides
from fastgw.storage.valkey.embedded import Embedded
from fastgw.storage.valkey.prices import BOARD, PriceBoard

DEADLINE_S = 60


async def test_the_board_is_kept_like_the_truth(engine: Engine, valkey: Embedded) -> None:
    prices, board, stop = PriceOverrides(engine), PriceBoard(valkey.url), asyncio.Event()

    async def until(expected: dict[str, Price]) -> None:
        while await board.read_all() != expected:
            await asyncio.sleep(0.02)

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        group.create_task(PriceMirroring(prices, board).run(stop))
        await until({})
        prices.put("fake/fake-1", Price(input=5), 1)
        await until({"fake/fake-1": Price(input=5)})
        store = Redis.from_url(valkey.url)
        await store.delete(BOARD)
        await until({"fake/fake-1": Price(input=5)})
        prices.delete("fake/fake-1")
        await until({})
        stop.set()
    await store.aclose()
    await board.aclose()


async def test_it_goes_on_after_a_failure() -> None:
    published: list[int] = []

    class Source:
        def version(self) -> int:
            return 3

        def all(self) -> dict[str, Price]:
            return {}

    class Board:
        async def version(self) -> int | None:
            published.append(-1)
            if len(published) < 2:
                raise OSError("away")
            return None

        async def publish(self, version: int, prices: object) -> None:
            published.append(version)

    stop = asyncio.Event()
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        group.create_task(PriceMirroring(Source(), Board()).run(stop))
        while 3 not in published:
            await asyncio.sleep(0.02)
        stop.set()
