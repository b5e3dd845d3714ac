"""A thousand asks of four processes at one balance and one quota: what is held together is the smaller, to the nano."""

import asyncio
import subprocess
import sys
from time import monotonic

import pytest

from fastgw.exchange import Purse
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.purse_board import PurseBoard

RACER = """
import asyncio, sys, uvloop
from fastgw.exchange import Ask, Grant, Hold, Principal, Quotas, Reason
from fastgw.limits import Limits
from fastgw.storage.valkey.gate import ValkeyGate
async def main():
    url, worker, want, least, quota = sys.argv[1], *map(int, sys.argv[2:])
    gate = ValkeyGate(url, worker=worker, deadline_ns=10**11)
    await gate.start()
    principal = Principal(key_id="key_race", digest="", epoch=1, name="", limits=Limits(), account_id="acc_race",
                          prepaid=True, quotas=Quotas(total_nano=quota) if quota else None)
    ask = Ask("x", principal, "", Limits(), 1, 1, Hold(want, least))
    await asyncio.to_thread(sys.stdin.readline)
    held = charged = 0
    for _ in range(10):
        for verdict in await asyncio.gather(*[gate.admit(ask) for _ in range(25)]):
            if not isinstance(verdict, Grant):
                assert verdict.reason in (Reason.BALANCE, Reason.QUOTA_TOTAL), verdict
            elif verdict.hold_nano % 3:
                held += verdict.hold_nano
            else:
                # Some end at once, at half their price: others may then hold what comes back.
                gate.settle(verdict, 1, verdict.hold_nano // 2)
                charged += verdict.hold_nano // 2
    print(held, charged)
    await gate.aclose()
uvloop.run(main())
"""
WORKERS = (11, 13, 15, 17)


@pytest.mark.parametrize(
    ("balance", "quota", "want", "least"),
    [(1_000_000, 0, 10_000, 10_000), (999_999_999, 700_001, 10_001, 1)],
)
async def test_a_thousand_racing_asks_hold_no_more_than_there_is(
    server: embedded.Embedded, balance: int, quota: int, want: int, least: int
) -> None:
    board = PurseBoard(server.url)
    drained = tuple((worker, 0) for worker in WORKERS)
    purses = [Purse("acc_race", 1, 1, drained, balance_nano=balance), Purse("key_race", 1, 1, drained)]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, server.url, *map(str, (worker, want, least, quota))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in WORKERS
    ]
    end = monotonic() + 60
    while await board.publish(purses, create=True):
        assert monotonic() < end
        await asyncio.sleep(0.05)
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=100)[0].split() for racer in racers]
    taken = sum(int(held) + int(charged) for held, charged in told)
    most = min(balance, quota or balance)
    assert taken <= most
    # With a least that divides what is there, nothing is left over, wherever the race went.
    assert most - taken < least and (most % least or taken == most)
    standing = (await board.held(["acc_race"]))["acc_race"]
    assert standing.held_nano + standing.undrained_nano == taken
    await board.aclose()
