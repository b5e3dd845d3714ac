"""The gate of admission in Valkey or Redis: implements `fastgw.dataplane.admission.gate.Gate`.

Admissions and settlements that arrive in one tick of the event loop go out as one script call. A worker keeps count of
what runs in it; the script is told differences, and a heartbeat tells it the whole number, so that what a lost answer
left unclear is put right within ten seconds. While the store is away the worker's own buckets decide, each worker
with the full limits, for at most a minute.
"""

import asyncio
import contextlib
import hashlib
import random
import secrets
from collections import deque
from importlib.resources import files
from time import monotonic_ns
from typing import Any

import hiredis
import msgspec

from fastgw.errors import StartupError
from fastgw.exchange import Ask, Denial, Grant, RateStatus, Reason
from fastgw.observe.tasks import spawn
from fastgw.storage.valkey.link import Link, Place, connect
from fastgw.storage.valkey.subjects import ADDRESS_REASONS, KEY_REASONS, Subject, Subjects, denial, status

LEASE_US = 30_000_000
HEARTBEAT_S = 10.0
SETTLE_DELAY_S = 0.003
"""How long a settlement waits for a batch to ride with."""
DEADLINE_NS = 250_000_000
"""How long an answer of the store may take before the connection is given up and the worker decides by itself."""
SWEEP_S = 0.05
"""How often the deadline is looked at: once for all, not a timer for each."""
LOCAL_NS = 60_000_000_000
"""How long a worker decides by itself before it answers that the store is away."""
BATCH_ASKS_MAX = 256
PIPELINE_MAX = 8
"""Batches under way at once; beyond it asks wait, and the next batch is larger."""
ASKS_MAX = 20_000
RECONNECT_S_MIN, RECONNECT_S_MAX = 0.05, 2.0
STALE = 7

_SCRIPT = (files("fastgw.storage.valkey") / "scripts" / "admit.lua").read_bytes()
_SHA = hashlib.sha1(_SCRIPT, usedforsecurity=False).hexdigest().encode()
_NO_STATUS = RateStatus()
_AWAY = Denial(Reason.STORE_AWAY, 1_000, _NO_STATUS)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode

Asked = tuple[Ask, "asyncio.Future[Grant | Denial]", Subject, Subject | None]


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
        self._flush_due = self._settle_due = self._renew_due = self._watching = self._closed = False
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
        if len(self._asks) >= ASKS_MAX:
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
        self._settle(key, key.settle(ask.tokens, tokens_used), grant.local)
        address = self._subjects.address(ask)
        if address is not None:
            self._settle(address, address.settle(ask.tokens, tokens_used), grant.local)
        if not self._settle_due and self._dirty and self._link is not None:
            self._settle_due = True
            self._loop.call_later(SETTLE_DELAY_S, self._flush_settlements)

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

    def _settle(self, subject: Subject, by_us: int, local: bool) -> None:
        if subject.running:
            subject.running -= 1
        if local and by_us:
            subject.local_correct(monotonic_ns() // 1000, by_us)
            by_us = 0
        if subject.concurrency or by_us:
            if not (subject.returned or subject.correction_us):
                self._dirty.append(subject)
            subject.returned += 1 if subject.concurrency else 0
            subject.correction_us += by_us

    def _flush_settlements(self) -> None:
        self._settle_due = False
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
        self._batches += 1
        subjects: list[Subject] = []
        numbers: list[int] = []
        rows: list[int] = []
        asks: list[Asked] = []
        queue = self._asks
        while queue and len(asks) < BATCH_ASKS_MAX:
            asked = queue.popleft()
            ask, _, key, address = asked
            asks.append(asked)
            tokens = ask.tokens
            self._include(key, subjects, numbers)
            if address is None:
                rows += (key.index, 0, key.cost_t(tokens), 0, ask.principal.epoch)
            else:
                self._include(address, subjects, numbers)
                rows += (key.index, address.index, key.cost_t(tokens), address.cost_t(tokens), ask.principal.epoch)
        dirty = self._dirty
        while dirty and len(subjects) < 3 * BATCH_ASKS_MAX:
            self._include(dirty.pop(), subjects, numbers)
        self._call(link, subjects, [self._worker, 0, LEASE_US, len(asks), *numbers, *rows], asks, rows)

    def _include(self, subject: Subject, subjects: list[Subject], numbers: list[int]) -> None:
        if subject.batch == self._batches:
            return
        subject.batch = self._batches
        subjects.append(subject)
        subject.index = len(subjects)
        numbers += (
            subject.window_r,
            subject.window_t,
            subject.cost_r,
            subject.concurrency,
            subject.epoch,
            subject.memory_us,
            subject.correction_us,
            subject.returned,
        )
        subject.correction_us = subject.returned = 0

    def _renew(self, link: Link) -> None:
        """Tell the store the whole number of exchanges that run here; nothing is under way now."""
        self._renew_due = False
        due = [s for s in self._subjects.all() if (s.running and s.concurrency) or s.unsure]
        for start in range(0, len(due), BATCH_ASKS_MAX):
            self._batches += 1
            subjects: list[Subject] = []
            numbers: list[int] = []
            for subject in due[start : start + BATCH_ASKS_MAX]:
                subject.returned = -subject.running - 1
                subject.unsure = False
                self._include(subject, subjects, numbers)
            self._call(link, subjects, [self._worker, 0, LEASE_US, 0, *numbers], [], [])

    def _call(
        self, link: Link, subjects: list[Subject], numbers: list[int], asks: list[Asked], rows: list[int]
    ) -> None:
        if not subjects:
            return
        rest = (b"%d" % len(subjects), *[s.name for s in subjects], _encode(numbers))
        self.script_calls += 1

        def answered(reply: Any) -> None:
            if isinstance(reply, hiredis.HiredisError) and str(reply).startswith("NOSCRIPT"):
                link.send((b"EVAL", _SCRIPT, *rest), decided)
            else:
                decided(reply)

        def decided(reply: Any) -> None:
            if isinstance(reply, bytes):
                self._away_since_ns = 0
                self._resolve(_decode(reply), subjects, asks, rows)
            else:
                self._unanswered(subjects, asks)
            if self._link is link and (self._asks or self._dirty or self._renew_due) and not self._flush_due:
                self._flush_due = True
                self._loop.call_soon(self._flush)

        link.send((b"EVALSHA", _SHA, *rest), answered)
        if not self._watching:
            self._watching = True
            self._loop.call_later(SWEEP_S, self._watch)

    def _resolve(self, answer: list[int], subjects: list[Subject], asks: list[Asked], rows: list[int]) -> None:
        now_us = answer[0]
        verdicts = 1 + 2 * len(subjects)
        known: dict[tuple[int, int], RateStatus] = {}
        for at, (ask, future, key, address) in enumerate(asks):
            verdict = answer[verdicts + at]
            k, a = rows[5 * at], rows[5 * at + 1]
            rates = known.get((k, a))
            if rates is None:
                tats = (answer[2 * a - 1], answer[2 * a]) if a else (0, 0)
                rates = known[k, a] = status(now_us, key, (answer[2 * k - 1], answer[2 * k]), address, tats)
            key.asking -= 1
            if address is not None:
                address.asking -= 1
            if verdict == 0:
                key.running += 1
                if address is not None:
                    address.running += 1
                grant = Grant(ask, rates)
                if future.done():
                    self.settle(grant, 0)
                else:
                    future.set_result(grant)
            elif not future.done():
                future.set_result(_denied(verdict, rates))

    def _unanswered(self, subjects: list[Subject], asks: list[Asked]) -> None:
        if not self._away_since_ns:
            self._away_since_ns = monotonic_ns()
        for subject in subjects:
            subject.unsure = True
        for asked in asks:
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
        if ask.principal.epoch < key.epoch:
            return Denial(Reason.STALE_KEY, 0, _NO_STATUS)
        now_us = now_ns // 1000
        obstacle, reasons = key.local_obstacle(now_us, ask.tokens), KEY_REASONS
        if obstacle is None and address is not None:
            obstacle, reasons = address.local_obstacle(now_us, ask.tokens), ADDRESS_REASONS
        if obstacle is None:
            for subject in (key, address):
                if subject is not None:
                    subject.local_take(now_us, ask.tokens)
                    subject.running += 1
        tats = (address.tat_r, address.tat_t) if address is not None else (0, 0)
        rates = status(now_us, key, (key.tat_r, key.tat_t), address, tats)
        return Grant(ask, rates, local=True) if obstacle is None else denial(*obstacle, reasons, rates)

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


def _denied(verdict: int, rates: RateStatus) -> Denial:
    wait, code = divmod(verdict, 8)
    if code == STALE:
        return Denial(Reason.STALE_KEY, 0, rates)
    return denial(code - 1, wait, KEY_REASONS, rates) if code <= 3 else denial(code - 4, wait, ADDRESS_REASONS, rates)
