"""Money at the gate on a real server: holds, charges, quotas, and the edges of numbers."""

import asyncio

import msgspec
import pytest
from redis.asyncio import Redis

from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE, Denial, Grant, Purse, Quotas, Reason
from fastgw.limits import Limits
from fastgw.money.amounts import AMOUNT_MAX
from fastgw.storage.valkey.purse_board import PurseBoard
from tests.storage.valkey.money import (
    NOW_S,
    OTHER,
    WORKER,
    GateOf,
    account,
    asks,
    denied,
    granted,
    key,
    make,
    until,
)


async def test_a_hold_is_taken_from_the_balance_and_the_charge_stays(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, account(100))
    first = granted(await gate.admit(asks(60)))
    assert (first.hold_nano, first.purses) == (60, ACCOUNT_PURSE)
    denial = denied(await gate.admit(asks(60)))
    assert (denial.reason, denial.left_nano, denial.retry_after_ms) == (Reason.BALANCE, 40, 0)
    assert granted(await gate.admit(asks(60, 10))).hold_nano == 40
    gate.settle(first, 0, 15)
    assert granted(await gate.admit(asks(45))).hold_nano == 45
    assert denied(await gate.admit(asks(1))).left_nano == 0
    assert (await board.held(["acc_a", "acc_none"]))["acc_a"].held_nano == 85


async def test_a_charge_beyond_its_hold_is_spent_all_the_same(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, account(100))
    gate.settle(granted(await gate.admit(asks(40))), 0, 130)
    denial = denied(await gate.admit(asks(1)))
    assert (denial.reason, denial.left_nano) == (Reason.BALANCE, 0)
    assert (await board.held(["acc_a"]))["acc_a"].undrained_nano == 130
    await board.publish([account(200 - 130, (WORKER, 130), version=2)], create=False)
    assert granted(await gate.admit(asks(100, 1))).hold_nano == 70


async def test_what_is_drained_counts_once(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, account(100))
    gate.settle(granted(await gate.admit(asks(40))), 0, 40)
    assert denied(await gate.admit(asks(100))).left_nano == 60
    await board.publish([account(60, (WORKER, 40), version=2)], create=False)
    assert denied(await gate.admit(asks(100))).left_nano == 60


@pytest.mark.parametrize(
    ("quotas", "reason", "left"),
    [
        (Quotas(total_nano=1_000), Reason.QUOTA_TOTAL, 300),
        (Quotas(total_nano=10_000, h5_nano=60), Reason.QUOTA_5H, 50),
        (Quotas(d1_nano=45, h5_nano=60), Reason.QUOTA_1D, 35),
        (Quotas(d7_nano=150, d1_nano=130), Reason.QUOTA_7D, 40),
        (Quotas(month_nano=200, d7_nano=400), Reason.QUOTA_MONTH, 1),
        (Quotas(total_nano=700, month_nano=10), Reason.QUOTA_MONTH, 0),
    ],
)
async def test_each_quota_denies_by_its_own_name(
    purse_gate_of: GateOf, board: PurseBoard, quotas: Quotas, reason: Reason, left: int
) -> None:
    gate = await purse_gate_of()
    soon, past = NOW_S * 2, 1_000
    windows = (((past, 500), (soon, 10)), ((past, 7), (soon, 10)), ((past, 1), (soon, 10), (soon + 5, 100)))
    purse = key(700, month_until_s=soon, month_nano=199, leaving=windows)
    await make(board, purse, account(10**6))
    denial = denied(await gate.admit(asks(500, quotas=quotas)))
    assert (denial.reason, denial.left_nano) == (reason, left)
    if left:
        grant = granted(await gate.admit(asks(500, left, quotas=quotas)))
        assert (grant.hold_nano, grant.purses) == (left, ACCOUNT_PURSE | KEY_PURSE)
        standing = await board.held(["acc_a", "key_a"])
        assert (standing["acc_a"].held_nano, standing["key_a"].held_nano) == (left, left)


async def test_a_month_that_is_over_counts_no_more(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, key(700, month_until_s=1_000, month_nano=199))
    ask = asks(200, prepaid=False, quotas=Quotas(month_nano=200))
    assert granted(await gate.admit(ask)).purses == KEY_PURSE


async def test_amounts_leave_their_window_when_their_time_comes(
    purse_gate_of: GateOf, board: PurseBoard, redis: Redis
) -> None:
    gate = await purse_gate_of()
    now_s, _ = await redis.time()
    await make(board, key(90, leaving=(((now_s + 2, 60), (now_s + 60, 30)), (), ())))
    ask = asks(50, prepaid=False, quotas=Quotas(h5_nano=100))
    assert denied(await gate.admit(ask)).left_nano == 10

    async def left() -> bool:
        return isinstance(await gate.admit(ask), Grant)

    await until(left)
    # 30 of before and the 50 that are held.
    assert denied(await gate.admit(ask)).left_nano == 20


