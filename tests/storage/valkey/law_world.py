"""Workers and a ledger as plain as they can be, for the laws of money at the gate."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine
from redis import Redis as SyncRedis

from fastgw.exchange import Ask, Denial, Grant, Hold, Principal, Purse
from fastgw.limits import Limits
from fastgw.observe.tasks import end
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.purse_board import PurseBoard

T = TypeVar("T")


class Worker:
    """A worker process: its gate, what runs in it, and the charges in its journal that are not drained yet."""

    def __init__(self, number: int, url: str) -> None:
        self.number = number
        self.gate = ValkeyGate(url, deadline_ns=10**11)
        self.running: list[Grant] = []
        self.journal: list[int] = []
        self.alive = True
        self.deaf = False

    def hear(self, hears: bool) -> None:
        sender = self.gate._sender
        self.deaf = not hears
        if hears:
            vars(sender).pop("tell", None)
            vars(sender).pop("poll", None)
        else:
            sender.tell = lambda name, generation: None  # type: ignore[method-assign]
            sender.poll = lambda: None  # type: ignore[method-assign]

    async def told(self) -> None:
        """Until everything that it has to say has been said."""
        sender = self.gate._sender
        self.gate._flush_settlements()
        while (link := sender.courier.link) is None or link.waiting or sender.renew_due or sender._queued:
            await asyncio.sleep(0.001)
            sender.flush()

    async def crash(self) -> None:
        self.alive = False
        self.gate._sender.closed = True
        await end(self.gate._tasks)
        self.gate._sender.courier.close()


class Ledger:
    """What SQL knows."""

    def __init__(self, credit: int) -> None:
        self.balance = credit
        self.spent = 0
        self.version = self.journals = 1
        self.drained: dict[int, int] = {}

    def read(self) -> list[Purse]:
        drained = tuple(self.drained.items())
        return [
            Purse("acc_law", self.version, self.journals, drained, balance_nano=self.balance),
            Purse("key_law", self.version, self.journals, drained, spent_nano=self.spent),
        ]

    def charge(self, worker: int, amount: int) -> None:
        self.balance -= amount
        self.spent += amount
        self.drained[worker] += amount
        self.version += 1


class World(RuleBasedStateMachine):
    """What is true, whoever knows of it."""

    place: Path
    server: embedded.Embedded
    ledger: Ledger
    principal: Principal
    credit: int
    charged: int

    def __init__(self) -> None:
        super().__init__()
        with SyncRedis.from_url(self.server.url) as redis:
            redis.flushall()
        self.loop = asyncio.new_event_loop()
        self.board = self.run(self.make_board())
        self.workers: list[Worker] = []
        self.mail: list[list[Purse]] = []
        self.restarts = self.losses = self.numbers = 0

    async def make_board(self) -> PurseBoard:
        return PurseBoard(self.server.url)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, 60))

    def left(self) -> int:
        held = sum(grant.hold_nano for worker in self.workers for grant in worker.running)
        quota = self.principal.quotas
        assert quota is not None
        room = self.credit - self.charged - held
        return min(room, quota.total_nano - self.charged - held) if quota.total_nano else room

    def ask(self, want: int, least: int) -> Ask:
        return Ask("x", self.principal, "", Limits(), 0, 1, Hold(want, min(want, least)))

    def took(self, worker: Worker, verdict: Grant | Denial) -> None:
        if isinstance(verdict, Grant):
            assert verdict.hold_nano <= max(self.left(), 0), (verdict.hold_nano, self.left())
            assert not verdict.local
            worker.running.append(verdict)
        else:
            assert verdict.left_nano <= max(self.left(), 0)

    def silent(self) -> bool:
        """Whether a dead or deaf worker keeps the purses from being made anew."""
        return any(not worker.alive or worker.deaf for worker in self.workers)

    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.alive]
