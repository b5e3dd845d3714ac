"""One script call: which subjects it touches, what it asks, and what the answer means (shapes: scripts/admit.lua)."""

import asyncio
from collections.abc import Iterator

import msgspec

from fastgw.exchange import Ask, Denial, Grant, RateStatus, Reason
from fastgw.storage.valkey.subjects import ADDRESS_REASONS, KEY_REASONS, Subject, denial, status

LEASE_US = 30_000_000
"""How long the store counts a worker's exchanges without hearing of them again."""
ASKS_MAX = 256
SUBJECTS_MAX = 3 * ASKS_MAX
STALE = 7

NO_STATUS = RateStatus()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode

Asked = tuple[Ask, "asyncio.Future[Grant | Denial]", Subject, Subject | None]
"""An ask that waits for its verdict, with its key's and its address's subject."""


class Batch:
    """What one script call carries. `number` is unlike that of any other batch of the worker."""

    __slots__ = ("_numbers", "_rows", "asks", "number", "subjects")

    def __init__(self, number: int) -> None:
        self.number = number
        self.subjects: list[Subject] = []
        self.asks: list[Asked] = []
        self._numbers: list[int] = []
        self._rows: list[int] = []

    def add(self, asked: Asked) -> None:
        """Ask for one admission."""
        ask, _, key, address = asked
        self.asks.append(asked)
        self.include(key)
        if address is None:
            self._rows += (key.index, 0, key.cost_t(ask.tokens), 0, ask.principal.epoch, ask.requests)
        else:
            self.include(address)
            costs = key.cost_t(ask.tokens), address.cost_t(ask.tokens)
            self._rows += (key.index, address.index, *costs, ask.principal.epoch, ask.requests)

    def include(self, subject: Subject) -> None:
        """Tell the store what it has yet to hear about a subject."""
        if subject.batch == self.number:
            return
        subject.batch = self.number
        self.subjects.append(subject)
        subject.index = len(self.subjects)
        self._numbers += (
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

    def renew(self, subject: Subject) -> None:
        """Tell the store the whole number of a subject's exchanges; no other batch may be under way."""
        subject.returned = -subject.running - 1
        subject.unsure = False
        self.include(subject)

    def arguments(self, worker: int, now_us: int = 0) -> tuple[bytes, ...]:
        """Number of keys, keys and argument of the script; `now_us` 0 takes the store's clock."""
        numbers = [worker, now_us, LEASE_US, len(self.asks), *self._numbers, *self._rows]
        return (b"%d" % len(self.subjects), *[subject.name for subject in self.subjects], _encode(numbers))

    def verdicts(self, reply: bytes) -> Iterator[tuple[Asked, Grant | Denial]]:
        """Each ask with what the script decided. Asks of one key and address share the status after the batch."""
        answer = _decode(reply)
        now_us = answer[0]
        first = 1 + 2 * len(self.subjects)
        rows = self._rows
        known: dict[tuple[int, int], RateStatus] = {}
        for at, asked in enumerate(self.asks):
            ask, _, key, address = asked
            k, a = pair = rows[6 * at], rows[6 * at + 1]
            rates = known.get(pair)
            if rates is None:
                tats = (answer[2 * a - 1], answer[2 * a]) if a else (0, 0)
                rates = known[pair] = status(now_us, key, (answer[2 * k - 1], answer[2 * k]), address, tats)
            verdict = answer[first + at]
            yield asked, Grant(ask, rates) if verdict == 0 else _denied(verdict, rates)


def decide_here(ask: Ask, key: Subject, address: Subject | None, now_us: int) -> Grant | Denial:
    """The verdict of the worker's own buckets, for when the store is away."""
    if ask.principal.epoch < key.epoch:
        return Denial(Reason.STALE_KEY, 0, NO_STATUS)
    obstacle, reasons = key.local_obstacle(now_us, ask.tokens), KEY_REASONS
    if obstacle is None and address is not None:
        obstacle, reasons = address.local_obstacle(now_us, ask.tokens), ADDRESS_REASONS
    if obstacle is None:
        for subject in (key, address):
            if subject is not None:
                subject.local_take(now_us, ask.tokens)
                subject.running += ask.requests
    tats = (address.tat_r, address.tat_t) if address is not None else (0, 0)
    rates = status(now_us, key, (key.tat_r, key.tat_t), address, tats)
    return Grant(ask, rates, local=True) if obstacle is None else denial(*obstacle, reasons, rates)


def _denied(verdict: int, rates: RateStatus) -> Denial:
    wait, code = divmod(verdict, 8)
    if code == STALE:
        return Denial(Reason.STALE_KEY, 0, rates)
    return denial(code - 1, wait, KEY_REASONS, rates) if code <= 3 else denial(code - 4, wait, ADDRESS_REASONS, rates)
