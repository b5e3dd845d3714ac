"""The arithmetic of token buckets: GCRA in integer microseconds, without a clock and without I/O.

A bucket is one number, the theoretical arrival time (TAT) of the generic cell rate algorithm (ITU-T I.371, ATM Forum
TM 4.1): the moment at which it will be full again. A full bucket has `tat <= now`, an empty one `tat = now + window`,
where `window` is how long an empty bucket takes to fill. Debits add time, refunds take it away. Divisions round against
the caller: a debit up, a refund down, by less than one microsecond each.

The script in `fastgw.storage.valkey.scripts` does the same additions and comparisons on numbers that are computed
here, so that no division happens in Lua, whose numbers are doubles: every value stays far below 2**53.
"""

from typing import NamedTuple

from fastgw.limits import Limits

MINUTE_US = 60_000_000
WINDOW_US_MAX = 366 * 24 * 3600 * 1_000_000
"""No bucket takes longer than a year to fill; with it a TAT stays below 2**53 for 250 years to come."""


class Rate(NamedTuple):
    """One bucket's rate and size. Both 0: no limit."""

    per_min: int
    """Units that flow in per minute, 1 or more."""
    burst: int
    """Units that a full bucket holds, 1 or more."""

    @property
    def window_us(self) -> int:
        """How long an empty bucket takes to fill."""
        return min(self.burst * MINUTE_US // self.per_min, WINDOW_US_MAX)

    def cost_us(self, units: int) -> int:
        """How far a debit of `units` (>= 0) moves the TAT, rounded up, at most one more than any window."""
        return min(-(-units * MINUTE_US // self.per_min), WINDOW_US_MAX + 1)

    def refund_us(self, units: int) -> int:
        """How far giving back `units` (>= 0) moves the TAT, rounded down."""
        return min(units * MINUTE_US // self.per_min, WINDOW_US_MAX)


NO_RATE = Rate(0, 0)


def rate_requests(limits: Limits) -> Rate:
    """The bucket for requests, `NO_RATE` without one."""
    return _rate(limits.requests_per_min, limits.requests_burst)


def rate_tokens(limits: Limits) -> Rate:
    """The bucket for tokens, `NO_RATE` without one."""
    return _rate(limits.tokens_per_min, limits.tokens_burst)


def _rate(per_min: int, burst: int) -> Rate:
    return Rate(per_min, burst or per_min) if per_min > 0 else NO_RATE


def clamp(tat_us: int, now_us: int, window_us: int) -> int:
    """`tat_us` within [now, now + window].

    The upper end matters after the clock jumped back, or the limit was lowered: the bucket then is empty, and nobody
    waits longer than it takes to fill.
    """
    return min(max(tat_us, now_us), now_us + window_us)


def wait_us(tat_us: int, now_us: int, window_us: int, cost_us: int) -> int:
    """How long until a debit of `cost_us` fits: 0 if it fits now, -1 if it never will."""
    if cost_us > window_us:
        return -1
    return max(clamp(tat_us, now_us, window_us) + cost_us - now_us - window_us, 0)


def debit(tat_us: int, now_us: int, window_us: int, cost_us: int) -> int:
    """The TAT after a debit that fits (`wait_us` is 0)."""
    return clamp(tat_us, now_us, window_us) + cost_us


def correct(tat_us: int, now_us: int, window_us: int, by_us: int) -> int:
    """The TAT after a later correction: positive debits more, negative gives back. Never beyond full or empty."""
    return clamp(clamp(tat_us, now_us, window_us) + by_us, now_us, window_us)


def remaining(tat_us: int, now_us: int, rate: Rate) -> int:
    """Units that are left, 0 to `rate.burst`, rounded down."""
    window_us = rate.window_us
    free_us = window_us - (clamp(tat_us, now_us, window_us) - now_us)
    return rate.burst if free_us == window_us else min(free_us * rate.per_min // MINUTE_US, rate.burst)


def reset_ms(tat_us: int, now_us: int, rate: Rate) -> int:
    """Milliseconds until the bucket is full, rounded up."""
    return -(-(clamp(tat_us, now_us, rate.window_us) - now_us) // 1000)
