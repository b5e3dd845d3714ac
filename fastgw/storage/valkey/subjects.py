"""What admission counts by: one subject for each key and each client address, as one worker knows it."""

from fastgw.bucket import NO_RATE, Rate, clamp, correct, debit, rate_requests, rate_tokens, remaining, reset_ms, wait_us
from fastgw.exchange import Ask, Denial, RateStatus, Reason
from fastgw.limits import Limits

KEY_MEMORY_US = 600_000_000
"""A key's record outlives its last use by ten minutes, and its epoch with it: longer than any snapshot of a worker."""
CONCURRENCY_RETRY_MS = 1_000
"""What a caller at its concurrency limit is told; nobody knows when one of its exchanges will end."""

ROOMY_CONCURRENCY = 1_024
ROOMY_TOKENS = 100_000_000
"""Limits from these sizes on do not feel it when something is given back some milliseconds later."""

KEY_REASONS = (Reason.KEY_REQUESTS, Reason.KEY_TOKENS, Reason.KEY_CONCURRENCY)
ADDRESS_REASONS = (Reason.ADDRESS_REQUESTS, Reason.ADDRESS_TOKENS, Reason.ADDRESS_CONCURRENCY)


def gate_name(subject: str) -> str:
    """Name of a key's or address's record, tagged so that on a cluster all of one subject lies on one node."""
    return f"fgw:{{{subject}}}:gate"


class Subject:
    """One key or address: its limits, what runs here, and what the store has yet to be told."""

    __slots__ = (
        "asking", "batch", "concurrency", "correction_us", "cost_r", "epoch", "index", "limits", "memory_us", "name",
        "rate_r", "rate_t", "returned", "roomy", "running", "tat_r", "tat_t", "unsure", "window_r", "window_t",
    )  # fmt: skip

    def __init__(self, name: bytes, limits: Limits, memory_us: int = 0) -> None:
        self.name = name
        self.memory_us = memory_us
        self.running = 0
        """Exchanges that run in this worker."""
        self.asking = 0
        """Asks about it that have no verdict yet."""
        self.unsure = False
        """The store may hold another number of leases than run here; the next heartbeat puts that right."""
        self.returned = 0
        """Leases to give back with the next batch."""
        self.correction_us = 0
        """By how much settlements move the token bucket with the next batch."""
        self.tat_r = 0
        """The worker's own buckets, for when the store is away."""
        self.tat_t = 0
        self.batch = 0
        self.index = 0
        """Place in batch number `batch`."""
        self.epoch = 0
        self.take(limits)

    def take(self, limits: Limits, epoch: int = 0) -> None:
        """Use these limits from now on."""
        self.limits = limits
        self.epoch = epoch
        self.rate_r = rate_requests(limits)
        self.rate_t = rate_tokens(limits)
        self.window_r = self.rate_r.window_us if self.rate_r is not NO_RATE else 0
        self.window_t = self.rate_t.window_us if self.rate_t is not NO_RATE else 0
        self.cost_r = self.rate_r.cost_us(1) if self.window_r else 0
        self.concurrency = limits.concurrency
        self.roomy = not (0 < limits.concurrency < ROOMY_CONCURRENCY or 0 < self.rate_t.burst < ROOMY_TOKENS)

    @property
    def idle(self) -> bool:
        """Nothing would be lost by forgetting it."""
        return not (self.running or self.asking or self.unsure or self.returned or self.correction_us)

    def cost_t(self, tokens: int) -> int:
        """Microseconds that `tokens` take from the token bucket."""
        return self.rate_t.cost_us(tokens) if self.window_t else 0

    def settle(self, debited: int, used: int) -> int:
        """Microseconds by which the bucket must move because `used` tokens were `debited` as an estimate."""
        if not self.window_t or debited == used:
            return 0
        return -self.rate_t.refund_us(debited - used) if used < debited else self.rate_t.cost_us(used - debited)

    def local_obstacle(self, now_us: int, tokens: int) -> tuple[int, int] | None:
        """What stops one request in this worker's own buckets: (0 requests, 1 tokens, 2 concurrency) and the wait."""
        if self.concurrency and self.running >= self.concurrency:
            return 2, 0
        wait_r = wait_us(self.tat_r, now_us, self.window_r, self.cost_r) if self.window_r else 0
        wait_t = wait_us(self.tat_t, now_us, self.window_t, self.cost_t(tokens)) if self.window_t else 0
        if wait_t < 0:
            return 1, 0
        if wait_r == wait_t == 0:
            return None
        return (1, wait_t) if wait_t > wait_r else (0, wait_r)

    def local_take(self, now_us: int, tokens: int) -> None:
        """Debit this worker's own buckets."""
        if self.window_r:
            self.tat_r = debit(self.tat_r, now_us, self.window_r, self.cost_r)
        if self.window_t:
            self.tat_t = debit(self.tat_t, now_us, self.window_t, self.cost_t(tokens))

    def local_correct(self, now_us: int, by_us: int) -> None:
        """Correct this worker's own token bucket."""
        self.tat_t = correct(clamp(self.tat_t, now_us, self.window_t), now_us, self.window_t, by_us)


