"""The gate of admission in Valkey or Redis: implements `fastgw.dataplane.admission.gate.Gate`.

Admissions and settlements that arrive in one tick of the event loop go out as one script call. A worker keeps count of
what runs in it; the script is told differences, and a heartbeat tells it the whole number, so that what a lost answer
left unclear is put right within ten seconds. While the store is away the worker's own buckets decide, each worker
with the full limits, for at most a minute; money is then refused, or held from a bounded allowance.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine
from time import monotonic_ns
from typing import Any

from fastgw.errors import StartupError
from fastgw.exchange import Ask, Denial, Grant, Reason
from fastgw.observe.tasks import end, spawn
from fastgw.storage.valkey.keys import listen
from fastgw.storage.valkey.link import Link, Place
from fastgw.storage.valkey.purses import NEWS, Paying, Purses, pays
from fastgw.storage.valkey.sender import AWAY, Sender
from fastgw.storage.valkey.subjects import Subject

HEARTBEAT_S = 10.0
POLL_S = 1.0
"""How often it asks which purses wait for its numbers, and connects for messages again: one may be lost."""
SETTLE_DELAY_S = 0.003
"""How long a settlement waits for a batch to ride with."""
SETTLE_DELAY_ROOMY_S = 0.05
"""The same where limits are so large that nobody waits for what is given back."""
DEADLINE_NS = 250_000_000
"""How long an answer of the store may take before the connection is given up and the worker decides by itself."""
LOCAL_NS = 60_000_000_000
"""How long a worker decides by itself before it answers that the store is away."""
REBUILD_NS = 2_000_000_000
"""How long an ask waits for a purse that is being rebuilt."""
REBUILD_RETRY_S_MIN, REBUILD_RETRY_S_MAX = 0.005, 0.25
"""After these it asks again even if no message says that the purse is there."""
WAITING_MAX = 10_000
"""Asks that wait so; others are told at once that it is being rebuilt."""


class ValkeyGate:
    """Decides about limits and money for one worker process; every method belongs to one event loop.

    `worker` is the number by which the keeper knows this worker (`exchange.worker_number`); with another one nobody
    with a purse is admitted. `allowance_nano` is what each purse may hold and spend during one absence of the store.
    """

    def __init__(
        self,
        url: str,
        *,
        worker: int = 0,
        allowance_nano: int = 0,
        deadline_ns: int = DEADLINE_NS,
        local_ns: int = LOCAL_NS,
    ) -> None:
        self._url = url
        self._deadline_ns = deadline_ns
        self._purses = Purses(allowance_nano)
        number = worker or secrets.randbits(48) | 1
        self._sender = Sender(Place.of(url), number, self._purses, self._give_back, (deadline_ns, local_ns))
        self._settle_due = self._settle_later = False
        self._waiting = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def script_calls(self) -> int:
        """Script calls since the start."""
        return self._sender.courier.calls

    @property
    def _link(self) -> Link | None:
        return self._sender.courier.link

    async def start(self, worker: int = 0) -> None:
        """Connect, as this worker if a number is given; raises `StartupError`."""
        self._sender.worker = worker or self._sender.worker
        self._loop = asyncio.get_running_loop()
        try:
            await self._sender.start()
        except OSError as error:
            raise StartupError(f"The store of limits (Valkey or Redis) cannot be reached: {error}") from error
        self._tasks = [
            spawn(self._beat(), name="gate heartbeat"),
            spawn(self._poll(), name="purses to tell"),
            spawn(self._listen(), name="news of purses"),
        ]

    def admit(self, ask: Ask) -> Coroutine[Any, Any, Grant | Denial]:
        """Decide about `ask`, together with all others of this tick."""
        # Those of whom no money is asked do not pay for another coroutine.
        if ask.hold is not None and pays(ask.principal):
            return self._admit_paying(ask)
        return self._sender.decide(ask, None)

    def settle(self, grant: Grant, tokens_used: int, charge_nano: int = 0) -> None:
        """Give back the leases, correct the token buckets, turn the hold into the charge; goes with the next batch."""
        ask, sender = grant.ask, self._sender
        key = sender.subjects.key(ask)
        self._settle(key, key.settle(ask.tokens, tokens_used), ask.requests, grant.local)
        address = sender.subjects.address(ask)
        if address is not None:
            self._settle(address, address.settle(ask.tokens, tokens_used), ask.requests, grant.local)
        purses, connected = self._purses, sender.courier.link is not None
        if grant.purses:
            purses.settle(grant, charge_nano, connected=connected)
        if self._settle_due or not (sender.dirty or purses.dirty) or not connected:
            return
        if purses.dirty or not (key.roomy and (address is None or address.roomy)):
            self._settle_due = True
            self._loop.call_later(SETTLE_DELAY_S, self._flush_settlements)
        elif not self._settle_later:
            self._settle_later = True
            self._loop.call_later(SETTLE_DELAY_ROOMY_S, self._flush_settlements)

    async def aclose(self) -> None:
        """Send what is queued, give leases back (at most for the deadline), disconnect.

        Holds are not given back: what was not settled is an orphan, which the keeper settles from the journal.
        """
        sender, courier = self._sender, self._sender.courier
        sender.closed = True
        await end(self._tasks)
        for subject in sender.subjects.all():
            subject.unsure = subject.unsure or subject.running > 0
            subject.running = 0
        sender.renew_due = True
        sender.flush()
        until_ns = monotonic_ns() + self._deadline_ns
        while courier.link is not None and (courier.link.waiting or sender.renew_due) and monotonic_ns() < until_ns:  # noqa: ASYNC110
            await asyncio.sleep(0.001)  # once, at the very end: an event would cost every batch
        courier.close()

    async def _admit_paying(self, ask: Ask) -> Grant | Denial:
        paying = self._purses.of(ask)
        if paying is None:
            return AWAY
        self._purses.asked(paying, 1)
        try:
            verdict = await self._sender.decide(ask, paying)
            if isinstance(verdict, Denial) and verdict.reason is Reason.REBUILDING:
                return await self._wait_for(ask, paying, verdict)
            return verdict
        finally:
            self._purses.asked(paying, -1)

    async def _wait_for(self, ask: Ask, paying: Paying, verdict: Grant | Denial) -> Grant | Denial:
        until_ns, pause_s = monotonic_ns() + REBUILD_NS, REBUILD_RETRY_S_MIN
        while isinstance(verdict, Denial) and verdict.reason is Reason.REBUILDING:
            left_s = (until_ns - monotonic_ns()) / 1e9
            if left_s <= 0 or self._sender.closed or self._waiting >= WAITING_MAX:
                break
            self._waiting += 1
            try:
                await self._purses.changed(paying, min(pause_s, left_s))
            finally:
                self._waiting -= 1
            pause_s = min(pause_s * 2, REBUILD_RETRY_S_MAX)
            verdict = await self._sender.decide(ask, paying)
        return verdict

    def _give_back(self, grant: Grant) -> None:
        self.settle(grant, 0)

    def _settle(self, subject: Subject, by_us: int, requests: int, local: bool) -> None:
        subject.running = max(0, subject.running - requests)
        if local and by_us:
            subject.local_correct(monotonic_ns() // 1000, by_us)
            by_us = 0
        if subject.concurrency or by_us:
            if not (subject.returned or subject.correction_us):
                self._sender.dirty.append(subject)
            subject.returned += requests if subject.concurrency else 0
            subject.correction_us += by_us

    def _flush_settlements(self) -> None:
        self._settle_due = self._settle_later = False
        if self._sender.dirty or self._purses.dirty:
            self._sender.flush()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._sender.renew_due = True
            self._sender.flush()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            self._sender.poll()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                async for message in listen(self._url, NEWS):
                    name, _, generation = message.partition(" ")
                    self._sender.tell(name, int(generation))
            await asyncio.sleep(POLL_S)