async def test_a_denial_by_one_purse_debits_nothing_of_the_other(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, account(100), key(0))
    assert denied(await gate.admit(asks(60, quotas=Quotas(total_nano=50)))).reason is Reason.QUOTA_TOTAL
    assert denied(await gate.admit(asks(160, quotas=Quotas(total_nano=500)))).reason is Reason.BALANCE
    standing = await board.held(["acc_a", "key_a"])
    assert {name: one.held_nano for name, one in standing.items()} == {"acc_a": 0, "key_a": 0}


async def test_money_and_rates_are_denied_together(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, account(100))
    slow = asks(60)
    limited = Limits(requests_per_min=1, requests_burst=2, concurrency=2)
    slow = msgspec.structs.replace(slow, principal=msgspec.structs.replace(slow.principal, limits=limited))
    held = granted(await gate.admit(slow))
    for _ in range(3):
        assert denied(await gate.admit(slow)).reason is Reason.BALANCE
    gate.settle(held, 0, 0)
    granted(await gate.admit(slow))
    assert denied(await gate.admit(slow)).reason is Reason.KEY_REQUESTS
    assert (await board.held(["acc_a"]))["acc_a"].held_nano == 60


async def test_the_last_nano_below_two_to_the_53rd(purse_gate_of: GateOf, board: PurseBoard) -> None:
    one, other = await purse_gate_of(), await purse_gate_of(OTHER)
    both = ((WORKER, 0), (OTHER, 0))
    await make(board, account(2**60, *both), key(0, *both))
    quotas = Quotas(total_nano=2**60)
    held = granted(await one.admit(asks(AMOUNT_MAX - 1, quotas=quotas)))
    assert held.hold_nano == AMOUNT_MAX - 1
    assert denied(await other.admit(asks(2, quotas=quotas))).left_nano == 1
    last = granted(await other.admit(asks(2**60, 1, quotas=quotas)))
    assert last.hold_nano == 1
    assert denied(await one.admit(asks(1, quotas=quotas))).left_nano == 0
    one.settle(held, 0, AMOUNT_MAX - 2)
    assert denied(await one.admit(asks(2, quotas=quotas))).left_nano == 1
    one.settle(granted(await one.admit(asks(1, quotas=quotas))), 0, 2**60)
    assert denied(await one.admit(asks(0))).reason is Reason.STORE_AWAY


async def test_a_hold_beyond_all_numbers_is_refused(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, account(AMOUNT_MAX))
    assert denied(await gate.admit(asks(2**70))).left_nano == AMOUNT_MAX
    assert granted(await gate.admit(asks(2**70, 1))).hold_nano == AMOUNT_MAX


async def test_nothing_is_free_for_who_owes(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, account(0))
    gate.settle(granted(await gate.admit(asks(0))), 0, 0)
    await board.publish([account(-1, version=2)], create=False)
    assert denied(await gate.admit(asks(0))).left_nano == 0


async def test_a_cancelled_caller_leaves_no_hold(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, account(100))
    granted(await gate.admit(asks(0)))
    task = asyncio.ensure_future(gate.admit(asks(100)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def free() -> bool:
        verdict = await gate.admit(asks(100))
        return isinstance(verdict, Grant)

    await until(free)


async def test_quotas_of_a_newer_key_record_count(purse_gate_of: GateOf, board: PurseBoard) -> None:
    gate = await purse_gate_of()
    await make(board, key(0))
    old = asks(50, prepaid=False, quotas=Quotas(total_nano=100))
    granted(await gate.admit(old))
    changed = msgspec.structs.replace(old.principal, epoch=2, limits=Limits(), quotas=Quotas(total_nano=70))
    assert denied(await gate.admit(msgspec.structs.replace(old, principal=changed))).left_nano == 20
    assert denied(await gate.admit(old)).reason is Reason.STALE_KEY


async def test_an_unlimited_account_has_no_purse(purse_gate_of: GateOf, redis: Redis) -> None:
    gate = await purse_gate_of()
    grant = granted(await gate.admit(asks(50, prepaid=False)))
    assert (grant.hold_nano, grant.purses) == (0, 0)
    gate.settle(grant, 0, 40)
    assert await redis.keys("*purse*") == []


async def test_more_purses_than_a_worker_remembers(
    purse_gate_of: GateOf, board: PurseBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastgw.storage.valkey.purses.PURSES_MAX", 2)
    gate = await purse_gate_of()
    names = ("acc_1", "acc_2", "acc_3")
    await make(board, *[Purse(name, 1, 1, ((WORKER, 0),), balance_nano=100) for name in names])

    async def spend(name: str, charge: int) -> Grant | Denial:
        ask = asks(10)
        ask = msgspec.structs.replace(ask, principal=msgspec.structs.replace(ask.principal, account_id=name))
        verdict = await gate.admit(ask)
        if isinstance(verdict, Grant):
            gate.settle(verdict, 0, charge)
            await asyncio.sleep(0.02)
        return verdict

    granted(await spend("acc_1", 1))
    granted(await spend("acc_2", 0))
    granted(await spend("acc_3", 1))
    # The second has spent nothing and made room for the third; the first and third are never forgotten.
    assert denied(await spend("acc_2", 0)).reason is Reason.STORE_AWAY
    granted(await spend("acc_1", 1))