def denial(code: int, wait: int, reasons: tuple[Reason, Reason, Reason], rates: RateStatus) -> Denial:
    """The denial for `code` (0 requests, 1 tokens, 2 concurrency) after a wait in microseconds, 0 for never."""
    retry_after_ms = CONCURRENCY_RETRY_MS if code == 2 else -(-wait // 1000)
    return Denial(reasons[code], retry_after_ms, rates)


def status(
    now_us: int, key: Subject, key_tats: tuple[int, int], address: Subject | None, tats: tuple[int, int]
) -> RateStatus:
    """The tightest request and token limit of a key and an address: whichever has less left."""
    requests = _tighter(now_us, key.rate_r, key_tats[0], address.rate_r if address else NO_RATE, tats[0])
    tokens = _tighter(now_us, key.rate_t, key_tats[1], address.rate_t if address else NO_RATE, tats[1])
    return RateStatus(*requests, *tokens)


def _tighter(now_us: int, one: Rate, one_tat: int, other: Rate, other_tat: int) -> tuple[int, int, int]:
    left = (0, 0, 0) if one is NO_RATE else (one.burst, remaining(one_tat, now_us, one), reset_ms(one_tat, now_us, one))
    if other is NO_RATE:
        return left
    right = (other.burst, remaining(other_tat, now_us, other), reset_ms(other_tat, now_us, other))
    return right if one is NO_RATE or right[1] < left[1] else left


SUBJECTS_MAX = 65_536
"""Subjects that a worker remembers; beyond it the oldest idle ones are forgotten."""


class Subjects:
    """All subjects that a worker has to do with, at most `SUBJECTS_MAX` idle ones."""

    def __init__(self) -> None:
        self._keys: dict[str, Subject] = {}
        self._addresses: dict[str, Subject] = {}

    def __len__(self) -> int:
        return len(self._keys) + len(self._addresses)

    def key(self, ask: Ask) -> Subject:
        """The subject of an ask's key, with the limits that the ask brings unless a newer epoch is known."""
        principal = ask.principal
        found = self._keys.get(principal.key_id)
        if found is None:
            found = Subject(gate_name(principal.key_id).encode(), principal.limits, KEY_MEMORY_US)
            found.epoch = principal.epoch
            _insert(self._keys, principal.key_id, found)
        elif found.limits is not principal.limits and principal.epoch >= found.epoch:
            found.take(principal.limits, principal.epoch)
        return found

    def address(self, ask: Ask) -> Subject | None:
        """The subject of an ask's address, None if addresses have no limits or this client has no address."""
        limits = ask.address_limits
        found = self._addresses.get(ask.address)
        if found is None:
            if not ask.address or not (limits.requests_per_min or limits.tokens_per_min or limits.concurrency):
                return None
            found = Subject(gate_name(ask.address).encode(), limits)
            _insert(self._addresses, ask.address, found)
        elif found.limits is not limits:
            found.take(limits)
        return found

    def all(self) -> list[Subject]:
        """Every subject."""
        return [*self._keys.values(), *self._addresses.values()]


def _insert(subjects: dict[str, Subject], name: str, subject: Subject) -> None:
    if len(subjects) >= SUBJECTS_MAX // 2:
        # A sweep of an eighth at a time makes the cost of one insertion constant on average.
        for old in [n for n, s in list(subjects.items())[: SUBJECTS_MAX // 16] if s.idle]:
            del subjects[old]
    subjects[name] = subject
