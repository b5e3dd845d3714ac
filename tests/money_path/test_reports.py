"""What callers and operators read about money: it is always there, and all of it says the same."""

import csv
import io
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.fakes.meter import Plan
from tests.money_path import desk
from tests.money_path.till import Account, Till
from tests.money_path.worth import PLAIN, worth
from tests.path.evidence import until

CHARGE_NANO = worth({"in_text": 11, "out_text": 7}, PLAIN)
SPENT = 3


def get(till: Till, path: str, key: str) -> httpx.Response:
    return till.http.get(till.gateway.url + path, headers={"authorization": f"Bearer {key}"})


def nano(value: Any) -> int:
    exact = Decimal(str(value)) * 1_000_000_000
    return round(exact)


@pytest.fixture(scope="module")
def spender(_till: Till) -> tuple[Account, str]:
    """An account of a dollar whose one key has asked three times."""
    account = _till.account(usd="1")
    key = account.key("--quota-usd", "0.5", "--quota-5h-usd", "0.25")
    for number in range(SPENT):
        assert _till.ask(key, Plan(id=f"report-{number}"), cap=20).status == 200
    until(lambda: len(account.rows()) == SPENT, "the rows")
    account.until_settled()
    return account, key


@pytest.mark.parametrize("path", ["/v1/models", "/v1/usage", "/dashboard/billing/subscription", "/v1beta/models"])
def test_who_has_nothing_may_look(till: Till, path: str) -> None:
    told = get(till, path, till.account().key())
    assert told.status_code == 200, told.text


def test_usage_of_a_wallet(till: Till) -> None:
    account = till.account(usd="2")
    key = account.key()
    till.row(till.ask(key, Plan(id="wallet"), cap=20))
    told = until(lambda: _usage_with(till, key, 1), "the usage to be told")
    assert (told["mode"], told["isValid"], told["unit"]) == ("unrestricted", True, "USD")
    left = 2_000_000_000 - CHARGE_NANO
    assert nano(told["balance"]) == nano(told["remaining"]) == left
    assert told["usage"]["total"]["total_tokens"] == 18


def test_usage_of_a_key_with_quotas(till: Till, spender: tuple[Account, str]) -> None:
    told = until(lambda: _usage_with(till, spender[1], SPENT), "the usage to be told")
    assert (told["mode"], told["isValid"], told["status"]) == ("quota_limited", True, "active")
    spent = SPENT * CHARGE_NANO
    quota = told["quota"]
    assert (nano(quota["limit"]), nano(quota["used"]), nano(quota["remaining"])) == (
        500_000_000,
        spent,
        500_000_000 - spent,
    )
    assert quota["unit"] == told["unit"] == "USD"
    (window,) = told["rate_limits"]
    assert window["window"] == "5h"
    assert (nano(window["limit"]), nano(window["used"])) == (250_000_000, spent)
    assert window["reset_at"]
    for span in ("today", "total"):
        sums = told["usage"][span]
        assert (sums["requests"], sums["input_tokens"], sums["output_tokens"]) == (SPENT, 11 * SPENT, 7 * SPENT)
        assert sums["total_tokens"] == 18 * SPENT
        assert nano(sums["actual_cost"]) == spent
    assert len(told["daily_usage"]) >= 1
    assert [one["model"] for one in told["model_stats"]] == ["plain/fake-1"]


def test_billing_of_old_clients(till: Till, spender: tuple[Account, str]) -> None:
    until(lambda: _usage_with(till, spender[1], SPENT), "the usage to be told")
    subscription = get(till, "/dashboard/billing/subscription", spender[1]).json()
    assert subscription["object"] == "billing_subscription"
    assert subscription["hard_limit_usd"] > 0
    dates = "start_date=2026-01-01&end_date=2099-01-01"
    usage = get(till, f"/v1/dashboard/billing/usage?{dates}", spender[1])
    if usage.status_code == 404:
        usage = get(till, f"/dashboard/billing/usage?{dates}", spender[1])
    # In cents.
    assert nano(usage.json()["total_usage"]) == 100 * SPENT * CHARGE_NANO


def test_the_export_sums_up_to_the_ledger(till: Till, spender: tuple[Account, str]) -> None:
    account = spender[0]
    done = desk.run(till.gateway, "usage", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    mine = [row for row in rows if row["account_id"] == account.id]
    assert len(mine) == SPENT
    assert sum(nano(row["charge_usd"]) for row in mine) == SPENT * CHARGE_NANO == 1_000_000_000 - account.balance_nano
    known = {row["exchange_id"]: row for row in till.select("SELECT * FROM usage")}
    for row in rows:
        kept = known[row["exchange_id"]]
        assert (nano(row["charge_usd"]), nano(row["cost_usd"])) == (kept["charge_nano"], kept["cost_nano"])
    posted = till.select(
        "SELECT coalesce(sum(amount_nano), 0) AS paid FROM entries JOIN postings ON postings.id = posting_id "
        "WHERE kind = 'charges' AND party = ?",
        account.id,
    )
    assert posted[0]["paid"] == -SPENT * CHARGE_NANO


def test_usage_on_the_command_line(till: Till) -> None:
    told = till.cli("usage")
    (sums,) = till.select("SELECT sum(charge_nano) AS charge, sum(cost_nano) AS cost FROM usage")
    totals = told["totals"]
    assert {sums["charge"], sums["cost"]} <= {value for name, value in totals.items() if "nano" in name}


def _usage_with(till: Till, key: str, requests: int) -> dict[str, Any] | None:
    told = get(till, "/v1/usage", key)
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found if found["usage"]["total"]["requests"] == requests else None
