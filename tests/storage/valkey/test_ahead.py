"""Admissions taken ahead: fewer script calls, never one admission more, and nothing kept that is not used."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import msgspec

from fastgw.exchange import Ask, Denial, Grant, Hold, Purse, Reason
from fastgw.limits import Limits
from fastgw.storage.valkey.ahead import SLOTS, AheadGate
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.purse_board import PurseBoard

AskOf = Callable[..., Ask]
GateOf = Callable[..., Awaitable[ValkeyGate]]
PLENTY = Limits(
    requests_per_min=60, requests_burst=100_000, tokens_per_min=600, tokens_burst=100_000_000, concurrency=10_000
)
"""Fills so slowly that what is missing from a bucket can be read off it."""


async def until(condition: Callable[[], Awaitable[bool]], bound_s: float = 20.0) -> None:
    end = monotonic() + bound_s
    while not await condition():
        assert monotonic() < end, "the bound of the test was reached"
        await asyncio.sleep(0.02)


async def test_a_busy_key_asks_the_store_once_for_many(gate: ValkeyGate, ask_of: AskOf) -> None:
    ahead = AheadGate(gate)
    ask = ask_of(PLENTY, tokens=10)
    calls = gate.script_calls
    for _ in range(1_000):
        verdict = await ahead.admit(ask)
        assert isinstance(verdict, Grant)
        ahead.settle(verdict, 10)
        await asyncio.sleep(0)
    assert gate.script_calls - calls < 500


async def test_a_key_that_is_not_busy_is_decided_about_one_by_one(gate: ValkeyGate, ask_of: AskOf) -> None:
    ahead = AheadGate(gate)
    ask = ask_of(PLENTY)
    calls = gate.script_calls
    for _ in range(5):
        assert isinstance(await ahead.admit(ask), Grant)
    assert gate.script_calls - calls == 5


async def test_near_a_limit_the_last_admission_is_exact(gate_of: GateOf, ask_of: AskOf) -> None:
    gates = [AheadGate(await gate_of()) for _ in range(4)]
    limits = msgspec.structs.replace(PLENTY, requests_per_min=1, requests_burst=6_000, tokens_per_min=0, concurrency=0)
    ask = ask_of(limits)
    granted = 0

    async def drain(gate: AheadGate) -> None:
        nonlocal granted
        while isinstance(verdict := await gate.admit(ask), Grant):
            granted += 1
            gate.settle(verdict, 0)

    await asyncio.gather(*[drain(gate) for gate in gates for _ in range(8)])
    # Slots whose gate was denied meanwhile may be left over, never more than what was ahead in each worker.
    assert 6_000 - len(gates) * 2 * SLOTS <= granted <= 6_000


async def test_what_is_left_over_goes_back(gate: ValkeyGate, ask_of: AskOf) -> None:
    ahead = AheadGate(gate)
    ask = ask_of(PLENTY, tokens=100)
    for _ in range(200):
        verdict = await ahead.admit(ask)
        assert isinstance(verdict, Grant)
        ahead.settle(verdict, 100)
        await asyncio.sleep(0)

    async def settled() -> bool:
        # A fresh ask sees the store's own numbers: 200 times 100 tokens are used, and nothing else is missing.
        seen = await gate.admit(ask)
        assert isinstance(seen, Grant)
        gate.settle(seen, 0)
        missing = 100_000_000 - seen.status.remaining_tokens
        return 200 * 100 - 1_000 <= missing <= 200 * 100 + 200

    await until(settled)


async def test_leases_taken_ahead_are_given_back(gate_of: GateOf, ask_of: AskOf) -> None:
    one, other = AheadGate(await gate_of()), await gate_of()
    limits = Limits(concurrency=SLOTS * 40)
    ask = ask_of(limits)
    held = []
    for _ in range(100):
        verdict = await one.admit(ask)
        assert isinstance(verdict, Grant)
        held.append(verdict)
        await asyncio.sleep(0)
    for verdict in held:
        one.settle(verdict, 0)

    async def all_free() -> bool:
        taken = await asyncio.gather(*[other.admit(ask) for _ in range(SLOTS * 40)])
        for verdict in taken:
            if isinstance(verdict, Grant):
                other.settle(verdict, 0)
        return all(isinstance(verdict, Grant) for verdict in taken)

    await until(all_free)


async def test_slots_of_an_old_key_record_are_not_handed_out(gate: ValkeyGate, ask_of: AskOf) -> None:
    ahead = AheadGate(gate)
    old = ask_of(PLENTY)
    for _ in range(100):
        await ahead.admit(old)
        await asyncio.sleep(0)
    # As read from the store: every value of the new record is a new object.
    changed = msgspec.structs.replace(
        old.principal, epoch=old.principal.epoch + 1, limits=msgspec.structs.replace(PLENTY)
    )
    new = msgspec.structs.replace(old, principal=changed)
    assert isinstance(await ahead.admit(new), Grant)
    verdict = await ahead.admit(old)
    assert isinstance(verdict, Denial)
    assert verdict.reason is Reason.STALE_KEY


async def test_money_is_never_taken_ahead(purse_gate_of: GateOf, board: PurseBoard, ask_of: AskOf) -> None:
    gate = await purse_gate_of()
    ahead = AheadGate(gate)
    for _ in range(2):
        await board.publish([Purse("acc_a", 1, 1, ((101, 0),), balance_nano=1_000)], create=True)
    plain = ask_of(PLENTY)
    payer = msgspec.structs.replace(plain.principal, account_id="acc_a", prepaid=True)
    paid = msgspec.structs.replace(plain, principal=payer, hold=Hold(5, 5))
    for _ in range(100):
        verdict = await ahead.admit(paid)
        assert isinstance(verdict, Grant)
        assert verdict.hold_nano == 5
        ahead.settle(verdict, 0, 3)
    free = await ahead.admit(msgspec.structs.replace(paid, hold=Hold(10_000, 1)))
    assert isinstance(free, Grant)
    assert free.hold_nano == 700
    await gate.aclose()
