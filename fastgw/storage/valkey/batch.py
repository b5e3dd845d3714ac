"""One script call: which subjects it touches, what it asks, and what the answer means (shapes: scripts/admit.lua)."""

import asyncio
from collections.abc import Iterator

import msgspec

from fastgw.exchange import Ask, Denial, Grant, RateStatus, Reason
from fastgw.money.amounts import AMOUNT_MAX
from fastgw.storage.valkey.purses import MONEY_REASONS, REBUILDING, WANTED, Paying, Purse, bits, silent_name
from fastgw.storage.valkey.subjects import ADDRESS_REASONS, KEY_REASONS, Subject, denial, status

LEASE_US = 30_000_000
"""How long the store counts a worker's exchanges without hearing of them again."""
ASKS_MAX = 256
SUBJECTS_MAX = 3 * ASKS_MAX
BATCH_PURSES_MAX = 3 * ASKS_MAX
STALE = 7
REBUILDING_RETRY_MS = 1_000

NO_STATUS = RateStatus()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode

Asked = tuple[Ask, "asyncio.Future[Grant | Denial]", Subject, Subject | None, Paying | None]
"""An ask that waits for its verdict, with its key's and its address's subject, and the purses that it is paid from."""


class Batch:
    """What one script call carries. `number` is unlike that of any other batch of the worker."""

    __slots__ = ("_holds", "_money", "_numbers", "_rows", "asks", "number", "purses", "subjects")

    def __init__(self, number: int) -> None:
        self.number = number
        self.subjects: list[Subject] = []
        self.purses: list[Purse] = []
        self.asks: list[Asked] = []
        self._numbers: list[int] = []
        self._rows: list[int] = []
        self._money: list[int] = []
        self._holds: list[int] = []

    def add(self, asked: Asked) -> None:
        """Ask for one admission."""
        ask, _, key, address, paying = asked
        self.asks.append(asked)
        self.include(key)
        if address is None:
            self._rows += (key.index, 0, key.cost_t(ask.tokens), 0, ask.principal.epoch, ask.requests)
        else:
            self.include(address)
            costs = key.cost_t(ask.tokens), address.cost_t(ask.tokens)
            self._rows += (key.index, address.index, *costs, ask.principal.epoch, ask.requests)
        if paying is not None:
            account, quota = (self.include_purse(purse) if purse is not None else 0 for purse in paying)
            hold = ask.hold
            assert hold is not None, "only an ask with a hold has purses"
            # More than any balance is as good as the least number beyond them all.
            want, least = min(hold.want_nano, AMOUNT_MAX + 1), min(hold.least_nano, hold.want_nano, AMOUNT_MAX + 1)
            self._holds += (len(self.asks), account, quota, want, least)

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

    def include_purse(self, purse: Purse, generation: int = 0) -> int:
        """Tell the store what was spent and given back; the purse's place."""
        if purse.batch != self.number:
            purse.batch = self.number
            self.purses.append(purse)
            purse.index = len(self.purses)
            self._money += (min(purse.spent, AMOUNT_MAX), purse.returned, generation, *purse.limits)
            purse.returned = 0
        return purse.index

    def renew_purse(self, purse: Purse, generation: int) -> None:
        """Tell the store a purse's whole numbers; no other batch may be under way, nor be sent before the answer."""
        purse.returned = -min(purse.held, AMOUNT_MAX) - 1
        purse.unsure = False
        self.include_purse(purse, generation)

    def arguments(self, worker: int, session: int, run: int = 0, now_us: int = 0) -> tuple[bytes, ...]:
        """Number of keys, keys and argument of the script; `run` is that of the link, `now_us` 0 the store's clock."""
        names = [subject.name for subject in self.subjects]
        counts = (len(self.asks), len(self.purses))
        numbers = [worker, now_us, LEASE_US, *counts, session, run, *self._numbers, *self._rows]
        if self.purses:
            names += [purse.record for purse in self.purses]
            names += (WANTED.encode(), silent_name(worker).encode())
            numbers += self._money
            numbers += self._holds
        return (b"%d" % len(names), *names, _encode(numbers))

    def decode(self, reply: bytes) -> list[int]:
        """The script's answer as numbers."""
        return _decode(reply)

    def untold(self, answer: list[int]) -> Iterator[tuple[Purse, int]]:
        """Purses whose whole numbers the store does not have, with the generation to tell them for."""
        first = 1 + 2 * len(self.subjects) + len(self.asks)
        for at, purse in enumerate(self.purses):
            if answer[first + at] > 0:
                yield purse, answer[first + at]

    def verdicts(self, answer: list[int]) -> Iterator[tuple[Asked, Grant | Denial]]:
        """Each ask with what the script decided. Asks of one key and address share the status after the batch."""
        now_us = answer[0]
        first = 1 + 2 * len(self.subjects)
        amount = first + len(self.asks) + len(self.purses)
        rows = self._rows
        known: dict[tuple[int, int], RateStatus] = {}
        for at, asked in enumerate(self.asks):
            ask, _, key, address, paying = asked
            k, a = pair = rows[6 * at], rows[6 * at + 1]
            rates = known.get(pair)
            if rates is None:
                tats = (answer[2 * a - 1], answer[2 * a]) if a else (0, 0)
                rates = known[pair] = status(now_us, key, (answer[2 * k - 1], answer[2 * k]), address, tats)
            verdict = answer[first + at]
            if paying is None:
                yield asked, Grant(ask, rates) if verdict == 0 else _denied(verdict, rates, 0)
                continue
            nano = answer[amount]
            amount += 1
            if verdict == 0:
                yield asked, Grant(ask, rates, False, nano, bits(paying))
            else:
                yield asked, _denied(verdict, rates, nano)


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


def _denied(verdict: int, rates: RateStatus, left_nano: int) -> Denial:
    wait, code = divmod(verdict, 16)
    if code <= 3:
        return denial(code - 1, wait, KEY_REASONS, rates)
    if code < STALE:
        return denial(code - 4, wait, ADDRESS_REASONS, rates)
    if code == STALE:
        return Denial(Reason.STALE_KEY, 0, rates)
    if code == REBUILDING:
        return Denial(Reason.REBUILDING, REBUILDING_RETRY_MS, rates)
    return Denial(MONEY_REASONS[code], 0, rates, left_nano)
