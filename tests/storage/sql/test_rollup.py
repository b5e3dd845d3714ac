"""Sums of a stretch: whatever it holds, they come to what adding up row by row comes to, also over many stretches."""

from collections import Counter
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from fastgw.errors import ErrorKind
from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE
from fastgw.records import Closed
from fastgw.storage.sql.rollup import SLOT_S, SLOTS_KEPT_S, Rollup, Sums, month_of, yyyymmdd
from fastgw.usage import Usage
from tests.storage.journal.records import closed
from tests.storage.sql.money import NOW_MS

DAY_MS = 86_400_000


@st.composite
def rows(draw: st.DrawFn) -> Closed:
    return msgspec.structs.replace(
        closed(
            "ex",
            key_id=draw(st.sampled_from(["key_a", "key_b"])),
            model=draw(st.sampled_from(["m", "n\0", "n\N{REPLACEMENT CHARACTER}", "x" * 600, "x" * 700])),
            usage=Usage(
                in_text=draw(st.integers(0, 9)), out_image=draw(st.integers(0, 9)), searches=draw(st.integers(0, 2))
            ),
            started_ms=NOW_MS - draw(st.integers(-2, 40 * 288)) * SLOT_S * 1_000 // 2,
        ),
        account_id=draw(st.sampled_from(["", "acct_a", "acct_b"])),
        purses=draw(st.integers(0, 3)),
        hold_nano=draw(st.integers(0, 20)),
        charge_nano=draw(st.sampled_from([0, 0, 1, 7, 30])),
        cost_nano=draw(st.integers(0, 5)),
        error=draw(st.sampled_from([None, ErrorKind.UPSTREAM_CUT])),
        unpriced=draw(st.booleans()),
    )


@given(st.lists(rows(), max_size=30))
def test_sums_are_those_of_the_rows_one_by_one(stretch: list[Closed]) -> None:
    accounts: Counter[str] = Counter()
    purses: Counter[str] = Counter()
    slots: Counter[tuple[str, int]] = Counter()
    days: dict[tuple[object, ...], Counter[str]] = {}
    overages = 0
    for row in stretch:
        slot_s = min(row.started_ms + row.total_ms, NOW_MS) // 300_000 * 300
        accounts.update({row.account_id: row.charge_nano} if row.account_id else {})
        purses.update({row.account_id: row.charge_nano} if row.purses & ACCOUNT_PURSE and row.account_id else {})
        purses.update({row.key_id: row.charge_nano} if row.purses & KEY_PURSE else {})
        slots.update({(row.key_id, slot_s): row.charge_nano})
        overages += max(0, row.charge_nano - row.hold_nano) if row.purses else 0
        day = int(datetime.fromtimestamp(row.started_ms / 1_000, UTC).strftime("%Y%m%d"))
        name = (day, row.key_id, row.model.replace("\0", "\N{REPLACEMENT CHARACTER}")[:512], row.account_id)
        days.setdefault(name, Counter()).update(
            requests=1,
            errors=int(row.error is not None),
            **msgspec.structs.asdict(row.usage),
            charge_nano=row.charge_nano,
            cost_nano=row.cost_nano,
            unpriced=int(row.unpriced),
            total_ms=row.total_ms,
        )
    sums = Sums(stretch, NOW_MS)
    assert Counter(sums.accounts) == +accounts and Counter(sums.purses) == +purses
    assert all(sums.accounts.values()), "nobody is charged nothing"
    assert Counter(sums.slots) == +slots
    assert sums.overage_nano == overages
    assert {name: list(counts.values()) for name, counts in days.items()} == sums.days


@pytest.fixture
def rollup(engine: Engine) -> Rollup:
    return Rollup(engine.dialect.name)


def written(engine: Engine, rollup: Rollup, *stretches: list[Closed], now_ms: int = NOW_MS) -> None:
    for stretch in stretches:
        with engine.begin() as connection:
            rollup.write(connection, "j", Sums(stretch, now_ms), now_ms)


def spent(exchange_id: str, charge_nano: int, started_ms: int) -> Closed:
    return msgspec.structs.replace(closed(exchange_id, started_ms=started_ms, key_id="key_a"), charge_nano=charge_nano)


def key(engine: Engine) -> tuple[int, ...]:
    with engine.connect() as connection:
        return tuple(connection.execute(text("SELECT version, total_nano, month, month_nano FROM key_spent")).one())


def test_a_month_begins_anew_and_a_late_row_of_an_older_one_counts_to_the_whole_only(
    engine: Engine, rollup: Rollup
) -> None:
    written(engine, rollup, [spent("a", 5, NOW_MS)])
    assert key(engine) == (1, 5, 202611, 5)
    written(engine, rollup, [spent("b", 7, NOW_MS - 30 * DAY_MS)], [spent("c", 1, NOW_MS)])
    assert key(engine) == (3, 13, 202611, 6)
    december = NOW_MS + 10 * DAY_MS
    both = [spent("d", 100, NOW_MS), spent("e", 2, december)]
    written(engine, rollup, both, now_ms=december + 60_000)
    assert key(engine) == (5, 115, 202612, 2)


def test_a_clock_that_is_ahead_does_not_spend_in_the_future(engine: Engine, rollup: Rollup) -> None:
    written(engine, rollup, [spent("a", 5, NOW_MS + 90 * DAY_MS)])
    assert key(engine) == (1, 5, 202611, 5)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT max(slot_s) FROM key_slots")).scalar_one() <= NOW_MS // 1_000


def test_old_slots_are_deleted_and_others_stay(engine: Engine, rollup: Rollup) -> None:
    oldest_ms = NOW_MS - SLOTS_KEPT_S * 1_000
    rows = [spent(f"ex_{age}", 1, oldest_ms + age * SLOT_S * 1_000) for age in (-2, 0, 1)]
    with engine.begin() as connection:
        rollup.write(connection, "j", Sums(rows, NOW_MS), NOW_MS)
    with engine.connect() as connection:
        slots = connection.execute(text("SELECT slot_s FROM key_slots ORDER BY 1")).scalars().all()
    assert slots == [(oldest_ms // 1_000 // SLOT_S + age) * SLOT_S for age in (0, 1)]
    assert key(engine)[1] == 3


@settings(max_examples=50)
@given(st.integers(0, 4 * 10**9))
def test_days_and_months_are_those_of_the_calendar(unix_s: int) -> None:
    moment = datetime.fromtimestamp(unix_s, UTC)
    assert yyyymmdd(unix_s // 86_400) == int(moment.strftime("%Y%m%d"))
    assert month_of(unix_s) == int(moment.strftime("%Y%m"))


def test_a_clock_that_is_wrong_beyond_the_calendar_stops_nothing(engine: Engine, rollup: Rollup) -> None:
    written(engine, rollup, [spent("a", 5, 2**62), spent("b", 5, -(2**62))])
    with engine.connect() as connection:
        assert connection.execute(text("SELECT day FROM usage_days ORDER BY 1")).scalars().all() == [19700101, 99991231]


def test_counts_that_no_database_can_sum_up_stop_no_charge(
    engine: Engine, rollup: Rollup, caplog: pytest.LogCaptureFixture
) -> None:
    endless = [
        msgspec.structs.replace(spent(f"ex_{i}", 5, NOW_MS), usage=Usage(in_text=2**62 + 2**61)) for i in range(2)
    ]
    written(engine, rollup, endless)
    assert key(engine)[1] == 10
    assert "does not fit" in caplog.text
