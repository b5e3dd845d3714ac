"""The board of prices on a real server."""

import asyncio
import datetime

from redis.asyncio import Redis

from fastgw.settings.prices import DatedPrice, Price
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.prices import BOARD, PriceBoard

PRICE = Price(input=5, cache_read=0, changes=(DatedPrice(from_=datetime.date(2027, 1, 1), output=2**53),))


async def test_prices_are_replaced_as_a_whole_and_announced(server: embedded.Embedded) -> None:
    board = PriceBoard(server.url)
    assert await board.version() is None
    assert await board.read_all() is None
    assert await board.publish(1, {"a": PRICE, "b": Price()})
    assert not await board.publish(1, {"b": Price(), "a": PRICE})
    assert (await board.version(), await board.read_all()) == (1, {"a": PRICE, "b": Price()})
    changes = board.changes()
    heard = asyncio.ensure_future(anext(changes))
    for version in range(2, 400):
        await board.publish(version, {"a": PRICE})
        await asyncio.sleep(0.05)
        if heard.done():
            break
    assert int(await heard) >= 2
    assert await board.read_all() == {"a": PRICE}
    assert await board.publish(500, {}) and await board.read_all() == {}
    await changes.aclose()  # type: ignore[attr-defined] # an async generator
    await board.aclose()


async def test_prices_of_a_later_version_are_as_good_as_lost(server: embedded.Embedded, redis: Redis) -> None:
    board = PriceBoard(server.url)
    await redis.set(BOARD, b'[7,{"a":{"input":"dear"}}]')
    assert (await board.version(), await board.read_all()) == (7, None)
    await board.aclose()
