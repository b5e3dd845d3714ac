"""Purses that are lost and made anew, workers that are silent or dead, and a store that is away."""

import asyncio

import msgspec
import pytest
from redis.asyncio import Redis

from fastgw.exchange import ACCOUNT_PURSE, Grant, Reason
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.batch import Batch
from fastgw.storage.valkey.courier import SCRIPT
from fastgw.storage.valkey.purse_board import PurseBoard
from fastgw.storage.valkey.purses import Purse as Known
from tests.storage.valkey.money import (
    OTHER,
    WORKER,
    GateOf,
    account,
    asks,
    denied,
    granted,
    make,
    until,
)


async def test_a_lost_record_is_rebuilt_from_the_ledger_and_the_workers(
    purse_gate_of: GateOf, board: PurseBoard, redis: Redis
) -> None:
    one, other = await purse_gate_of(), await purse_gate_of(OTHER)
    both = ((WORKER, 0), (OTHER, 0))
    await make(board, account(100, *both))
    held = granted(await one.admit(asks(30)))
    one.settle(granted(await one.admit(asks(20))), 0, 20)
    await redis.flushall()
    waiting = asyncio.ensure_future(other.admit(asks(60, 1)))

    async def wanted() -> bool:
        return "acc_a" in await board.wanted()

    await until(wanted)
    assert not waiting.done()
    await board.publish([account(100, *both)], create=True)
    assert granted(await waiting).hold_nano == 50
    one.settle(held, 0, 0)

    async def free() -> bool:
        verdict = await other.admit(asks(1_000, 1))
        if isinstance(verdict, Grant):
            other.settle(verdict, 0, 0)
            return verdict.hold_nano == 30
        return False

    await until(free)


