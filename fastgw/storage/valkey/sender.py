"""What one worker has to say to the store: asks and settlements into batches, whole numbers, answers, or no answer.

A whole number travels alone: it is sent when nothing is under way, and nothing is sent behind it before its answer.
So it can wipe out nothing that the store granted and the worker has not heard of yet.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import Any

import hiredis
import msgspec

from fastgw.exchange import Ask, Denial, Grant, Reason
from fastgw.storage.valkey.batch import ASKS_MAX, BATCH_PURSES_MAX, NO_STATUS, SUBJECTS_MAX, Asked, Batch, decide_here
from fastgw.storage.valkey.courier import Courier
from fastgw.storage.valkey.link import Link, Lost, Place
from fastgw.storage.valkey.purses import Paying, Purses, bits, silent_name
from fastgw.storage.valkey.subjects import Subject, Subjects

DOUBT_S = 1.0
"""How long after a refused batch the whole numbers of its purses follow."""
PIPELINE_MAX = 8
"""Batches under way at once; beyond it asks wait, and the next batch is larger."""
QUEUE_MAX = 20_000
"""Asks that wait to be sent; beyond it the answer is that the store is away."""

AWAY = Denial(Reason.STORE_AWAY, 1_000, NO_STATUS)
_log = logging.getLogger("fastgw.gate")


class Sender:
    """Asks in, verdicts out. `returned` takes back a grant for which nobody waits any more."""

    def __init__(
        self, place: Place, worker: int, purses: Purses, returned: Callable[[Grant], None], bounds_ns: tuple[int, int]
    ) -> None:
        self._returned = returned
        deadline_ns, self._local_ns = bounds_ns
        self.worker = worker
        self.courier = Courier(place, deadline_ns, self._on_lost, self._on_back)
        self.subjects = Subjects()
        self.dirty: list[Subject] = []
        """Subjects of which something is to be given back or corrected."""
        self.closed = False
        self.renew_due = False
        """The whole numbers are to be told next."""
        self._purses = purses
        self._asks: deque[Asked] = deque()
        self._batches = self._renewing = 0
        self._away_since_ns = self._outage = 0
        self._flush_due = self._doubt_due = False

    async def start(self) -> None:
        """Connect; raises `OSError`."""
        self._loop = asyncio.get_running_loop()
        await self.courier.connect()

    async def decide(self, ask: Ask, paying: Paying | None) -> Grant | Denial:
        """Put one ask to the store, together with all others of this tick."""
        key = self.subjects.key(ask)
        address = self.subjects.address(ask)
        if self.courier.link is None:
            return self._decide_here(ask, key, address, paying)
        if len(self._asks) >= QUEUE_MAX:
            return AWAY
        future: asyncio.Future[Grant | Denial] = self._loop.create_future()
        key.asking += 1
        if address is not None:
            address.asking += 1
        if paying is not None:
            self._purses.asked(paying, 1)
        self._asks.append((ask, future, key, address, paying))
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self.flush)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and isinstance(granted := future.result(), Grant):
                self._returned(granted)
            raise

    def tell(self, name: str, generation: int) -> None:
        """The store waits for the whole numbers of a purse; with generation 0: it can be asked again."""
        if generation == 0:
            self._purses.wake(name)
        elif self._purses.told_to_tell(name, generation):
            self.renew_due = True
            self.flush()

    def poll(self) -> None:
        """Ask which purses wait for whole numbers of this worker."""
        if self.courier.link is not None:
            self.courier.send(self.courier.link, (b"HGETALL", silent_name(self.worker).encode()), self._polled)

    def flush(self) -> None:
        """Send everything that is queued, as far as the pipeline's bound allows; answers call again."""
        self._flush_due = False
        link = self.courier.link
        if link is None:
            while self._asks:
                self._answer_here(self._asks.popleft())
            return
        if self.renew_due and not self._renewing:
            if link.waiting:
                return
            self._renew(link)
        if self._renewing:
            return
        dirty = self._purses.dirty
        while (self._asks or self.dirty or dirty) and link.waiting < PIPELINE_MAX and self.courier.link is link:
            self._send_batch(link)

    @property
    def _queued(self) -> bool:
        return bool(self._asks or self.dirty or self._purses.dirty)

    def _send_batch(self, link: Link) -> None:
        batch = self._new_batch()
        while self._asks and len(batch.asks) < ASKS_MAX:
            batch.add(self._asks.popleft())
        while self.dirty and len(batch.subjects) < SUBJECTS_MAX:
            batch.include(self.dirty.pop())
        while self._purses.dirty and len(batch.purses) < BATCH_PURSES_MAX:
            batch.include_purse(self._purses.clean())
        self._call(link, batch)

    def _renew(self, link: Link) -> None:
        self.renew_due = False
        due = [s for s in self.subjects.all() if (s.running and s.concurrency) or s.unsure]
        purses = self._purses.due()
        batches: list[Batch] = []
        for start in range(0, len(due), SUBJECTS_MAX):
            batches.append(self._new_batch())
            for subject in due[start : start + SUBJECTS_MAX]:
                batches[-1].renew(subject)
        for start in range(0, len(purses), BATCH_PURSES_MAX):
            batches.append(self._new_batch())
            for purse, generation in purses[start : start + BATCH_PURSES_MAX]:
                batches[-1].renew_purse(purse, generation)
        self._renewing = len(batches)
        for batch in batches:
            self._call(link, batch, renewal=True)

    def _new_batch(self) -> Batch:
        self._batches += 1
        return Batch(self._batches)

    def _call(self, link: Link, batch: Batch, *, renewal: bool = False) -> None:
        def decided(reply: Any) -> None:
            if renewal:
                self._renewing -= 1
            if isinstance(reply, bytes):
                self._away_since_ns = 0
                self._resolve(batch, reply)
            else:
                self._unanswered(batch, reply)
            if self.courier.link is link and (self._queued or self.renew_due) and not self._flush_due:
                self._flush_due = True
                self._loop.call_soon(self.flush)

        self.courier.call(link, batch.arguments(self.worker, self.courier.session, link.run), decided)

    def _resolve(self, batch: Batch, reply: bytes) -> None:
        answer = batch.decode(reply)
        for (_, future, key, address, paying), verdict in batch.verdicts(answer):
            key.asking -= 1
            if address is not None:
                address.asking -= 1
            if paying is not None:
                self._purses.asked(paying, -1)
            if isinstance(verdict, Grant):
                requests = verdict.ask.requests
                key.running += requests
                if address is not None:
                    address.running += requests
                if paying is not None:
                    self._purses.granted(verdict, paying)
                if future.done():
                    self._returned(verdict)
                    continue
            if not future.done():
                future.set_result(verdict)
        if batch.purses:
            for purse, generation in batch.untold(answer):
                self.renew_due |= self._purses.told_to_tell(purse.name, generation)

    def _unanswered(self, batch: Batch, reply: Any) -> None:
        """The store refused, or the answer was lost: decide here, and have whole numbers put right what is unclear."""
        refused = isinstance(reply, hiredis.HiredisError)
        if not self._away_since_ns:
            if refused:
                _log.error("the store of limits refused a batch: %s", reply)
            self._away()
        for subject in batch.subjects:
            subject.unsure = True
        for purse in batch.purses:
            self._purses.doubt(purse)
        if refused and batch.purses and not self._doubt_due:
            self._doubt_due = True
            self._loop.call_later(DOUBT_S, self._put_right)
        for asked in batch.asks:
            self._answer_here(asked)

    def _put_right(self) -> None:
        self._doubt_due = False
        if self._purses.doubtful and not self.closed:
            self.renew_due = True
            self.flush()

    def _answer_here(self, asked: Asked) -> None:
        ask, future, key, address, paying = asked
        key.asking -= 1
        if address is not None:
            address.asking -= 1
        if paying is not None:
            self._purses.asked(paying, -1)
        if not future.done():
            future.set_result(self._decide_here(ask, key, address, paying))

    def _decide_here(self, ask: Ask, key: Subject, address: Subject | None, paying: Paying | None) -> Grant | Denial:
        now_ns = monotonic_ns()
        if self.closed or now_ns - (self._away_since_ns or now_ns) > self._local_ns:
            return AWAY
        if paying is None:
            return decide_here(ask, key, address, now_ns // 1000)
        hold_nano = self._purses.allowance(ask, paying, self._outage)
        if hold_nano < 0:
            return AWAY
        verdict = decide_here(ask, key, address, now_ns // 1000)
        if isinstance(verdict, Grant):
            self._purses.take_local(hold_nano, paying)
            verdict = msgspec.structs.replace(verdict, hold_nano=hold_nano, purses=bits(paying))
        return verdict

    def _polled(self, reply: Any) -> None:
        if isinstance(reply, list):
            for name, generation in zip(reply[::2], reply[1::2], strict=True):
                self.renew_due |= self._purses.told_to_tell(name.decode(), int(generation))
        if self.renew_due and not isinstance(reply, Lost):
            self.flush()

    def _away(self) -> None:
        self._away_since_ns = monotonic_ns()
        self._outage += 1

    def _on_lost(self) -> None:
        if not self._away_since_ns:
            self._away()
        for subject in self.dirty:
            subject.returned = subject.correction_us = 0
            subject.unsure = True
        self.dirty.clear()
        self._purses.lost()
        self.flush()

    def _on_back(self) -> None:
        self.renew_due = True
        self.flush()
        self.poll()
