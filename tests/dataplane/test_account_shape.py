"""The shapes that clients read, field by field: sub2api's usage, and OpenAI's old billing as one-api gives it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.dataplane.account_shape import UNLIMITED_USD, billed, subscription, usage
from fastgw.exchange import Principal, Quotas
from fastgw.limits import Limits
from fastgw.spending import KeySpending, Sums, Window
from fastgw.usage import Usage

NOW_MS = 1_795_277_700_000
"""2026-11-21 16:15 UTC."""
NOW_S = NOW_MS // 1_000
USD = 10**9


def principal(**fields: Any) -> Principal:
    return Principal(key_id="key_a", digest="0" * 64, epoch=1, name="n", limits=Limits(), **fields)


SUMS = Sums(
    requests=3,
    errors=1,
    usage=Usage(
        in_text=10,
        in_audio=1,
        cache_read=5,
        cache_write_5m=2,
        cache_write_1h=3,
        out_text=7,
        out_reasoning=4,
        searches=2,
    ),
    charge_nano=1_500_000_000,
    cost_nano=777,
    total_ms=100,
)
TOLD = {
    "requests": 3,
    "input_tokens": 11,
    "output_tokens": 11,
    "cache_creation_tokens": 5,
    "cache_read_tokens": 5,
    "total_tokens": 32,
    "searches": 2,
    "cost": 1.5,
    "actual_cost": 1.5,
    "charge_nano_usd": 1_500_000_000,
}


def test_a_key_with_quotas() -> None:
    quotas = Quotas(total_nano=10 * USD, h5_nano=5 * USD, d1_nano=6 * USD, d7_nano=7 * USD, month_nano=8 * USD)
    spending = KeySpending(
        spent_nano=2_500_000_000,
        month_nano=USD,
        h5=Window(USD, NOW_S - 3_600, NOW_S + 14_400),
        d7=Window(2 * USD, NOW_S - 86_400, NOW_S + 6 * 86_400),
        balance_nano=77,
    )
    told = usage(principal(quotas=quotas, prepaid=True, account_id="acct_a"), spending, NOW_MS)
    assert told["mode"] == "quota_limited" and told["isValid"] is True and told["status"] == "active"
    assert told["quota"] == {"limit": 10, "used": 2.5, "remaining": 7.5, "unit": "USD"}
    assert (told["remaining"], told["unit"], told["remaining_nano_usd"]) == (7.5, "USD", 4 * USD)
    assert told["rate_limits"] == [
        {
            "window": "5h",
            "limit": 5,
            "used": 1,
            "remaining": 4,
            "window_start": "2026-11-21T15:15:00Z",
            "reset_at": "2026-11-21T20:15:00Z",
        },
        {"window": "1d", "limit": 6, "used": 0, "remaining": 6, "window_start": None},
        {
            "window": "7d",
            "limit": 7,
            "used": 2,
            "remaining": 5,
            "window_start": "2026-11-20T16:15:00Z",
            "reset_at": "2026-11-27T16:15:00Z",
        },
    ]
    assert told["monthly_quota"] == {"limit": 8, "used": 1, "remaining": 7, "unit": "USD"}
    assert "balance" not in told and "subscription" not in told and "expires_at" not in told


def test_a_quota_that_is_used_up_and_one_that_is_exceeded() -> None:
    for spent_nano in (USD, 2 * USD):
        told = usage(
            principal(quotas=Quotas(d1_nano=USD)), KeySpending(d1=Window(spent_nano, NOW_S, NOW_S + 86_400)), NOW_MS
        )
        assert (told["isValid"], told["status"], told["remaining"]) == (True, "quota_exhausted", 0)
        assert "quota" not in told


def test_a_wallet() -> None:
    told = usage(principal(prepaid=True, account_id="acct_a"), KeySpending(balance_nano=12_300_000_001), NOW_MS)
    assert told["mode"] == "unrestricted" and told["isValid"] is True and told["status"] == "active"
    assert (told["remaining"], told["balance"], told["unit"]) == (12.300000001, 12.300000001, "USD")
    assert told["balance_nano_usd"] == 12_300_000_001
    assert isinstance(told["planName"], str)
    empty = usage(principal(prepaid=True, account_id="acct_a"), KeySpending(balance_nano=-5), NOW_MS)
    assert (empty["status"], empty["isValid"], empty["balance_nano_usd"]) == ("insufficient_balance", True, -5)


def test_a_wallet_without_a_limit_and_a_key_that_nobody_pays_for() -> None:
    told = usage(principal(account_id="acct_a"), KeySpending(balance_nano=-3 * USD), NOW_MS)
    assert (told["remaining"], told["unlimited"], told["balance"], told["status"]) == (-1, True, -3, "active")
    nobody = usage(principal(), KeySpending(), NOW_MS)
    assert nobody["remaining"] == -1 and "balance" not in nobody


def test_keys_that_expire() -> None:
    soon = usage(principal(expires_at_s=NOW_S + 86_401), KeySpending(), NOW_MS)
    assert (soon["expires_at"], soon["days_until_expiry"]) == ("2026-11-22T16:15:01Z", 2)
    assert soon["isValid"] is True
    for quotas in (None, Quotas(total_nano=USD)):
        past = usage(principal(expires_at_s=NOW_S, quotas=quotas), KeySpending(), NOW_MS)
        assert (past["isValid"], past["status"], past["days_until_expiry"]) == (False, "expired", 0)
    assert usage(principal(expires_at_s=2**60), KeySpending(), NOW_MS)["expires_at"].startswith("9999-12-31")


def test_sums_say_what_was_charged_and_never_what_it_cost_the_operator() -> None:
    minute = Sums(requests=2, usage=Usage(in_text=30, out_text=4))
    spending = KeySpending(
        today=Sums(), total=SUMS, minute=minute, days=((20261120, SUMS),), models=(("fake/fake-1", SUMS),)
    )
    told = usage(principal(), spending, NOW_MS)
    assert told["usage"]["total"] == TOLD
    assert told["usage"]["today"]["requests"] == 0
    assert (told["usage"]["average_duration_ms"], told["usage"]["rpm"], told["usage"]["tpm"]) == (33.3, 2, 34)
    assert told["daily_usage"] == [{"date": "2026-11-20"} | TOLD]
    assert told["model_stats"] == [{"model": "fake/fake-1"} | TOLD]
    assert "777" not in str(told)


def test_the_old_billing_of_those_without_a_limit() -> None:
    spending = KeySpending(spent_nano=3 * USD, paid_nano=9 * USD, balance_nano=-9 * USD)
    told = subscription(principal(account_id="acct_a", expires_at_s=5), spending)
    assert told == {
        "object": "billing_subscription",
        "has_payment_method": True,
        "soft_limit_usd": UNLIMITED_USD,
        "hard_limit_usd": UNLIMITED_USD,
        "system_hard_limit_usd": UNLIMITED_USD,
        "access_until": 5,
    }
    assert billed(principal(account_id="acct_a"), spending) == {"object": "list", "total_usage": 300}


AMOUNTS = st.integers(0, 10**13)


@settings(max_examples=50)
@given(AMOUNTS, AMOUNTS, st.integers(-(10**12), 10**13), st.one_of(st.just(0), AMOUNTS), st.booleans())
def test_what_a_client_works_out_as_left_is_what_is_left(
    spent: int, paid: int, balance: int, quota: int, prepaid: bool
) -> None:
    if not quota and not prepaid:
        return
    spending = KeySpending(spent_nano=spent, paid_nano=paid, balance_nano=balance)
    whose = principal(prepaid=prepaid, account_id="acct_a", quotas=Quotas(total_nano=quota) if quota else None)
    limit = subscription(whose, spending)["hard_limit_usd"]
    left = limit - billed(whose, spending)["total_usage"] / 100
    really = min(one for one in (quota - spent if quota else None, balance if prepaid else None) if one is not None)
    assert abs(left - max(0, really) / USD) < 1e-5
