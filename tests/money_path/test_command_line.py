"""The verbs of money on the command line: what each prints with `--json`, and with which code it ends."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gateway import Gateway
from tests.fakes.meter import Plan
from tests.money_path import desk, worth
from tests.money_path.till import Till


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Data that no gateway runs on."""
    config = worth.toml("local/small", worth.ODD)
    config += '[[providers]]\nname = "local"\nbase_url = "http://127.0.0.1:9/v1"\nmodels = ["small"]\n'
    yield Gateway(Path(tmp_path_factory.mktemp("idle")), config)


def told(gateway: Gateway, *arguments: str) -> Any:
    done = desk.run(gateway, *arguments, "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def refused(gateway: Gateway, *arguments: str) -> str:
    """The words of a refusal."""
    done = desk.run(gateway, *arguments, "--json")
    assert done.returncode in {1, 2}, done
    assert not done.stdout
    words: str = json.loads(done.stderr)["error"]["message"]
    return words


def test_an_account_is_made_paid_into_and_shown(idle: Gateway) -> None:
    made = told(idle, "accounts", "create", "anna")
    assert isinstance(made["id"], str)
    empty = told(idle, "accounts", "show", made["id"])
    assert (empty["balance_nano_usd"], empty["held_nano_usd"]) == (0, 0)
    told(idle, "accounts", "credit", made["id"], "12.50")
    told(idle, "accounts", "credit", made["id"], "0.000000001")
    shown = told(idle, "accounts", "show", made["id"])
    assert (shown["balance_nano_usd"], shown["held_nano_usd"]) == (12_500_000_001, 0)
    assert shown["name"] == "anna"
    (listed,) = [one for one in told(idle, "accounts", "list") if one["id"] == made["id"]]
    assert (listed["name"], listed["balance_nano_usd"]) == ("anna", 12_500_000_001)


def test_what_is_no_amount_is_refused(idle: Gateway) -> None:
    made = told(idle, "accounts", "create", "amounts")
    for amount in ("0.0000000001", "twelve", "nan", "99999999999", "0"):
        assert refused(idle, "accounts", "credit", made["id"], amount)
    assert told(idle, "accounts", "show", made["id"])["balance_nano_usd"] == 0


def test_accounts_that_nobody_knows(idle: Gateway) -> None:
    for arguments in (
        ("accounts", "show", "acct_nobody"),
        ("accounts", "credit", "acct_nobody", "1"),
        ("keys", "create", "orphan", "--account", "acct_nobody"),
    ):
        assert "acct_nobody" in refused(idle, *arguments)


def test_two_accounts_have_two_names(idle: Gateway) -> None:
    told(idle, "accounts", "create", "same")
    assert "same" in refused(idle, "accounts", "create", "same")


def test_a_key_has_an_account_and_a_quota(idle: Gateway) -> None:
    account = told(idle, "accounts", "create", "with-keys")
    made = told(idle, "keys", "create", "ci", "--account", account["id"], "--quota-usd", "2.5")
    assert {"id", "key"} <= set(made)
    (listed,) = [one for one in told(idle, "keys", "list") if one["id"] == made["id"]]
    assert listed["account_id"] == account["id"]
    assert "2500000000" in json.dumps(listed)
    assert refused(idle, "keys", "create", "ci", "--account", account["id"], "--quota-usd", "-1")


def test_prices_are_shown(idle: Gateway) -> None:
    shown = json.dumps(told(idle, "prices", "show", "local/small"))
    for price in worth.ODD.values():
        assert str(price) in shown
    assert "nothing" in refused(idle, "prices", "show", "local/nothing")


def test_shipped_prices_are_shown(idle: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from genai_prices import Usage, calc_price

    price = calc_price(Usage(input_tokens=1_000_000), "gpt-4o-mini", provider_id="openai").total_price
    other = Gateway(tmp_path, environ={"OPENAI_API_KEY": "sk-nobody"})
    shown = json.dumps(told(other, "prices", "show", "openai/gpt-4o-mini"))
    assert str(int(price * 1_000_000_000)) in shown


def test_a_ledger_that_was_tampered_with_fails_its_check(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    account = told(gateway, "accounts", "create", "anna")
    told(gateway, "accounts", "credit", account["id"], "1")
    assert desk.run(gateway, "ledger", "check").returncode == 0
    told(gateway, "ledger", "check")
    with sqlite3.connect(gateway.data_dir / "fastgw.db") as database:
        database.execute("UPDATE accounts SET balance_nano = balance_nano + 1")
    database.close()
    found = gateway.cli("ledger", "check", "--json", check=False)
    assert found.returncode == 1
    assert account["id"] in found.stdout
    assert desk.run(gateway, "ledger", "check").returncode == 1


def test_the_ledger_only_grows(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    account = told(gateway, "accounts", "create", "anna")
    told(gateway, "accounts", "credit", account["id"], "1")
    database = sqlite3.connect(gateway.data_dir / "fastgw.db")
    try:
        for change in ("UPDATE entries SET amount_nano = 5", "DELETE FROM entries", "DELETE FROM postings"):
            with pytest.raises(sqlite3.DatabaseError):
                database.execute(change)
            database.rollback()
    finally:
        database.close()


def test_the_first_key_belongs_to_an_account_without_limit(till: Till) -> None:
    (default,) = [one for one in till.cli("accounts", "list") if one["name"] == "default"]
    before = till.cli("accounts", "show", default["id"])["balance_nano_usd"]
    answer = till.ask(till.gateway.key, Plan(id="default"))
    row = till.row(answer)
    assert row["account_id"] == default["id"]
    assert row["charge_nano"] > 0
    after = till.cli("accounts", "show", default["id"])
    assert after["balance_nano_usd"] == before - row["charge_nano"] < 0, "it is charged, and may owe without limit"


def test_a_credit_reaches_a_running_gateway(till: Till) -> None:
    account = till.account()
    asked = till.question(account.key(), Plan(id="credited"), "plain/fake-1", cap=10)
    assert till.send(asked).status == 402
    account.credit("1")
    till.until_status(asked, 200)
