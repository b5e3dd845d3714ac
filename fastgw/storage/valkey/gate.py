"""The gate of admission in Valkey or Redis: implements `fastgw.dataplane.admission.gate.Gate`.

Admissions and settlements that arrive in one tick of the event loop go out as one script call. A worker keeps count of
what runs in it; the script is told differences, and a heartbeat tells it the whole number, so that what a lost answer
left unclear is put right within ten seconds. While the store is away the worker's own buckets decide, each worker
with the full limits, for at most a minute.
"""

import asyncio
import contextlib
import hashlib
import logging
import random
import secrets
from collections import deque
from importlib.resources import files
from time import monotonic_ns
from typing import Any

import hiredis

from fastgw.errors import StartupError
from fastgw.exchange import Ask, Denial, Grant, Reason
from fastgw.observe.tasks import spawn
from fastgw.storage.valkey.batch import ASKS_MAX, NO_STATUS, SUBJECTS_MAX, Asked, Batch, decide_here
from fastgw.storage.valkey.link import Link, Place, connect
from fastgw.storage.valkey.subjects import Subject, Subjects

HEARTBEAT_S = 10.0
SETTLE_DELAY_S = 0.003
"""How long a settlement waits for a batch to ride with."""
SETTLE_DELAY_ROOMY_S = 0.05
"""The same where limits are so large that nobody waits for what is given back."""
DEADLINE_NS = 250_000_000
"""How long an answer of the store may take before the connection is given up and the worker decides by itself."""
SWEEP_S = 0.05
"""How often the deadline is looked at: once for all, not a timer for each."""
LOCAL_NS = 60_000_000_000
"""How long a worker decides by itself before it answers that the store is away."""
PIPELINE_MAX = 8
"""Batches under way at once; beyond it asks wait, and the next batch is larger."""
QUEUE_MAX = 20_000
"""Asks that wait to be sent; beyond it the answer is that the store is away."""
RECONNECT_S_MIN, RECONNECT_S_MAX = 0.05, 2.0

_SCRIPT = (files("fastgw.storage.valkey") / "scripts" / "admit.lua").read_bytes()
_SHA = hashlib.sha1(_SCRIPT, usedforsecurity=False).hexdigest().encode()
_log = logging.getLogger("fastgw.gate")
_AWAY = Denial(Reason.STORE_AWAY, 1_000, NO_STATUS)


