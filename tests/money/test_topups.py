"""Claims: their order and number do not matter, nothing is returned that was not credited, and states follow."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.money.amounts import AMOUNT_MAX
from fastgw.money.topups import (
    DISPUTE,
    PARTS_MAX,
    RATE_UNITS,
    Claim,
    Rank,
    merged,
    minor_of,
    nano_of,
    standing,
    state_of,
)

abouts = st.sampled_from(["paid", "refunded", "failed", "expired", DISPUTE + "a", DISPUTE + "b"])
claims = st.builds(
    lambda source, about, amount, rank: Claim(source, about, amount, rank if about.startswith(DISPUTE) else Rank.NONE),
    st.sampled_from(["", "1", "2"]),
    abouts,
    st.integers(0, 5_000) | st.just(AMOUNT_MAX),
    st.sampled_from(list(Rank)),
)
rates = st.integers(1, 10**14)


@settings(deadline=None)
@given(st.lists(claims, max_size=12), st.randoms(use_true_random=False))
def test_any_order_and_number_of_claims_end_in_the_same(said: list[Claim], random: object) -> None:
    once = merged((), said)
    shuffled = said * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one_by_one = ()
    for claim in shuffled:
        one_by_one = merged(one_by_one, [claim])  # type: ignore[assignment]
    assert one_by_one == once == merged(once, said)


@settings(deadline=None)
@given(st.lists(claims, max_size=12), rates)
def test_nothing_is_returned_that_was_not_credited(said: list[Claim], rate: int) -> None:
    now = standing(merged((), said), rate)
    assert min(now.refunded_nano, now.disputed_nano) >= 0
    assert now.refunded_nano + now.disputed_nano <= now.credited_nano == nano_of(now.paid_minor, rate)


@settings(deadline=None)
@given(st.lists(claims, max_size=8), claims, rates)
def test_what_was_credited_never_shrinks(said: list[Claim], one_more: Claim, rate: int) -> None:
    parts = merged((), said)
    before, after = standing(parts, rate), standing(merged(parts, [one_more]), rate)
    assert after.credited_nano >= before.credited_nano
    assert after.paid_minor >= before.paid_minor


@settings(deadline=None)
@given(st.integers(1, 10**9), rates)
def test_an_amount_in_usd_is_asked_for_in_full(amount_nano: int, rate: int) -> None:
    minor = minor_of(amount_nano, rate)
    assert nano_of(minor, rate) >= amount_nano > nano_of(minor - 1, rate)


def test_a_payment_in_parts_returns_to_the_last_nano() -> None:
    rate = RATE_UNITS // 3
    parts = merged((), [Claim("", "paid", 1000)])
    assert standing(parts, rate).credited_nano == 333
    for refunded, left in ((1, 332), (2, 332), (999, 0), (1000, 0)):
        parts = merged(parts, [Claim("", "refunded", refunded)])
        now = standing(parts, rate)
        assert now.credited_nano - now.refunded_nano == left


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ([], "open"),
        ([Claim("", "failed")], "failed"),
        ([Claim("", "expired")], "expired"),
        ([Claim("1", "expired"), Claim("2", "failed")], "failed"),
        ([Claim("", "paid", 0)], "open"),
        ([Claim("", "paid", 50)], "partially_paid"),
        ([Claim("", "paid", 100), Claim("", "expired")], "paid"),
        ([Claim("1", "paid", 60), Claim("2", "paid", 60)], "paid"),
        ([Claim("", "refunded", 100)], "open"),
        ([Claim("", "paid", 100), Claim("", "refunded", 40)], "partially_refunded"),
        ([Claim("", "paid", 100), Claim("", "refunded", AMOUNT_MAX)], "refunded"),
        ([Claim("", "paid", 100), Claim("", DISPUTE + "1", 40, Rank.TAKEN)], "charged_back"),
        ([Claim("", "paid", 100), Claim("", DISPUTE + "1", 40, Rank.LOST)], "charged_back"),
        ([Claim("", "paid", 100), Claim("", DISPUTE + "1", 40, Rank.WON)], "paid"),
        ([Claim("", "paid", 100), Claim("", DISPUTE + "1", 40)], "paid"),
    ],
)
def test_states(said: list[Claim], state: str) -> None:
    parts = merged((), said)
    assert state_of(parts, 100, standing(parts, RATE_UNITS)) == state


@pytest.mark.parametrize("amount", [-1, AMOUNT_MAX + 1])
def test_absurd_claims_are_refused(amount: int) -> None:
    with pytest.raises(ValueError, match="no payment"):
        merged((), [Claim("", "paid", amount)])


def test_only_disputes_have_ranks() -> None:
    with pytest.raises(ValueError, match="only disputes"):
        merged((), [Claim("", "paid", 5, Rank.TAKEN)])


def test_parts_are_bounded() -> None:
    parts = merged((), [Claim(str(number), "paid", 1) for number in range(PARTS_MAX)])
    assert merged(parts, parts) == parts
    with pytest.raises(ValueError, match="more than"):
        merged(parts, [Claim("one more", "paid", 1)])
