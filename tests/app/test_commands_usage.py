"""`fastgw usage` with money: sums in every form, one account's alone, and every exchange as CSV."""

import csv
import io

import pytest
from msgspec.structs import replace

from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.usage import Usage
from tests.fakes.shell import Inside
from tests.storage.journal.records import closed


@pytest.fixture
def used(desk: Inside) -> Inside:
    """Two exchanges of ada's account, and one that nobody knows the price of."""
    desk.told("migrate")
    engine = open_engine(f"sqlite:///{desk.folder / 'data' / 'fastgw.db'}")
    ada = Accounts(engine).create("ada", prepaid=True, now_ms=1).id
    one, two, three = (closed(f"ex_{number}", usage=Usage(in_text=10)) for number in (1, 2, 3))
    rows = [
        replace(one, account_id=ada, charge_nano=1_500_000_000, cost_nano=1_000_000_000),
        replace(two, account_id=ada, charge_nano=250_000_000, cost_nano=200_000_000),
        replace(three, unpriced=True),
    ]
    UsageLedger(engine).record("worker-0", 1, 1, opened=[], checkpoints=[], closed=rows, ended=[])
    engine.dispose()
    return desk


def test_sums_show_charges_costs_and_what_has_no_price(used: Inside) -> None:
    told = used.told("usage")
    assert told["totals"] == told["totals"] | {
        "requests": 3,
        "charge_nano": 1_750_000_000,
        "charge_usd": "1.75",
        "cost_usd": "1.2",
        "unpriced": 1,
    }
    lines = used.run("usage", "--by", "account").stdout.splitlines()
    assert lines[0].split()[-5:] == ["CHARGED", "USD", "COST", "USD", "UNPRICED"]
    assert lines[-1].split() == ["total", "3", "0", "30", "0", "30", "1.75", "1.2", "1"]


def test_tables_show_names_and_days_as_they_are_written(used: Inside) -> None:
    head, row, *_ = used.run("usage", "--by", "account", "--account", "ada").stdout.splitlines()
    assert head.split()[:3] == ["ACCOUNT", "NAME", "REQUESTS"]
    assert row.split()[1:3] == ["ada", "2"]
    assert used.run("usage", "--by", "key").stdout.split()[:3] == ["KEY", "NAME", "REQUESTS"]
    _, day, *_ = used.run("usage", "--by", "day").stdout.splitlines()
    told = str(used.told("usage")["by_day"][0]["day"])
    assert day.split()[0] == f"{told[:4]}-{told[4:6]}-{told[6:]}"


def test_one_account_is_counted_alone(used: Inside) -> None:
    told = used.told("usage", "--account", "ada")
    assert told["totals"]["requests"] == 2
    assert told["totals"]["unpriced"] == 0
    assert [row["charge_usd"] for row in told["by_account"]] == ["1.75"]


def test_every_exchange_is_a_line_of_csv(used: Inside) -> None:
    head, *rows = csv.reader(io.StringIO(used.run("usage", "--csv").stdout, newline=""))
    assert [dict(zip(head, row, strict=True))["exchange_id"] for row in rows] == ["ex_1", "ex_2", "ex_3"]
    assert len(used.run("usage", "--csv", "--account", "ada").stdout.splitlines()) == 3