class ValkeyGate:
    """Decides about limits for one worker process; every method belongs to one event loop."""

    def __init__(self, url: str, *, deadline_ns: int = DEADLINE_NS, local_ns: int = LOCAL_NS) -> None:
        self._place = Place.of(url)
        self._deadline_ns = deadline_ns
        self._local_ns = local_ns
        self._worker = secrets.randbits(48) + 1
        self._subjects = Subjects()
        self._asks: deque[Asked] = deque()
        self._dirty: list[Subject] = []
        self._batches = 0
        self._link: Link | None = None
        self._away_since_ns = 0
        self._flush_due = self._settle_due = self._settle_later = self._renew_due = self._watching = self._closed = (
            False
        )
        self._tasks: list[asyncio.Task[None]] = []
        self.script_calls = 0
        """Script calls since the start."""

    async def start(self) -> None:
        """Connect; raises `StartupError`."""
        self._loop = asyncio.get_running_loop()
        try:
            self._link = await connect(self._place, self._on_lost)
        except OSError as error:
            raise StartupError(f"The store of limits (Valkey or Redis) cannot be reached: {error}") from error
        self._tasks.append(spawn(self._beat(), name="gate heartbeat"))

    async def admit(self, ask: Ask) -> Grant | Denial:
        """Decide about `ask`, together with all others of this tick."""
        key = self._subjects.key(ask)
        address = self._subjects.address(ask)
        if self._link is None:
            return self._decide_here(ask, key, address)
        if len(self._asks) >= QUEUE_MAX:
            return _AWAY
        future: asyncio.Future[Grant | Denial] = self._loop.create_future()
        key.asking += 1
        if address is not None:
            address.asking += 1
        self._asks.append((ask, future, key, address))
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and isinstance(granted := future.result(), Grant):
                self.settle(granted, 0)
            raise

    def settle(self, grant: Grant, tokens_used: int) -> None:
        """Give back the leases and correct the token buckets; goes out with the next batch."""
        ask = grant.ask
        key = self._subjects.key(ask)
        self._settle(key, key.settle(ask.tokens, tokens_used), ask.requests, grant.local)
        address = self._subjects.address(ask)
        if address is not None:
            self._settle(address, address.settle(ask.tokens, tokens_used), ask.requests, grant.local)
        if self._settle_due or not self._dirty or self._link is None:
            return
        if not (key.roomy and (address is None or address.roomy)):
            self._settle_due = True
            self._loop.call_later(SETTLE_DELAY_S, self._flush_settlements)
        elif not self._settle_later:
            self._settle_later = True
            self._loop.call_later(SETTLE_DELAY_ROOMY_S, self._flush_settlements)

    async def aclose(self) -> None:
        """Send what is queued, give leases back (at most for the deadline), disconnect."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        for subject in self._subjects.all():
            subject.unsure = subject.unsure or subject.running > 0
            subject.running = 0
        self._renew_due = True
        self._flush()
        until_ns = monotonic_ns() + self._deadline_ns
        while self._link is not None and (self._link.waiting or self._renew_due) and monotonic_ns() < until_ns:  # noqa: ASYNC110
            await asyncio.sleep(0.001)  # once, at the very end: an event would cost every batch
        if self._link is not None:
            self._link.abort()

    def _settle(self, subject: Subject, by_us: int, requests: int, local: bool) -> None:
        subject.running = max(0, subject.running - requests)
        if local and by_us:
            subject.local_correct(monotonic_ns() // 1000, by_us)
            by_us = 0
        if subject.concurrency or by_us:
            if not (subject.returned or subject.correction_us):
                self._dirty.append(subject)
            subject.returned += requests if subject.concurrency else 0
            subject.correction_us += by_us

    def _flush_settlements(self) -> None:
        self._settle_due = self._settle_later = False
        if self._dirty:
            self._flush()

    def _flush(self) -> None:
        """Send everything that is queued, as far as the pipeline's bound allows; answers call again."""
        self._flush_due = False
        link = self._link
        if link is None:
            while self._asks:
                self._answer_here(self._asks.popleft())
            return
        if self._renew_due:
            if link.waiting:
                return
            self._renew(link)
        while (self._asks or self._dirty) and link.waiting < PIPELINE_MAX and self._link is link:
            self._send_batch(link)

    def _send_batch(self, link: Link) -> None:
        batch = self._new_batch()
        while self._asks and len(batch.asks) < ASKS_MAX:
            batch.add(self._asks.popleft())
        while self._dirty and len(batch.subjects) < SUBJECTS_MAX:
            batch.include(self._dirty.pop())
        self._call(link, batch)

    def _renew(self, link: Link) -> None:
        """Tell the store the whole number of exchanges that run here; nothing is under way now."""
        self._renew_due = False
        due = [s for s in self._subjects.all() if (s.running and s.concurrency) or s.unsure]
        for start in range(0, len(due), SUBJECTS_MAX):
            batch = self._new_batch()
            for subject in due[start : start + SUBJECTS_MAX]:
                batch.renew(subject)
            self._call(link, batch)

    def _new_batch(self) -> Batch:
        self._batches += 1
        return Batch(self._batches)

    def _call(self, link: Link, batch: Batch) -> None:
        self.script_calls += 1
        arguments = batch.arguments(self._worker)

        def answered(reply: Any) -> None:
            if isinstance(reply, hiredis.HiredisError) and str(reply).startswith("NOSCRIPT"):
                # Nothing was carried out; EVAL also makes the server remember the script.
                link.send((b"EVAL", _SCRIPT, *arguments), decided)
            else:
                decided(reply)

        def decided(reply: Any) -> None:
            if isinstance(reply, bytes):
                self._away_since_ns = 0
                self._resolve(batch, reply)
            else:
                self._unanswered(batch, reply)
            if self._link is link and (self._asks or self._dirty or self._renew_due) and not self._flush_due:
                self._flush_due = True
                self._loop.call_soon(self._flush)

        link.send((b"EVALSHA", _SHA, *arguments), answered)
        if not self._watching:
            self._watching = True
            self._loop.call_later(SWEEP_S, self._watch)

    def _resolve(self, batch: Batch, reply: bytes) -> None:
        for (_, future, key, address), verdict in batch.verdicts(reply):
            key.asking -= 1
            if address is not None:
                address.asking -= 1
            if isinstance(verdict, Grant):
                requests = verdict.ask.requests
                key.running += requests
                if address is not None:
                    address.running += requests
                if future.done():
                    self.settle(verdict, 0)
                    continue
            if not future.done():
                future.set_result(verdict)

    def _unanswered(self, batch: Batch, reply: Any) -> None:
        """The store refused, or the answer was lost: decide here, and have the next heartbeat put the leases right."""
        if isinstance(reply, hiredis.HiredisError) and not self._away_since_ns:
            _log.error("the store of limits refused a batch: %s", reply)
        if not self._away_since_ns:
            self._away_since_ns = monotonic_ns()
        for subject in batch.subjects:
            subject.unsure = True
        for asked in batch.asks:
            self._answer_here(asked)

    def _answer_here(self, asked: Asked) -> None:
        ask, future, key, address = asked
        key.asking -= 1
        if address is not None:
            address.asking -= 1
        if not future.done():
            future.set_result(self._decide_here(ask, key, address))

    def _decide_here(self, ask: Ask, key: Subject, address: Subject | None) -> Grant | Denial:
        now_ns = monotonic_ns()
        if self._closed or now_ns - (self._away_since_ns or now_ns) > self._local_ns:
            return _AWAY
        return decide_here(ask, key, address, now_ns // 1000)

    def _watch(self) -> None:
        self._watching = False
        link = self._link
        if link is None or not link.waiting:
            return
        if monotonic_ns() - link.oldest_ns > self._deadline_ns:
            link.abort()
            return
        self._watching = True
        self._loop.call_later(SWEEP_S, self._watch)

    def _on_lost(self) -> None:
        if self._link is None:
            return
        self._link = None
        if not self._away_since_ns:
            self._away_since_ns = monotonic_ns()
        for subject in self._dirty:
            subject.returned = subject.correction_us = 0
            subject.unsure = True
        self._dirty.clear()
        self._flush()
        if not self._closed:
            self._tasks = [t for t in self._tasks if not t.done()]
            self._tasks.append(spawn(self._reconnect(), name="gate reconnect"))

    async def _reconnect(self) -> None:
        pause_s = RECONNECT_S_MIN
        while not self._closed:
            with contextlib.suppress(OSError):
                self._link = await connect(self._place, self._on_lost)
                self._renew_due = True
                self._flush()
                return
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause_s = min(pause_s * 2, RECONNECT_S_MAX)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self._renew_due = True
            self._flush()
