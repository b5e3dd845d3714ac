"""Moments and amounts as requests write them."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.controlplane.answering import Refused
from fastgw.controlplane.moments import amount_nano, moment_ms
from fastgw.money.amounts import AMOUNT_MAX, usd


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", 0),
        ("1970-01-01", 1),
        ("1960-01-01", 1),
        ("2026-11-21", 1_795_219_200_000),
        ("2026-11-21T01:00:00", 1_795_222_800_000),
        ("2026-11-21T01:00:00.250Z", 1_795_222_800_250),
        ("2026-11-21T01:00:00+01:00", 1_795_219_200_000),
        ("2026-11-21T01:00:00 01:00", 1_795_219_200_000),
    ],
)
def test_moments(text: str, found: int) -> None:
    assert moment_ms(text, "since") == found


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "1795219200", "2026-11-21T00:00:00+99:00", "2026-11-21 "])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(Refused, match="since") as refused:
        moment_ms(text, "since")
    assert refused.value.status == 400


@settings(max_examples=50)
@given(st.integers(1, AMOUNT_MAX))
def test_every_amount_comes_through_exactly(nano: int) -> None:
    assert amount_nano(Decimal(usd(nano))) == nano


@pytest.mark.parametrize("text", ["0", "-1", "NaN", "sNaN", "Infinity", "1e999999", "1e-10", "9007199.254740992"])
def test_what_is_no_amount_to_pay(text: str) -> None:
    with pytest.raises(Refused) as refused:
        amount_nano(Decimal(text))
    assert refused.value.status == 400
