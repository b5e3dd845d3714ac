"""Accounts, keys that they pay for, and the ledger on the command line; beside a gateway and without one."""

import json

import pytest

from fastgw.exchange import Quotas
from fastgw.money.amounts import NANO_PER_USD
from tests.fakes.shell import Inside


def test_an_account_is_made_credited_and_shown(desk: Inside) -> None:
    made = desk.told("accounts", "create", "ada")
    assert made["id"].startswith("acct_")
    assert made["prepaid"] is True

    credited = desk.told("accounts", "credit", made["id"], "12.50", "--note", "cash", "--reference", "bill 7")
    assert credited["credited"] is True
    again = desk.told("accounts", "credit", "ada", "12.5", "--reference", "bill 7")
    assert again["credited"] is False
    assert again["balance_nano_usd"] == 12_500_000_000

    shown = desk.told("accounts", "show", "ada")
    assert shown["id"] == made["id"]
    assert shown["name"] == "ada"
    assert shown["balance_nano_usd"] == 12_500_000_000
    assert shown["balance_usd"] == "12.5"
    assert shown["held_nano_usd"] == 0
    (posted,) = shown["history"]
    assert posted == posted | {
        "kind": "credit",
        "reference": "bill 7",
        "note": "cash",
        "amount_nano_usd": 12_500_000_000,
    }

    assert desk.told("accounts", "debit", "ada", "0.5", "--note", "typo")["balance_nano_usd"] == 12 * NANO_PER_USD
    (listed,) = desk.told("accounts", "list")
    assert listed["balance_nano_usd"] == 12 * NANO_PER_USD
    assert "ada" in desk.run("accounts", "list").stdout
    assert "12 USD" in desk.run("accounts", "show", made["id"]).stdout


def test_a_reference_means_one_credit_of_one_amount(desk: Inside) -> None:
    desk.told("accounts", "create", "ada")
    desk.told("accounts", "credit", "ada", "1", "--reference", "r")
    done = desk.run("accounts", "credit", "ada", "2", "--reference", "r")
    assert done.returncode == 1
    assert "'r'" in done.stderr
    assert desk.told("accounts", "show", "ada")["balance_usd"] == "1"


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("accounts", "create", "ada"), 1, "ada"),
        (("accounts", "show", "acct_nobody"), 1, "acct_nobody"),
        (("accounts", "credit", "ada", "much"), 2, "much"),
        (("accounts", "credit", "ada", "nan"), 2, "not an amount"),
        (("accounts", "credit", "ada", "0"), 2, "0 USD"),
        (("accounts", "credit", "ada", "0.0000000001"), 2, "nine digits"),
        (("accounts", "credit", "ada", "10000000"), 2, "largest"),
        (("keys", "create", "k", "--account", "nobody"), 1, "nobody"),
        (("keys", "create", "k", "--group", "gold"), 1, "gold"),
        (("keys", "create", "k", "--quota-usd", "-1"), 2, "too little"),
        (("usage", "--account", "nobody"), 1, "nobody"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(desk: Inside, arguments: tuple[str, ...], code: int, hint: str) -> None:
    desk.told("accounts", "create", "ada")
    done = desk.run(*arguments)
    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert hint in done.stderr


def test_a_key_belongs_to_an_account_and_has_quotas(desk: Inside) -> None:
    account = desk.told("accounts", "create", "ada")["id"]
    windows = ("--quota-5h-usd", "1", "--quota-day-usd", "2", "--quota-week-usd", "3", "--quota-month-usd", "0.25")
    key = desk.told("keys", "create", "one", "--account", "ada", "--quota-usd", "10", *windows)
    assert key.keys() == {"id", "key"}
    other = desk.told("keys", "create", "two")
    listed = {one["id"]: one for one in desk.told("keys", "list")}
    quotas = Quotas(**listed[key["id"]]["quotas"])
    assert quotas == Quotas(
        total_nano=10 * NANO_PER_USD,
        h5_nano=NANO_PER_USD,
        d1_nano=2 * NANO_PER_USD,
        d7_nano=3 * NANO_PER_USD,
        month_nano=NANO_PER_USD // 4,
    )
    assert listed[key["id"]]["account_id"] == account
    assert desk.told("accounts", "show", account)["keys"] == [key["id"]]
    assert f"keys: {key['id']} (one)" in desk.run("accounts", "show", "ada").stdout

    default = next(one for one in desk.told("accounts", "list") if one["name"] == "default")
    assert default["prepaid"] is False
    assert listed[other["id"]]["account_id"] == default["id"]
    assert listed[other["id"]]["quotas"] is None


def test_a_group_is_one_of_the_settings(desk: Inside) -> None:
    (desk.folder / "gateway.toml").write_text('[groups.gold]\nmargin = "0.9"\n')
    key = desk.told("keys", "create", "one", "--group", "gold", "--config", str(desk.folder / "gateway.toml"))
    (listed,) = desk.told("keys", "list")
    assert (listed["id"], listed["group"]) == (key["id"], "gold")


def test_an_account_is_limited_and_let_go(desk: Inside) -> None:
    desk.told("accounts", "create", "ada", "--unlimited")
    assert desk.told("accounts", "show", "ada")["prepaid"] is False
    assert desk.told("accounts", "limit", "ada")["prepaid"] is True
    assert desk.told("accounts", "limit", "ada")["prepaid"] is True
    assert desk.told("accounts", "unlimit", "ada")["prepaid"] is False
    table = desk.run("accounts", "list").stdout
    assert table.splitlines()[0].split() == ["ID", "NAME", "TYPE", "BALANCE", "USD"]
    assert "unlimited" in table


def test_a_debit_of_more_than_there_is_says_what_follows(desk: Inside) -> None:
    desk.told("accounts", "create", "ada")
    desk.told("accounts", "create", "bob", "--unlimited")
    assert "below zero" in desk.run("accounts", "debit", "ada", "5").stdout
    assert "below zero" not in desk.run("accounts", "credit", "ada", "5").stdout
    assert "below zero" not in desk.run("accounts", "debit", "bob", "5").stdout


def test_a_ledger_without_charges_is_right(desk: Inside) -> None:
    desk.told("accounts", "create", "ada")
    desk.told("accounts", "credit", "ada", "3")
    told = desk.told("ledger", "check")
    assert told["ok"] is True
    assert all({"name", "ok", "detail"} <= finding.keys() for finding in told["findings"])
    assert "The ledger is right." in desk.run("ledger", "check").stdout


def test_errors_are_json_on_request(desk: Inside) -> None:
    done = desk.run("accounts", "show", "nobody", "--json")
    assert done.returncode == 1
    assert "nobody" in json.loads(done.stderr)["error"]["message"]
