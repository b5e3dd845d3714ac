"""`fastgw keys show` and `keys list`: what a key may do, what it has spent, what is left of its quotas."""

import datetime
from time import time

import pytest
from sqlalchemy import insert

from fastgw.spending import month_end_s
from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.tables import KEY_SLOTS, KEY_SPENT
from tests.fakes.shell import Inside

USD = 1_000_000_000


def spend(desk: Inside, key_id: str) -> int:
    """As drains write it: 3 USD in all, 2 of them this month, half a one an hour ago. The slot's start."""
    now_s = int(time())
    slot_s = (now_s - 3_600) // 300 * 300
    engine = open_engine(f"sqlite:///{desk.folder / 'data' / 'fastgw.db'}")
    date = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    month = {"month": date.year * 100 + date.month, "month_nano": 2 * USD}
    with engine.begin() as connection:
        connection.execute(
            insert(KEY_SPENT), {"key_id": key_id, "total_nano": 3 * USD, "version": 1, "changed": 1} | month
        )
        connection.execute(insert(KEY_SLOTS), {"key_id": key_id, "slot_s": slot_s, "spent_nano": USD // 2})
    engine.dispose()
    return slot_s


def test_a_key_is_shown_with_what_is_spent_of_each_quota(desk: Inside) -> None:
    account = desk.told("accounts", "create", "ada")
    quotas = ("--quota-usd", "10", "--quota-5h-usd", "1", "--quota-month-usd", "1.5")
    key = desk.told("keys", "create", "k", "--account", "ada", "--rpm", "60", *quotas)
    slot_s = spend(desk, key["id"])
    told = desk.told("keys", "show", key["id"])
    (listed,) = desk.told("keys", "list")
    assert told.items() >= listed.items()
    assert told["account"] == {"id": account["id"], "name": "ada"}
    assert (told["spent_nano_usd"], told["spent_usd"], told["held_nano_usd"]) == (3 * USD, "3", 0)
    total, hours, month = told["quotas_spent"]
    assert total == {
        "window": "total",
        "limit_nano_usd": 10 * USD,
        "limit_usd": "10",
        "spent_nano_usd": 3 * USD,
        "spent_usd": "3",
        "remaining_nano_usd": 7 * USD,
        "remaining_usd": "7",
        "frees_at_s": 0,
    }
    assert (hours["window"], hours["spent_usd"], hours["remaining_usd"]) == ("5h", "0.5", "0.5")
    assert hours["frees_at_s"] == slot_s + 300 + 5 * 3_600
    assert (month["window"], month["spent_usd"], month["remaining_usd"]) == ("month", "2", "0")
    assert month["frees_at_s"] == month_end_s(int(time() * 1_000))

    text = desk.run("keys", "show", key["id"]).stdout
    assert "ada" in text and "prepaid" in text and "60 requests/min" in text
    assert "3 USD in 0 requests" in text
    (row,) = [line.split() for line in text.splitlines() if line.startswith("in 5 hours")]
    assert row[3:6] == ["1", "0.5", "0.5"]


def test_a_key_without_rules_is_shown(desk: Inside) -> None:
    key = desk.told("keys", "create", "k")
    told = desk.told("keys", "show", key["id"])
    assert (told["quotas_spent"], told["quotas"], told["spent_nano_usd"]) == ([], None, 0)
    text = desk.run("keys", "show", key["id"]).stdout
    assert "those of the guard" in text and "unlimited" in text and "QUOTA" not in text


def test_a_key_that_is_not_there(desk: Inside) -> None:
    done = desk.run("keys", "show", "key_x")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no key key_x" in done.stderr


@pytest.mark.parametrize("shown", ["50 in all, 5 in 24 hours", "60 requests/min, 4 at once", "gold", "10.0.0.0/8"])
def test_the_list_shows_the_rules(desk: Inside, shown: str) -> None:
    (desk.folder / "gateway.toml").write_text("[groups.gold]\nmargin = 2\n")
    rules = ("--quota-usd", "50", "--quota-day-usd", "5", "--rpm", "60", "--concurrency", "4", "--ips", "10.0.0.0/8")
    desk.run("keys", "create", "k", "--group", "gold", *rules, CONFIG=str(desk.folder / "gateway.toml"))
    assert shown in desk.run("keys", "list").stdout
