"""The keeper's board of purses: versions, places that are kept, names, and what is held."""

import asyncio

from redis.asyncio import Redis

from fastgw.exchange import Purse
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.purse_board import PurseBoard


def purse(balance: int, version: int = 1, journals: int = 1, *drained: tuple[int, int], name: str = "acc_a") -> Purse:
    return Purse(name, version, journals, drained, balance_nano=balance)


async def balance(redis: Redis, name: str = "acc_a") -> int | None:
    record = await redis.get(f"fgw:{{{name}}}:purse")
    if record is None:
        return None
    assert isinstance(record, bytes)
    from msgspec import msgpack

    numbers: list[int] = msgpack.decode(record)
    return numbers[4] if len(numbers) > 4 else None


async def test_nothing_is_made_unless_asked_for(board: PurseBoard, redis: Redis) -> None:
    assert await board.publish([purse(5)], create=False) == []
    assert await redis.keys("*") == []


async def test_figures_read_before_the_loss_was_known_make_no_record(board: PurseBoard, redis: Redis) -> None:
    assert await board.publish([purse(5)], create=True) == ["acc_a"]
    assert await balance(redis) is None
    assert await board.publish([purse(6)], create=True) == []
    assert await balance(redis) == 6
    # Lost again: the place of before counts no more.
    await redis.flushall()
    assert await board.publish([purse(7)], create=True) == ["acc_a"]
    assert await balance(redis) is None


async def test_a_wanted_purse_is_made_with_the_first_publication(board: PurseBoard, redis: Redis) -> None:
    await board.want(["acc_a", "acc_b"])
    assert await board.wanted() == {"acc_a", "acc_b"}
    assert await board.wanted() == set()
    assert await board.publish([purse(5), purse(8, name="acc_b")], create=True) == []
    assert (await balance(redis), await balance(redis, "acc_b")) == (5, 8)


async def test_another_keepers_place_is_not_ours(board: PurseBoard, server: embedded.Embedded, redis: Redis) -> None:
    other = PurseBoard(server.url)
    await board.publish([purse(5)], create=True)
    assert await other.publish([purse(6)], create=True) == ["acc_a"]
    assert await other.publish([purse(7)], create=True) == []
    # Two that know of one place: the newer figures stay.
    assert await board.publish([purse(4, 0)], create=True) == []
    assert await balance(redis) == 7
    await other.aclose()


async def test_older_figures_change_nothing(board: PurseBoard, redis: Redis) -> None:
    await board.publish([purse(5, 3, 3)], create=True)
    await board.publish([purse(5, 3, 3)], create=True)
    for version, journals, stays in ((2, 3, 5), (3, 2, 5), (2, 9, 5), (9, 2, 5), (3, 3, 6), (3, 4, 6), (4, 4, 6)):
        await board.publish([purse(6, version, journals)], create=True)
        assert await balance(redis) == stays


async def test_names_held_and_forget(board: PurseBoard, redis: Redis) -> None:
    many = [purse(n, name=f"acc_{n}") for n in range(450)]
    assert len(await board.publish(many, create=True)) == 450
    assert await board.publish(many, create=True) == []
    await redis.set("fgw:{key_x}:gate", "x")
    listed = [name async for some in board.names() for name in some]
    assert set(listed) == {one.name for one in many}
    standing = await board.held([*listed, "acc_none"])
    assert set(standing) == set(listed)
    assert {one.held_nano + one.undrained_nano + one.silent for one in standing.values()} == {0}
    await board.forget("acc_7")
    assert "acc_7" not in await board.held(["acc_7", "acc_8"])


async def test_whoever_listens_hears_what_is_wanted(board: PurseBoard) -> None:
    changes = board.wanted_changes()
    heard = asyncio.ensure_future(anext(changes))
    for _ in range(400):
        await board.want(["acc_a"])
        await asyncio.sleep(0.05)
        if heard.done():
            break
    assert await heard == "acc_a"
    await changes.aclose()  # type: ignore[attr-defined] # an async generator


async def test_every_record_of_money_expires_in_the_end(board: PurseBoard, redis: Redis) -> None:
    leaving = (((2**33, 5),), (), ())
    await board.want(["key_a"])
    await board.wanted()
    await board.publish([Purse("key_a", 1, 1, ((9, 0),), leaving=leaving)], create=True)
    names = await redis.keys("*")
    assert len(names) == 3
    for name in names:
        assert 0 < await redis.pttl(name) <= 8 * 86_400_000
