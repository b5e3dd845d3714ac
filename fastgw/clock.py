"""The clocks of the gateway, by name and unit.

Everything that needs the time takes one of these functions as an argument or imports it from here, so that a test can
give a fixed one. Wall time is for records and for limits shared between machines; monotonic time is for durations and
deadlines, because the wall clock may jump.
"""

import time
from collections.abc import Callable

Clock = Callable[[], int]


def wall_ms() -> int:
    """Milliseconds since the Unix epoch (UTC)."""
    return time.time_ns() // 1_000_000


def wall_us() -> int:
    """Microseconds since the Unix epoch (UTC)."""
    return time.time_ns() // 1_000


monotonic_ns: Clock = time.monotonic_ns
"""Nanoseconds of a clock that never goes back; only differences mean anything."""
