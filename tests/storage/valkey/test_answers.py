"""Kept answers: one owner of a name at a time, the right answer for the right request, and never more than fits."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis

from fastgw.storage.valkey import answers, embedded
from fastgw.storage.valkey.answers import ALL, KEPT_S, LEASE_MS, AnswerShelf

NAME = ("acc_1", "key_1", "ab" * 32)
MARK, OTHER = b"\x00" * 32, b"\xff" * 32
ME, YOU = b"\x01" * 16, b"\x02" * 16
ANSWER = bytes(range(256)) * 4

ShelfOf = Callable[..., AnswerShelf]


@pytest.fixture
async def shelf_of(server: embedded.Embedded) -> AsyncIterator[ShelfOf]:
    opened: list[AnswerShelf] = []

    def build(url: str = "", **limits: int) -> AnswerShelf:
        opened.append(AnswerShelf(url or server.url, **limits))
        return opened[-1]

    yield build
    for shelf in opened:
        await shelf.aclose()


@pytest.fixture
def shelf(shelf_of: ShelfOf) -> AnswerShelf:
    return shelf_of()


def named(number: int, key: str = "key_1", account: str = "acc_1") -> tuple[str, str, str]:
    return (account, key, f"{number:064x}")


async def age(redis: Redis, tally: str) -> None:
    """Let 26 hours pass for what was counted."""
    for field, count in (await redis.hgetall(tally)).items():
        name = field.decode() if isinstance(field, bytes) else field
        await redis.hdel(tally, name)
        await redis.hset(tally, f"{name[0]}{int(name[1:]) - 26}", count)


async def test_of_racing_requests_one_runs(shelf_of: ShelfOf) -> None:
    # Two workers, fifty callers.
    shelves = [shelf_of(), shelf_of()]
    owners = [secrets.token_bytes(16) for _ in range(50)]
    found = await asyncio.gather(*(shelves[at % 2].begin(NAME, MARK, owner) for at, owner in enumerate(owners)))
    assert sorted(state for state, _ in found) == ["", *["running"] * 49]
    winner = next(owner for owner, (state, _) in zip(owners, found, strict=True) if not state)
    assert await shelves[0].keep(NAME, MARK, winner, ANSWER) == "kept"
    again = await asyncio.gather(*(shelf.begin(NAME, MARK, ME) for shelf in shelves for _ in range(5)))
    assert again == [("kept", ANSWER)] * 10


async def test_another_request_may_not_have_the_name(shelf: AnswerShelf) -> None:
    await shelf.begin(NAME, MARK, ME)
    assert await shelf.begin(NAME, OTHER, YOU) == ("other", b"")
    await shelf.keep(NAME, MARK, ME, ANSWER)
    assert await shelf.begin(NAME, OTHER, YOU) == ("other", b"")
    assert await shelf.begin(NAME, MARK, YOU) == ("kept", ANSWER)


async def test_names_of_other_keys_and_accounts_are_other_names(shelf: AnswerShelf) -> None:
    await shelf.begin(NAME, MARK, ME)
    await shelf.keep(NAME, MARK, ME, ANSWER)
    assert await shelf.begin(("acc_1", "key_2", NAME[2]), MARK, YOU) == ("", b"")
    assert await shelf.begin(("acc_2", "key_1", NAME[2]), MARK, YOU) == ("", b"")


async def test_a_release_frees_the_name_of_its_owner_alone(shelf: AnswerShelf) -> None:
    await shelf.begin(NAME, MARK, ME)
    await shelf.release(NAME, YOU)
    assert await shelf.begin(NAME, MARK, YOU) == ("running", b"")
    await shelf.release(NAME, ME)
    assert await shelf.begin(NAME, OTHER, YOU) == ("", b"")
    await shelf.keep(NAME, OTHER, YOU, ANSWER)
    await shelf.release(NAME, YOU)
    assert await shelf.begin(NAME, OTHER, ME) == ("kept", ANSWER)


async def test_the_lease_of_a_dead_worker_ends_and_that_of_a_live_one_does_not(shelf_of: ShelfOf) -> None:
    shelf = shelf_of(lease_ms=400)
    alive, dead = named(1), named(2)
    await shelf.begin(alive, MARK, ME)
    await shelf.begin(dead, MARK, ME)
    async with asyncio.timeout(30):
        while (await shelf.begin(dead, MARK, YOU))[0]:
            assert await shelf.renew(alive, MARK, ME)
            await asyncio.sleep(0.05)
    assert await shelf.begin(alive, MARK, YOU) == ("running", b"")
    # What the dead one says from its grave changes nothing.
    assert not await shelf.renew(dead, MARK, ME)
    assert await shelf.keep(dead, MARK, ME, ANSWER) == "lost"
    assert await shelf.begin(dead, MARK, ME) == ("running", b"")


async def test_a_store_that_lost_everything_learns_from_the_renewal(shelf: AnswerShelf, redis: Redis) -> None:
    await shelf.begin(NAME, MARK, ME)
    await redis.flushall()
    await redis.script_flush()
    assert await shelf.renew(NAME, MARK, ME)
    assert await shelf.begin(NAME, MARK, YOU) == ("running", b"")
    await redis.flushall()
    assert await shelf.keep(NAME, MARK, ME, ANSWER) == "kept"
    assert await shelf.begin(NAME, MARK, YOU) == ("kept", ANSWER)


async def test_nothing_outlives_its_time(shelf: AnswerShelf, redis: Redis) -> None:
    await shelf.begin(NAME, MARK, ME)
    (record,) = await redis.keys("fgw:{acc_1}:answer:*")
    assert 0 < await redis.pttl(record) <= LEASE_MS
    await shelf.keep(NAME, MARK, ME, ANSWER)
    assert LEASE_MS / 1_000 < await redis.ttl(record) <= KEPT_S
    # A renewal that was under way at that moment leaves it alone.
    assert not await shelf.renew(NAME, MARK, ME)
    assert await redis.ttl(record) > LEASE_MS / 1_000
    assert await redis.ttl("fgw:{acc_1}:answers:key_1") > KEPT_S
    assert await redis.ttl(ALL) > KEPT_S


async def test_what_is_said_twice_counts_once(shelf: AnswerShelf, redis: Redis) -> None:
    await shelf.begin(NAME, MARK, ME)
    assert await shelf.keep(NAME, MARK, ME, ANSWER) == "kept"
    assert await shelf.keep(NAME, MARK, ME, ANSWER) == "kept"
    tally = await redis.hgetall("fgw:{acc_1}:answers:key_1")
    assert {field[:1]: int(count) for field, count in tally.items()} == {b"n": 1, b"b": len(ANSWER)}


async def test_an_answer_without_room_leaves_its_name(shelf_of: ShelfOf) -> None:
    shelf = shelf_of(key_bytes_max=2 * len(ANSWER))
    states = []
    for number in range(3):
        await shelf.begin(named(number), MARK, ME)
        states.append(await shelf.keep(named(number), MARK, ME, ANSWER))
    assert states == ["kept", "kept", "unkept"]
    assert await shelf.begin(named(2), MARK, YOU) == ("unkept", b"")
    await shelf.begin(named(2, "key_2"), MARK, ME)
    assert await shelf.keep(named(2, "key_2"), MARK, ME, ANSWER) == "kept"
    await shelf.begin(named(3), MARK, ME)
    assert await shelf.keep(named(3), MARK, ME, b"") == "unkept"


async def test_one_key_may_have_so_many_names_and_no_more(shelf_of: ShelfOf, redis: Redis) -> None:
    shelf = shelf_of(key_names_max=2)
    for number in range(2):
        assert await shelf.begin(named(number), MARK, ME) == ("", b"")
        await shelf.keep(named(number), MARK, ME, ANSWER)
    assert await shelf.begin(named(2), MARK, ME) == ("full", b"")
    assert await shelf.begin(named(1), MARK, ME) == ("kept", ANSWER)
    assert await shelf.begin(named(2, "key_2"), MARK, ME) == ("", b"")
    # A day later they count no more, and the hours of then are cleared away.
    tally = "fgw:{acc_1}:answers:key_1"
    await age(redis, tally)
    assert await shelf.begin(named(2), MARK, ME) == ("", b"")
    assert await redis.hgetall(tally) == {}


async def test_the_whole_deployment_has_its_bounds_too(
    shelf_of: ShelfOf, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "LOOK_NS", 0)
    crowded, writing = shelf_of(all_names_max=2, all_bytes_max=len(ANSWER)), shelf_of()
    for number in range(2):
        await crowded.begin(named(number, account=f"acc_{number}"), MARK, ME)
    assert await crowded.keep(named(0, account="acc_0"), MARK, ME, ANSWER) == "kept"
    assert await crowded.keep(named(1, account="acc_1"), MARK, ME, ANSWER) == "unkept"
    assert await crowded.begin(named(2, account="acc_2"), MARK, ME) == ("full", b"")
    await redis.delete(ALL)
    assert await crowded.begin(named(2, account="acc_2"), MARK, ME) == ("", b"")
    # What another worker keeps counts.
    await writing.begin(named(3), MARK, ME)
    await writing.keep(named(3), MARK, ME, ANSWER)
    await crowded.begin(named(4), MARK, ME)
    assert await crowded.keep(named(4), MARK, ME, ANSWER) == "unkept"
    # A day later it does not.
    await age(redis, ALL)
    await crowded.begin(named(5), MARK, ME)
    assert await crowded.keep(named(5), MARK, ME, ANSWER) == "kept"
    assert {int(count) for count in (await redis.hgetall(ALL)).values()} == {1, len(ANSWER)}


async def test_a_store_that_is_away_is_an_os_error(shelf_of: ShelfOf) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        shelf = shelf_of(f"redis://127.0.0.1:{nobody.getsockname()[1]}")
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: shelf.begin(NAME, MARK, ME),
            lambda: shelf.renew(NAME, MARK, ME),
            lambda: shelf.keep(NAME, MARK, ME, ANSWER),
            lambda: shelf.release(NAME, ME),
        ]
        for call in calls:
            with pytest.raises(OSError, match="store of answers"):
                await call()


async def test_a_store_that_is_full_is_an_os_error(shelf: AnswerShelf, redis: Redis) -> None:
    await redis.config_set("maxmemory", 1)
    with pytest.raises(OSError, match="memory"):
        await shelf.begin(NAME, MARK, ME)
