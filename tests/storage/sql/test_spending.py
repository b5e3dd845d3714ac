"""What one key has spent: its own and nobody else's, with the windows that still hold it."""

from typing import Any

from sqlalchemy import Engine, insert

from fastgw import apikey
from fastgw.spending import KeySpending
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.purses import PurseSource
from fastgw.storage.sql.spending import SpendingReader
from fastgw.storage.sql.tables import KEY_SLOTS, KEY_SPENT
from fastgw.usage import Usage
from tests.storage.sql.books import DAY_MS, NOON_MS, exchange, write

NOON_S = NOON_MS // 1_000


def read(engine: Engine, key_id: str = "key_a", account_id: str = "", **asked: Any) -> KeySpending:
    whole = {"now_ms": NOON_MS, "first_day": 20251120, "last_day": 20251121} | asked
    return SpendingReader(engine).read(key_id, account_id, **whole)


def test_a_key_that_has_done_nothing(engine: Engine) -> None:
    assert read(engine) == KeySpending()
    assert read(engine, account_id="acct_unknown") == KeySpending()


def test_sums_of_a_key_by_day_and_model(engine: Engine) -> None:
    write(
        engine,
        exchange("ex_1", charge_nano=100, total_ms=30),
        exchange("ex_2", charge_nano=50, total_ms=10, model="fake/fake-2", started_ms=NOON_MS - DAY_MS),
        exchange("ex_3", charge_nano=7, started_ms=NOON_MS - 5 * DAY_MS),
        exchange("ex_4", charge_nano=9_000, key_id="key_b"),
        exchange("ex_5", started_ms=NOON_MS - 60_000, usage=Usage(in_text=1, cache_read=2, out_text=4)),
        exchange("ex_6", started_ms=NOON_MS - 59_999, usage=Usage(in_text=1, cache_read=2, out_text=4)),
    )
    found = read(engine)
    assert (found.total.requests, found.total.charge_nano, found.total.total_ms) == (5, 157, 160)
    assert (found.today.requests, found.today.charge_nano) == (3, 100)
    assert found.minute.requests == 2 and found.minute.usage == Usage(in_text=11, cache_read=2, out_text=9)
    assert [(day, sums.charge_nano) for day, sums in found.days] == [(20251120, 50), (20251121, 100)]
    assert [(model, sums.charge_nano) for model, sums in found.models] == [("fake/fake-1", 100), ("fake/fake-2", 50)]
    assert read(engine, first_day=20251122, last_day=20251123).days == ()


def test_windows_hold_what_the_gate_holds(engine: Engine) -> None:
    """The same slots as a purse that the keeper publishes, at every moment that one may leave."""
    with engine.begin() as connection:
        ages_s = (0, 300, 5 * 3_600, 5 * 3_600 + 300, 86_400, 86_400 + 1_800, 7 * 86_400, 7 * 86_400 + 10_500)
        rows = [
            {"key_id": key_id, "slot_s": NOON_S - age_s, "spent_nano": 10**at}
            for at, age_s in enumerate(ages_s)
            for key_id in ("key_a", "key_b")
        ]
        connection.execute(insert(KEY_SLOTS), rows)
        connection.execute(
            insert(KEY_SPENT), {"key_id": "key_a", "version": 1, "total_nano": 5, "month": 202511, "month_nano": 1}
        )
    for later_s in range(0, 11_000, 150):
        now_ms = NOON_MS + later_s * 1_000
        found = read(engine, now_ms=now_ms)
        (purse,) = PurseSource(engine).read(["key_a"], now_ms)
        for window, leaving in zip((found.h5, found.d1, found.d7), purse.leaving, strict=True):
            left = [(at_s, nano) for at_s, nano in leaving if at_s > now_ms // 1_000]
            assert window.spent_nano == sum(nano for _, nano in left)
            assert window.leaves_s == (min(at_s for at_s, _ in left) if left else 0)


def test_the_month_is_the_running_one(engine: Engine) -> None:
    with engine.begin() as connection:
        row = {"key_id": "key_a", "version": 1, "total_nano": 500, "month": 202511, "month_nano": 20}
        connection.execute(insert(KEY_SPENT), row)
    assert (read(engine).spent_nano, read(engine).month_nano) == (500, 20)
    later = read(engine, now_ms=NOON_MS + 20 * DAY_MS)
    assert (later.spent_nano, later.month_nano) == (500, 0)


def test_the_account_behind_several_keys(engine: Engine) -> None:
    account = Accounts(engine).create("team", prepaid=True, now_ms=1)
    Accounts(engine).credit(account.id, 3_000, now_ms=2)
    keys = [
        Keys(engine).create(apikey.mint(), name=name, now_ms=3, account_id=account.id).id for name in ("one", "two")
    ]
    with engine.begin() as connection:
        spent = {"version": 1, "total_nano": 400, "month": 202511, "month_nano": 1}
        connection.execute(insert(KEY_SPENT), [{"key_id": key_id} | spent for key_id in (*keys, "key_other")])
    found = read(engine, keys[0], account.id)
    assert (found.balance_nano, found.paid_nano, found.spent_nano) == (3_000, 800, 400)
