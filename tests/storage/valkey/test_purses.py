"""Money at the gate on a real server: holds, denials, settlements, and purses that are lost and made anew."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic

import msgspec
import pytest
from redis.asyncio import Redis

from fastgw.exchange import ACCOUNT_PURSE, Ask, Denial, Grant, Hold, Principal, Purse, Quotas, Reason
from fastgw.limits import Limits
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.purse_board import PurseBoard

WORKER, OTHER = 101, 103
NOW_S = 1_800_000_000


def asks(want: int, least: int | None = None, *, prepaid: bool = True, quotas: Quotas | None = None) -> Ask:
    principal = Principal(
        key_id="key_a", digest="", epoch=1, name="", limits=Limits(), account_id="acc_a", prepaid=prepaid, quotas=quotas
    )
    return Ask("x", principal, "", Limits(), 0, 1, Hold(want, want if least is None else least))


def account(balance: int, *drained: tuple[int, int], version: int = 1, journals: int = 1) -> Purse:
    return Purse("acc_a", version, journals, drained or ((WORKER, 0),), balance_nano=balance)


def key(spent: int, *drained: tuple[int, int], version: int = 1, **more: object) -> Purse:
    return msgspec.convert(
        {"name": "key_a", "version": version, "journals_version": 1, "drained": drained or ((WORKER, 0),)}
        | {"spent_nano": spent}
        | more,
        Purse,
    )


def granted(verdict: Grant | Denial) -> Grant:
    assert isinstance(verdict, Grant), verdict
    return verdict


def denied(verdict: Grant | Denial) -> Denial:
    assert isinstance(verdict, Denial), verdict
    return verdict


async def until(condition: Callable[[], Awaitable[bool]], bound_s: float = 20.0) -> None:
    end = monotonic() + bound_s
    while not await condition():
        assert monotonic() < end, "the bound of the test was reached"
        await asyncio.sleep(0.01)


@pytest.fixture
async def board(server: embedded.Embedded) -> AsyncIterator[PurseBoard]:
    made = PurseBoard(server.url)
    yield made
    await made.aclose()


GateOf = Callable[..., Awaitable[ValkeyGate]]


@pytest.fixture
async def gate_of(server: embedded.Embedded) -> AsyncIterator[GateOf]:
    opened: list[ValkeyGate] = []

    async def build(worker: int = WORKER, **more: int) -> ValkeyGate:
        gate = ValkeyGate(server.url, **({"deadline_ns": 10_000_000_000} | more))
        opened.append(gate)
        await gate.start(worker)
        return gate

    yield build
    for gate in opened:
        await gate.aclose()


async def make(board: PurseBoard, *purses: Purse) -> None:
    """As the keeper does it: keep a place, then publish what was read after that."""
    await board.publish(purses, create=True)
    await board.publish(purses, create=True)


async def test_a_hold_is_taken_from_the_balance_and_the_charge_stays(gate_of: GateOf, board: PurseBoard) -> None:
    gate = await gate_of()
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


async def test_a_lost_record_is_rebuilt_from_the_ledger_and_the_workers(
    gate_of: GateOf, board: PurseBoard, redis: Redis
) -> None:
    one, other = await gate_of(), await gate_of(OTHER)
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
