"""The clocks: their units, and that one of them never goes back."""

import time

from fastgw import clock


def test_wall_clocks_have_the_units_of_their_names() -> None:
    before = time.time()
    milliseconds, microseconds = clock.wall_ms(), clock.wall_us()
    after = time.time()
    assert int(before * 1e3) <= milliseconds <= after * 1e3
    assert int(before * 1e6) <= microseconds <= after * 1e6 + 1


def test_the_monotonic_clock_never_goes_back() -> None:
    seen = [clock.monotonic_ns() for _ in range(1000)]
    assert seen == sorted(seen)