async def test_a_worker_without_an_entry_is_refused_and_the_purse_is_wanted(
    purse_gate_of: GateOf, board: PurseBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastgw.storage.valkey.gate.REBUILD_NS", 50_000_000)
    known, stranger = await purse_gate_of(), await purse_gate_of(OTHER)
    await make(board, account(100))
    held = granted(await known.admit(asks(10)))
    denial = denied(await stranger.admit(asks(10)))
    assert (denial.reason, denial.retry_after_ms) == (Reason.REBUILDING, 1_000)
    assert await board.wanted() == {"acc_a"}
    # Nothing stops for the others while a new worker is entered.
    await board.publish([account(100, (WORKER, 0), (OTHER, 0), journals=2)], create=True)
    granted(await known.admit(asks(10)))
    assert granted(await stranger.admit(asks(100, 1))).hold_nano == 80
    known.settle(held, 0, 0)


async def test_a_silent_worker_stops_all_until_its_journal_is_finished(
    purse_gate_of: GateOf, board: PurseBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastgw.storage.valkey.gate.REBUILD_NS", 50_000_000)
    gate = await purse_gate_of()
    both = ((WORKER, 0), (OTHER, 0))
    await make(board, account(100, *both))
    assert denied(await gate.admit(asks(10))).reason is Reason.REBUILDING
    assert await board.publish([account(100, *both)], create=False) == ["acc_a"]
    assert await board.publish([account(70, version=2, journals=2)], create=False) == []
    assert granted(await gate.admit(asks(100, 1))).hold_nano == 70


async def test_a_dead_workers_hold_ends_with_its_journal(purse_gate_of: GateOf, board: PurseBoard) -> None:
    dying, alive = await purse_gate_of(), await purse_gate_of(OTHER)
    both = ((WORKER, 0), (OTHER, 0))
    await make(board, account(100, *both))
    granted(await dying.admit(asks(60)))
    granted(await alive.admit(asks(0)))
    await dying.aclose()
    assert denied(await alive.admit(asks(100))).left_nano == 40
    await board.publish([account(80, (OTHER, 0), version=2, journals=2)], create=False)
    assert denied(await alive.admit(asks(100))).left_nano == 80


async def test_a_lost_message_is_made_up_for_by_asking(
    purse_gate_of: GateOf, board: PurseBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastgw.storage.valkey.gate.POLL_S", 0.02)
    gate, deaf = await purse_gate_of(), await purse_gate_of(OTHER)
    monkeypatch.setattr(deaf._sender, "tell", lambda name, generation: None)
    await make(board, account(100, (WORKER, 0), (OTHER, 0)))
    granted(await gate.admit(asks(10)))


async def test_without_an_allowance_limited_accounts_wait_for_the_store(
    purse_gate_of: GateOf, board: PurseBoard, server: embedded.Embedded
) -> None:
    gate = await purse_gate_of()
    await make(board, account(100))
    granted(await gate.admit(asks(10)))
    server.process.kill()
    server.process.wait()

    async def away() -> bool:
        return gate._link is None

    await until(away)
    assert denied(await gate.admit(asks(10))).reason is Reason.STORE_AWAY
    assert granted(await gate.admit(asks(10, prepaid=False))).local


async def test_an_allowance_is_bounded_and_told_when_the_store_is_back(
    purse_gate_of: GateOf, board: PurseBoard
) -> None:
    gate = await purse_gate_of(allowance_nano=50)
    await make(board, account(100))
    before = granted(await gate.admit(asks(10)))
    link = gate._link
    assert link is not None
    link.abort()
    first = granted(await gate.admit(asks(30)))
    assert (first.local, first.hold_nano, first.purses) == (True, 30, ACCOUNT_PURSE)
    second = granted(await gate.admit(asks(30, 5)))
    assert second.hold_nano == 20
    assert denied(await gate.admit(asks(30, 5))).reason is Reason.STORE_AWAY
    gate.settle(first, 0, 25)
    assert granted(await gate.admit(asks(5))).local

    async def back() -> bool:
        return gate._link is not None and gate._link.waiting == 0

    await until(back)
    gate.settle(before, 0, 10)
    # 25 and 10 are spent, 20 and 5 are held.
    assert denied(await gate.admit(asks(100))).left_nano == 40
    gate.settle(second, 0, 7)
    assert denied(await gate.admit(asks(100))).left_nano == 53


async def test_what_was_held_in_an_earlier_absence_counts_in_the_next_one(
    purse_gate_of: GateOf, board: PurseBoard
) -> None:
    gate = await purse_gate_of(allowance_nano=50)
    await make(board, account(100))

    def lose() -> None:
        assert gate._link is not None
        gate._link.abort()

    async def back() -> bool:
        return gate._link is not None and gate._link.waiting == 0

    lose()
    held = granted(await gate.admit(asks(30)))
    await until(back)
    lose()
    assert granted(await gate.admit(asks(50, 5))).hold_nano == 20
    gate.settle(held, 0, 10)
    assert granted(await gate.admit(asks(50, 5))).hold_nano == 20
    assert denied(await gate.admit(asks(5))).reason is Reason.STORE_AWAY


async def test_a_restored_older_state_is_not_believed(purse_gate_of: GateOf, board: PurseBoard, redis: Redis) -> None:
    gate = await purse_gate_of()
    await make(board, account(100))
    older = await redis.get("fgw:{acc_a}:purse")
    granted(await gate.admit(asks(60)))
    assert isinstance(older, bytes)
    numbers = msgspec.msgpack.decode(older)
    numbers[3] ^= 1
    await redis.set("fgw:{acc_a}:purse", msgspec.msgpack.encode(numbers))
    waiting = asyncio.ensure_future(gate.admit(asks(100, 1)))

    async def wanted() -> bool:
        return await board.wanted() == {"acc_a"}

    await until(wanted)
    await board.publish([account(100)], create=True)
    assert granted(await waiting).hold_nano == 40


async def test_a_worker_that_was_left_out_tells_before_it_is_granted_any(
    purse_gate_of: GateOf, board: PurseBoard
) -> None:
    gate = await purse_gate_of()
    await make(board, account(100))
    granted(await gate.admit(asks(60)))
    await board.publish([account(100, (OTHER, 0), journals=2)], create=False)
    assert (await board.held(["acc_a"]))["acc_a"].held_nano == 0
    await board.publish([account(100, (WORKER, 0), journals=3)], create=False)
    assert denied(await gate.admit(asks(100))).left_nano == 40


async def test_numbers_told_for_a_record_that_was_lost_are_not_those_of_the_next(
    board: PurseBoard, redis: Redis
) -> None:
    await make(board, account(100))
    first = await redis.get("fgw:{acc_a}:purse")
    assert isinstance(first, bytes)
    await redis.flushall()
    await make(board, account(100))
    told = Known("acc_a")
    for number, generation in ((1, msgspec.msgpack.decode(first)[0]), (2, 0)):
        batch = Batch(number)
        batch.renew_purse(told, generation)
        count, *arguments = batch.arguments(WORKER, 9)
        reply = await redis.eval(SCRIPT.decode(), int(count), *arguments)
        assert batch.decode(reply)[1] > 0
        assert (await board.held(["acc_a"]))["acc_a"].silent == 1
