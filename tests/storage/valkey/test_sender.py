"""Whole numbers travel alone, and doubts are put right."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import hiredis
import pytest

from fastgw.exchange import Ask, Denial, Grant, Hold, Principal, Purse, Reason
from fastgw.limits import Limits
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.purse_board import PurseBoard

GateOf = Callable[..., Awaitable[ValkeyGate]]
WORKER, OTHER = 101, 103
PRINCIPAL = Principal(key_id="k", digest="", epoch=1, name="", limits=Limits(), account_id="acc_a", prepaid=True)


def ask(want: int) -> Ask:
    return Ask("x", PRINCIPAL, "", Limits(), 0, 1, Hold(want, want))


async def until(condition: Callable[[], Awaitable[bool]], bound_s: float = 20.0) -> None:
    end = monotonic() + bound_s
    while not await condition():
        assert monotonic() < end, "the bound of the test was reached"
        await asyncio.sleep(0.01)


async def make(board: PurseBoard, balance: int) -> None:
    for _ in range(2):
        await board.publish([Purse("acc_a", 1, 1, ((WORKER, 0), (OTHER, 0)), balance_nano=balance)], create=True)


async def test_nothing_is_sent_beside_a_whole_number(
    purse_gate_of: GateOf, board: PurseBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, _ = await purse_gate_of(), await purse_gate_of(OTHER)
    await make(board, 1_000_000)
    assert isinstance(await gate.admit(ask(1)), Grant)
    courier, beside = gate._sender.courier, []
    call = courier.call

    def watched(link: Any, arguments: tuple[bytes, ...], decided: Any) -> None:
        if gate._sender._renewing:
            beside.append(link.waiting)
        call(link, arguments, decided)

    monkeypatch.setattr(courier, "call", watched)
    held = 1
    for turn in range(200):
        asking = [asyncio.ensure_future(gate.admit(ask(1))) for _ in range(turn % 5)]
        gate._sender.renew_due = True
        gate._sender.flush()
        asking += [asyncio.ensure_future(gate.admit(ask(1))) for _ in range(turn % 3)]
        await asyncio.sleep(0)
        held += sum(isinstance(verdict, Grant) for verdict in await asyncio.gather(*asking))
    assert len(beside) >= 100
    assert set(beside) == {0}
    assert (await board.held(["acc_a"]))["acc_a"].held_nano == held


async def test_a_refused_batch_leaves_no_doubt_for_long(
    purse_gate_of: GateOf, board: PurseBoard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("fastgw.storage.valkey.sender.DOUBT_S", 0.05)
    gate, _ = await purse_gate_of(), await purse_gate_of(OTHER)
    await make(board, 100)
    grant = await gate.admit(ask(40))
    assert isinstance(grant, Grant)
    courier = gate._sender.courier
    call = courier.call

    def refused(link: Any, arguments: tuple[bytes, ...], decided: Any) -> None:
        # Carried out or not: nobody says.
        call(link, arguments, lambda reply: decided(hiredis.ReplyError("ERR broken")))

    monkeypatch.setattr(courier, "call", refused)
    verdict = await gate.admit(ask(50))
    assert isinstance(verdict, Denial)
    assert verdict.reason is Reason.STORE_AWAY
    gate.settle(grant, 0, 15)
    assert "refused a batch" in caplog.text
    monkeypatch.setattr(courier, "call", call)

    async def right() -> bool:
        standing = (await board.held(["acc_a"]))["acc_a"]
        return (standing.held_nano, standing.undrained_nano) == (0, 15)

    await until(right)


async def test_the_heartbeat_tells_what_is_held(
    purse_gate_of: GateOf, board: PurseBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastgw.storage.valkey.gate.HEARTBEAT_S", 0.05)
    gate, _ = await purse_gate_of(), await purse_gate_of(OTHER)
    await make(board, 100)
    assert isinstance(await gate.admit(ask(40)), Grant)
    calls = gate.script_calls

    async def beaten() -> bool:
        return gate.script_calls > calls + 2

    await until(beaten)
    assert (await board.held(["acc_a"]))["acc_a"].held_nano == 40


async def test_what_was_told_of_a_purse_without_use_is_never_told_again(
    purse_gate_of: GateOf, board: PurseBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastgw.storage.valkey.sender.DOUBT_S", 0.3)
    gate, _ = await purse_gate_of(), await purse_gate_of(OTHER)
    courier, told = gate._sender.courier, []
    call = courier.call

    def unanswered(link: Any, arguments: tuple[bytes, ...], decided: Any) -> None:
        told.append(arguments)
        call(link, arguments, lambda reply: decided(hiredis.ReplyError("ERR broken")))

    monkeypatch.setattr(courier, "call", unanswered)
    await make(board, 100)

    async def heard() -> bool:
        return bool(told)

    await until(heard)
    monkeypatch.setattr(courier, "call", call)
    assert isinstance(await gate.admit(ask(40)), Grant)
    await asyncio.sleep(0.6)
    assert (await board.held(["acc_a"]))["acc_a"].held_nano == 40
