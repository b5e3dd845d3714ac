"""Laws of the bucket arithmetic."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from fastgw.bucket import (
    MINUTE_US,
    NO_RATE,
    Rate,
    clamp,
    correct,
    debit,
    rate_requests,
    rate_tokens,
    remaining,
    reset_ms,
    wait_us,
)
from fastgw.limits import Limits

NOW = 1_800_000_000_000_000
rates = st.builds(Rate, st.integers(1, 10**9), st.integers(1, 10**9))
steps = st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(1, 50)), max_size=60)


@given(st.integers(1, 100_000), st.integers(1, 1_000), steps)
def test_grants_never_exceed_burst_plus_flow(per_min: int, burst: int, ops: list[tuple[int, int]]) -> None:
    rate, tat, now = Rate(per_min, burst), 0, NOW
    granted: list[tuple[int, int]] = []
    for pause, units in ops:
        now += pause
        cost = rate.cost_us(units)
        if wait_us(tat, now, rate.window_us, cost) == 0:
            tat = debit(tat, now, rate.window_us, cost)
            granted.append((now, units))
    for start in range(len(granted)):
        since, total = granted[start][0], 0
        for at, units in granted[start:]:
            total += units
            assert total <= burst + Fraction((at - since) * per_min, MINUTE_US)


@given(rates, st.integers(1, 10**9))
def test_waiting_as_told_is_enough_and_less_is_not(rate: Rate, units: int) -> None:
    cost, window = rate.cost_us(units), rate.window_us
    tat = NOW + window
    wait = wait_us(tat, NOW, window, cost)
    if wait < 0:
        assert cost > window
    else:
        assert wait_us(tat, NOW + wait, window, cost) == 0
        assert wait == 0 or wait_us(tat, NOW + wait - 1, window, cost) > 0


@given(rates, st.integers(0, 2 * NOW), st.integers(0, 2 * NOW), st.integers(-(10**14), 10**14))
def test_no_clock_and_no_correction_leaves_the_bucket(rate: Rate, tat: int, now: int, by: int) -> None:
    window = rate.window_us
    after = correct(tat, now, window, by)
    assert now <= after <= now + window
    assert 0 <= remaining(after, now, rate) <= rate.burst
    assert 0 <= reset_ms(after, now, rate) <= window // 1000 + 1
    assert clamp(after, now, window) == after


@given(rates, st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_settled_estimate_costs_the_real_use_to_a_microsecond(rate: Rate, estimate: int, used: int) -> None:
    window = rate.window_us
    if rate.cost_us(estimate) > window or rate.cost_us(max(used, estimate)) > window:
        return
    tat = debit(0, NOW, window, rate.cost_us(estimate))
    by = -rate.refund_us(estimate - used) if used < estimate else rate.cost_us(used - estimate)
    settled = correct(tat, NOW, window, by)
    assert 0 <= settled - debit(0, NOW, window, rate.cost_us(used)) <= 1


def test_a_full_bucket_holds_its_burst_and_an_empty_one_nothing() -> None:
    rate = Rate(600, 50)
    assert remaining(0, NOW, rate) == 50
    assert remaining(NOW + rate.window_us, NOW, rate) == 0
    assert reset_ms(NOW + rate.window_us, NOW, rate) == 5_000


def test_a_burst_of_its_own_or_a_minute_s_worth() -> None:
    assert rate_requests(Limits(requests_per_min=60)) == Rate(60, 60)
    assert rate_tokens(Limits(tokens_per_min=60, tokens_burst=5)) == Rate(60, 5)
    assert rate_tokens(Limits(tokens_burst=5)) is NO_RATE
