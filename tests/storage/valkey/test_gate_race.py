"""Several worker processes at one store: together they never get more than a limit allows."""

import subprocess
import sys

from fastgw.storage.valkey import embedded

RACER = """
import asyncio, sys, uvloop
from fastgw.exchange import Ask, Grant, Principal
from fastgw.limits import Limits
from fastgw.storage.valkey.gate import ValkeyGate
async def main():
    gate = ValkeyGate(sys.argv[1], deadline_ns=10**11)
    await gate.start()
    key = Limits(requests_per_min=1, requests_burst=200, tokens_per_min=1, tokens_burst=10**6, concurrency=150)
    ask = Ask("x", Principal(key_id="key_race", digest="", epoch=1, name="", limits=key), "", Limits(), 1)
    sys.stdin.readline()
    won = 0
    for _ in range(20):
        verdicts = await asyncio.gather(*[gate.admit(ask) for _ in range(10)])
        for verdict in verdicts:
            if isinstance(verdict, Grant):
                assert not verdict.local
                won += 1
                if won % 2:
                    gate.settle(verdict, 1)
    print(won)
uvloop.run(main())
"""


def test_four_racing_processes_never_exceed_the_burst(server: embedded.Embedded) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [int(racer.communicate(timeout=100)[0]) for racer in racers]
    # Half of all grants keep their lease, so that concurrency (150) never stops what the burst (200) allows.
    assert sum(won) == 200
