"""Amounts are exact both ways, and what is no amount is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.money.amounts import AMOUNT_MAX, nano, nano_up, usd


@given(st.integers(-AMOUNT_MAX, AMOUNT_MAX))
def test_an_amount_that_is_written_down_is_read_the_same(amount_nano: int) -> None:
    assert nano(usd(amount_nano)) == amount_nano


@pytest.mark.parametrize(
    ("text", "amount_nano"),
    [
        ("12.50", 12_500_000_000),
        ("$3", 3_000_000_000),
        (" 0.000000001 ", 1),
        ("1e-3", 1_000_000),
        ("0.1000000000000000000000000000000000000000", 100_000_000),
        ("-2", -2_000_000_000),
        ("9007199.254740991", AMOUNT_MAX),
        ("0", 0),
    ],
)
def test_an_amount_is_read(text: str, amount_nano: int) -> None:
    assert nano(text) == amount_nano


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "1,5", "1.0000000001", "1.0000000000000000000000000000000001", "1e-99999", "9007199.254740992",
        "-9007199.254740992", "9007199.2547409910000000000000000001", "1e999999", "inf", "nan", "$", "1 2",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|digits"):
        nano(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "sNaN", "much"])
def test_what_is_no_number_is_not_called_too_large(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of USD"):
        nano(text)


def test_the_shortest_exact_text() -> None:
    assert [usd(amount) for amount in (150_000, 12_500_000_000, -3_000_000_000, 0, -1)] == [
        "0.00015",
        "12.5",
        "-3",
        "0",
        "-0.000000001",
    ]


@pytest.mark.parametrize(
    ("amount", "amount_nano"),
    [("0.0000000001", 1), ("1", 10**9), ("1.00000000000000000000000000000000001", 10**9 + 1), ("-0.0000000015", -1)],
)
def test_what_is_finer_is_rounded_up(amount: str, amount_nano: int) -> None:
    assert nano_up(Decimal(amount)) == amount_nano
