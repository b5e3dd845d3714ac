"""Which failures let the next candidate try, and how long a failed lane is spared."""

import pytest

from fastgw.dataplane.routing.failover import COOL_MAX_MS, LANES_MAX, RETRY_AFTER_MAX_MS, Cooling, Verdict, verdict

LANE = ("provider", "credential")


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Verdict.ANSWER), (302, Verdict.FAILED), (400, Verdict.REFUSED), (401, Verdict.ACCOUNT),
        (402, Verdict.ACCOUNT), (403, Verdict.ACCOUNT), (408, Verdict.FAILED), (409, Verdict.FAILED),
        (422, Verdict.REFUSED), (425, Verdict.FAILED), (429, Verdict.BUSY), (500, Verdict.FAILED),
        (529, Verdict.FAILED),
    ],
)  # fmt: skip
def test_statuses(status: int, meaning: Verdict) -> None:
    assert verdict(status) is meaning


def test_failures_in_a_row_cool_longer_up_to_a_bound_and_a_success_ends_it() -> None:
    cooling = Cooling()
    spans = []
    for _ in range(10):
        cooling.failed(LANE, 1_000)
        spans.append(cooling.until_ms[LANE] - 1_000)
    assert spans == sorted(spans)
    assert (spans[0], spans[-1]) == (1_000, COOL_MAX_MS)
    cooling.worked(LANE)
    assert LANE not in cooling.until_ms
    cooling.failed(LANE, 0)
    assert cooling.until_ms[LANE] == 1_000


def test_a_providers_own_word_counts_within_bounds() -> None:
    cooling = Cooling()
    cooling.failed(LANE, 0, 10**9)
    assert cooling.until_ms[LANE] == RETRY_AFTER_MAX_MS


def test_lanes_are_bounded() -> None:
    cooling = Cooling()
    for number in range(LANES_MAX + 5):
        cooling.failed(("p", str(number)), 0)
    assert len(cooling.until_ms) <= LANES_MAX
