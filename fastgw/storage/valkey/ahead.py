"""Admissions that a worker takes ahead, so that a busy key does not ask the store about every single request.

The store is asked for `SLOTS` requests, their tokens and their concurrency in one debit, and the worker then hands them
out by itself. What is handed out has been debited before, so no limit can be exceeded, however many workers there are;
what is left over after half a second goes back. It is done only where it cannot be felt: for a key and address with
many requests a second, whose limits are so far from being reached that `SLOTS` requests are a small part of what is
left. Anybody else, and everybody near a limit, is decided about one by one.
"""

import asyncio
from time import monotonic_ns

import msgspec

from fastgw.exchange import Ask, Denial, Grant, Principal, RateStatus
from fastgw.limits import Limits
from fastgw.observe.tasks import spawn
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.purses import pays

SLOTS = 64
LOW = 24
"""With fewer slots left the next ones are asked for, while the rest are still being handed out."""
PART_MIN = 32
"""`SLOTS` requests may be at most this part of what is left of each limit."""
HOT = 16
HOT_NS = 100_000_000
"""A key and address are busy when `HOT` requests come within this time."""
LIFE_NS = 500_000_000
"""Slots that are not used by then go back. A revoked key's are never handed out: they belong to its old record."""
SWEEP_S = 0.25
COOL_NS = 250_000_000
"""After a refusal nothing is asked ahead for this long."""
PAIRS_MAX = 4_096


class Pair:
    """One key from one address: what has been taken ahead for it, and how busy it is."""

    __slots__ = ("asking", "cool_until_ns", "principal", "seen", "since_ns", "slots", "status", "tokens", "until_ns")

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self.slots = 0
        self.tokens = 0
        self.until_ns = 0
        self.status = RateStatus()
        self.asking = False
        self.cool_until_ns = 0
        self.seen = 0
        self.since_ns = 0

    def busy(self, now_ns: int) -> bool:
        """Note one request; whether many have come lately."""
        if now_ns - self.since_ns > HOT_NS:
            self.since_ns, self.seen = now_ns, 0
        self.seen += 1
        return self.seen >= HOT


class AheadGate:
    """A `ValkeyGate` with slots taken ahead; implements `dataplane.admission.gate.Gate` for one event loop."""

    def __init__(self, gate: ValkeyGate) -> None:
        self._gate = gate
        self._pairs: dict[tuple[str, str], Pair] = {}
        self._address_limits = Limits()
        self._sweeping = False
        self._closed = False

    async def start(self, worker: int = 0) -> None:
        """Connect, as this worker if a number is given; raises `StartupError`."""
        await self._gate.start(worker)

    async def admit(self, ask: Ask) -> Grant | Denial:
        """Hand out a slot, or ask the store."""
        if ask.hold is not None and pays(ask.principal):
            # Each hold is its own: money is never taken ahead.
            return await self._gate.admit(ask)
        pair = self._pairs.get((ask.principal.key_id, ask.address))
        now_ns = monotonic_ns()
        if pair is None or pair.principal is not ask.principal:
            pair = self._pair(ask)
        elif pair.slots and ask.tokens <= pair.tokens and now_ns < pair.until_ns:
            pair.slots -= 1
            pair.tokens -= ask.tokens
            if pair.slots < LOW and not pair.asking:
                self._take_ahead(pair, ask, pair.status, now_ns)
            return Grant(ask, pair.status)
        verdict = await self._gate.admit(ask)
        if isinstance(verdict, Grant) and not verdict.local and pair.busy(now_ns) and not pair.asking:
            self._take_ahead(pair, ask, verdict.status, now_ns)
        return verdict

    def settle(self, grant: Grant, tokens_used: int, charge_nano: int = 0) -> None:
        """Give back what an exchange held, and turn its hold into the charge."""
        self._gate.settle(grant, tokens_used, charge_nano)

    async def aclose(self) -> None:
        """Give everything back, and disconnect."""
        self._closed = True
        for (_, address), pair in self._pairs.items():
            self._give_back(pair, address)
        await self._gate.aclose()

    def _pair(self, ask: Ask) -> Pair:
        name = (ask.principal.key_id, ask.address)
        old = self._pairs.get(name)
        if old is not None:
            self._give_back(old, ask.address)
        elif len(self._pairs) >= PAIRS_MAX:
            for (key_id, address), pair in list(self._pairs.items())[: PAIRS_MAX // 4]:
                self._give_back(pair, address)
                del self._pairs[key_id, address]
        self._address_limits = ask.address_limits
        pair = self._pairs[name] = Pair(ask.principal)
        return pair

    def _take_ahead(self, pair: Pair, like: Ask, status: RateStatus, now_ns: int) -> None:
        if now_ns < pair.cool_until_ns or self._closed or not _roomy(like, status):
            return
        pair.asking = True
        ahead = msgspec.structs.replace(like, tokens=like.tokens * SLOTS, requests=SLOTS)
        spawn(self._ask_ahead(pair, ahead), name="admissions ahead")

    async def _ask_ahead(self, pair: Pair, ahead: Ask) -> None:
        try:
            verdict = await self._gate.admit(ahead)
        finally:
            pair.asking = False
        now_ns = monotonic_ns()
        if isinstance(verdict, Denial):
            pair.cool_until_ns = now_ns + COOL_NS
        elif verdict.local or self._closed or self._pairs.get((ahead.principal.key_id, ahead.address)) is not pair:
            self._gate.settle(verdict, 0)
        else:
            pair.slots += ahead.requests
            pair.tokens += ahead.tokens
            pair.status = verdict.status
            pair.until_ns = now_ns + LIFE_NS
            if not self._sweeping:
                self._sweeping = True
                asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        now_ns = monotonic_ns()
        self._sweeping = False
        for (_, address), pair in self._pairs.items():
            if not pair.slots and not pair.tokens:
                continue
            if now_ns >= pair.until_ns:
                self._give_back(pair, address)
            else:
                self._sweeping = True
        if self._sweeping:
            asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _give_back(self, pair: Pair, address: str) -> None:
        if pair.slots or pair.tokens:
            left = Ask("", pair.principal, address, self._address_limits, pair.tokens, pair.slots)
            self._gate.settle(Grant(left, pair.status), 0)
            pair.slots = pair.tokens = 0


def _roomy(ask: Ask, status: RateStatus) -> bool:
    """Whether `SLOTS` such requests are a small part of what every limit leaves."""
    if status.limit_requests and status.remaining_requests < SLOTS * PART_MIN:
        return False
    if status.limit_tokens and status.remaining_tokens < ask.tokens * SLOTS * PART_MIN:
        return False
    for limits in (ask.principal.limits, ask.address_limits):
        if limits.concurrency and limits.concurrency < SLOTS * PART_MIN:
            return False
    return True
