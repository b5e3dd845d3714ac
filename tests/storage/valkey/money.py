"""Purses and asks that tests of the gate's money have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import msgspec

from fastgw.exchange import Ask, Denial, Grant, Hold, Principal, Purse, Quotas
from fastgw.limits import Limits
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.purse_board import PurseBoard

WORKER, OTHER = 101, 103
NOW_S = 1_800_000_000
GateOf = Callable[..., Awaitable[ValkeyGate]]


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


async def make(board: PurseBoard, *purses: Purse) -> None:
    """As the keeper does it: keep a place, then publish what was read after that."""
    await board.publish(purses, create=True)
    await board.publish(purses, create=True)
