"""Sums for operators: the same by day and by row, with money; and the rows themselves, each once and in order."""

import pytest
from sqlalchemy import Engine

from fastgw.spending import Place
from fastgw.storage.sql.report import UsageReport
from fastgw.usage import Usage
from tests.storage.sql.books import DAY_MS, NOON_MS, exchange, write

MIDNIGHT_MS = NOON_MS - DAY_MS // 2


@pytest.fixture
def report(engine: Engine) -> UsageReport:
    write(
        engine,
        exchange("ex_1", charge_nano=100, cost_nano=80),
        exchange(
            "ex_2",
            charge_nano=2**50,
            cost_nano=7,
            overage_nano=11,
            usage=Usage(in_text=2**40, cache_read=9, searches=3),
        ),
        exchange("ex_3", error="upstream_cut", unpriced=True, model="fake/fake-2", started_ms=NOON_MS - DAY_MS),
        exchange("ex_4", charge_nano=5, key_id="key_b", account_id="acct_b", started_ms=NOON_MS - 2 * DAY_MS),
        exchange("ex_5", charge_nano=6, overage_nano=1, key_id="key_b", account_id="acct_b", started_ms=MIDNIGHT_MS),
    )
    return UsageReport(engine)


def test_sums_hold_money_and_what_had_no_price(report: UsageReport) -> None:
    totals = report.read()["totals"]
    assert (totals["requests"], totals["errors"], totals["unpriced"]) == (5, 1, 1)
    assert (totals["charge_nano"], totals["cost_nano"]) == (2**50 + 111, 87)
    assert (totals["overages"], totals["overage_nano"]) == (2, 12)
    assert totals["input_tokens"] == 2**40 + 9 + 40
    assert (totals["searches"], totals["total_tokens"]) == (3, 2**40 + 9 + 40 + 20), "searches are no tokens"


def test_sums_by_row_and_by_day_are_the_same(report: UsageReport) -> None:
    by_day = report.read(since_ms=MIDNIGHT_MS - DAY_MS, until_ms=MIDNIGHT_MS + DAY_MS)
    # One millisecond more on either side is no midnight, so these are summed up from the rows.
    by_row = report.read(since_ms=MIDNIGHT_MS - DAY_MS + 1, until_ms=MIDNIGHT_MS + DAY_MS - 1)
    assert by_day == by_row
    assert [(row["day"], row["requests"]) for row in by_day["by_day"]] == [(20251120, 1), (20251121, 3)]
    assert [(row["model"], row["requests"]) for row in by_day["by_model"]] == [("fake/fake-1", 3), ("fake/fake-2", 1)]
    assert [(row["account_id"], row["charge_nano"]) for row in by_day["by_account"]] == [
        ("acct_a", 2**50 + 100),
        ("acct_b", 6),
    ]
    assert [row["key_id"] for row in by_day["by_key"]] == ["key_a", "key_b"]


@pytest.mark.parametrize("aside", [0, 1])
def test_bounds_and_filters(report: UsageReport, aside: int) -> None:
    since, until = MIDNIGHT_MS - aside, MIDNIGHT_MS + DAY_MS - aside
    assert report.read(since_ms=since)["totals"]["requests"] == 3
    assert report.read(until_ms=MIDNIGHT_MS + aside)["totals"]["requests"] == 2 + aside
    assert report.read(since_ms=since, until_ms=until, key_id="key_b")["totals"]["charge_nano"] == 6
    of_account = report.read(since_ms=aside, account_id="acct_b")
    assert (of_account["totals"]["charge_nano"], of_account["totals"]["overage_nano"]) == (11, 1)
    assert report.read(since_ms=until)["totals"]["requests"] == 0
    assert report.read(since_ms=until)["by_day"] == []


def test_every_row_comes_once_and_in_order(engine: Engine, report: UsageReport) -> None:
    write(engine, *(exchange(f"ex_same_{i:02}", key_id="key_many", model="m") for i in range(25)))
    found = []
    after: Place | None = None
    while chunk := report.rows(after=after, limit=4):
        assert len(chunk) <= 4
        found += chunk
        after = chunk[-1].place
    places = [row.place for row in found]
    assert places == sorted(set(places)) and len(places) == 30
    assert [row.exchange_id for row in report.rows(account_id="acct_b")] == ["ex_4", "ex_5"]
    assert [row.exchange_id for row in report.rows(key_id="key_a", since_ms=NOON_MS)] == ["ex_1", "ex_2"]
    assert [len(chunk) for chunk in report.every(key_id="key_many")] == [25]
    second = report.rows(key_id="key_a", since_ms=NOON_MS)[1]
    assert (second.usage, second.overage_nano, second.unpriced) == (
        Usage(in_text=2**40, cache_read=9, searches=3),
        11,
        False,
    )
