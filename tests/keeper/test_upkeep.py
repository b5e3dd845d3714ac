"""Rounds of the keeper: lost machines are given up, a wrong ledger is told, and a failing database ends nothing."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from fastgw.keeper import upkeep
from fastgw.keeper.upkeep import Upkeep

PATIENCE_S = 20


class Found(msgspec.Struct, frozen=True):
    """A finding."""

    name: str
    ok: bool
    detail: str = ""


def test_only_what_is_wrong_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    found = [Found("sides", ok=True, detail="fine"), Found("balances", ok=False, detail="acct_1 has 5 too many")]
    Upkeep(list, lambda: found).check()
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "balances: acct_1 has 5 too many" in record.message


def test_journals_that_were_given_up_are_told(caplog: pytest.LogCaptureFixture) -> None:
    Upkeep(list, list).forget()
    assert not caplog.records
    Upkeep(lambda: ["worker-7-1"], list).forget()
    assert "worker-7-1" in caplog.text


async def test_rounds_go_on_when_one_fails(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(upkeep, "ROUND_S", 0.01)
    monkeypatch.setattr(upkeep, "CHECK_ROUNDS", 3)
    calls: list[str] = []

    def forget() -> Sequence[str]:
        calls.append("forget")
        if len(calls) < 3:
            raise OSError("away")
        return []

    def check() -> Sequence[Found]:
        calls.append("check")
        return []

    stop = asyncio.Event()
    running = asyncio.create_task(Upkeep(forget, check).run(stop))
    async with asyncio.timeout(PATIENCE_S):
        while calls.count("check") < 3:
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, PATIENCE_S)
    assert calls[:5] == ["forget", "check", "forget", "forget", "forget"]
    assert "will try again" in caplog.text
