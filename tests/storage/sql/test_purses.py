"""Purses: what the ledger knows of balances and spending, as of one moment, and windows that never open too early."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, insert, text

from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE, Purse, worker_number
from fastgw.money.amounts import AMOUNT_MAX
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.purses import NAMES_MAX, WINDOWS, PurseSource
from fastgw.storage.sql.tables import KEY_SLOTS
from tests.storage.sql.money import NOW_MS, now_ms, paid

KEY = "key_0123456789abcdef"
NOW_S = NOW_MS // 1_000


@pytest.fixture
def account(engine: Engine) -> str:
    accounts = Accounts(engine)
    made = accounts.create("anna", prepaid=True, now_ms=1)
    accounts.credit(made.id, 1_000, now_ms=1)
    return made.id


def one(engine: Engine, name: str, at_ms: int = NOW_MS) -> Purse:
    (found,) = PurseSource(engine).read([name], at_ms)
    return found


def test_balance_and_what_each_worker_has_drained_are_of_one_moment(engine: Engine, account: str) -> None:
    ledger = UsageLedger(engine, wall_ms=now_ms)
    ledger.register(["j1", "j2"])
    rows = [
        paid("a", 100, account_id=account),
        paid("b", 10, account_id=account, purses=KEY_PURSE),
        paid("c", 1, account_id=account, purses=ACCOUNT_PURSE),
        paid("d", 500, account_id=account, purses=0),
    ]
    settled = ledger.record("j1", 0, 1, opened=[], checkpoints=[], closed=rows, ended=[])
    assert settled.touched == {account, KEY}
    ledger.record("lost", 0, 1, opened=[], checkpoints=[], closed=[paid("e", 2, account_id=account)], ended=[])
    purse = one(engine, account)
    numbers = {worker_number("j1"): 101, worker_number("j2"): 0}
    assert purse.drained == tuple(sorted(numbers.items())), "a journal that is not registered has no entry"
    assert (purse.balance_nano, purse.version, purse.journals_version) == (1_000 - 613, 3, 1)
    purse = one(engine, KEY)
    assert dict(purse.drained)[worker_number("j1")] == 110
    assert (purse.spent_nano, purse.version, purse.month_nano) == (613, 2, 613)
    ledger.finish("j1", [])
    assert dict(one(engine, account).drained) == {worker_number("j2"): 0}
    assert one(engine, account).journals_version == 2


def test_a_drain_in_the_middle_of_a_reading_is_seen_wholly_or_not_at_all(engine: Engine, account: str) -> None:
    ledger = UsageLedger(engine, wall_ms=now_ms)
    ledger.register(["j"])
    drains = 0

    def drain_now(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal drains
        if statement.startswith("SELECT accounts.id") and not drains:
            drains += 1
            rows = [paid("a", 100, account_id=account)]
            ledger.record("j", 0, 1, opened=[], checkpoints=[], closed=rows, ended=[])
            ledger.register(["other"])

    event.listen(engine, "before_cursor_execute", drain_now)
    before = one(engine, account)
    assert drains == 1
    assert (before.balance_nano, before.version, before.journals_version) == (1_000, 1, 1)
    assert dict(before.drained) == {worker_number("j"): 0}
    after = one(engine, account)
    assert (after.balance_nano, after.version, after.journals_version) == (900, 2, 2)
    assert dict(after.drained) == {worker_number("j"): 100, worker_number("other"): 0}


def test_what_the_ledger_does_not_know_has_nothing(engine: Engine) -> None:
    unknown = PurseSource(engine).read(["key_none", "acct_none"], NOW_MS)
    assert {(purse.name, purse.version, purse.balance_nano, purse.spent_nano) for purse in unknown} == {
        ("key_none", 0, 0, 0),
        ("acct_none", 0, 0, 0),
    }
    assert PurseSource(engine).read([], NOW_MS) == []


def test_amounts_stay_within_what_the_gate_can_hold(engine: Engine, account: str) -> None:
    ledger = UsageLedger(engine, wall_ms=now_ms)
    rows = [paid(f"ex_{i}", AMOUNT_MAX, account_id=account) for i in range(3)]
    ledger.record("j", 0, 1, opened=[], checkpoints=[], closed=rows, ended=[])
    assert one(engine, account).balance_nano == -AMOUNT_MAX
    purse = one(engine, KEY)
    assert (purse.spent_nano, purse.month_nano, purse.leaving[0][0][1]) == (AMOUNT_MAX,) * 3


def test_a_month_that_is_over_has_spent_nothing_of_the_next(engine: Engine, account: str) -> None:
    ledger = UsageLedger(engine, wall_ms=now_ms)
    ledger.record("j", 0, 1, opened=[], checkpoints=[], closed=[paid("a", 9, account_id=account)], ended=[])
    december = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    assert (one(engine, KEY).month_nano, one(engine, KEY).month_until_s) == (9, december)
    purse = one(engine, KEY, december * 1_000)
    assert (purse.spent_nano, purse.month_nano) == (9, 0)
    assert purse.month_until_s == int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    ahead = one(engine, KEY, NOW_MS - 40 * 86_400_000)
    assert (ahead.month_nano, ahead.month_until_s) == (9, december), "a clock behind does not lift a quota"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.integers(0, 8 * 288), st.integers(1, 1_000), max_size=40),
    st.integers(0, 8 * 86_400),
)
def test_amounts_leave_their_windows_on_time_and_never_early(engine: Engine, spent: dict[int, int], later: int) -> None:
    slots = {(NOW_S // 300 - age) * 300: amount for age, amount in spent.items()}
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM key_slots"))
        for slot_s, amount in slots.items():
            connection.execute(insert(KEY_SLOTS), {"key_id": KEY, "slot_s": slot_s, "spent_nano": amount})
    at_s = NOW_S + later
    leaving = one(engine, KEY, at_s * 1_000).leaving
    for (window_s, step_s), amounts in zip(WINDOWS, leaving, strict=True):
        assert list(amounts) == sorted(amounts)
        within = sum(amount for leaves_s, amount in amounts if leaves_s > at_s)
        # The last second of a slot may be when its amount was spent.
        must = sum(amount for slot_s, amount in slots.items() if slot_s + 300 > at_s - window_s)
        may = sum(amount for slot_s, amount in slots.items() if slot_s + step_s > at_s - window_s)
        assert must <= within <= may
        assert len(amounts) <= window_s // step_s + 2


def test_changes_that_no_drain_made_are_found_by_their_number(engine: Engine, account: str) -> None:
    source, accounts = PurseSource(engine), Accounts(engine)
    latest, changed = source.changed_since(0)
    assert (latest, changed) == (1, [account])
    assert source.changed_since(latest) == (1, [])
    other = accounts.create("bert", prepaid=False, now_ms=1)
    UsageLedger(engine).record(
        "j", 0, 1, opened=[], checkpoints=[], closed=[paid("a", 9, account_id=account)], ended=[]
    )
    accounts.set_prepaid(other.id, True)
    assert source.changed_since(latest) == (2, [other.id])


def test_workers_are_those_of_registered_journals(engine: Engine) -> None:
    source, ledger = PurseSource(engine), UsageLedger(engine)
    assert source.workers() == (0, frozenset())
    ledger.register(["a", "b"])
    ledger.register(["b"])
    assert source.workers() == (1, frozenset({worker_number("a"), worker_number("b")}))


def test_as_many_as_one_reading_takes(engine: Engine) -> None:
    names = [f"key_{i:016d}" for i in range(NAMES_MAX)]
    assert [purse.name for purse in PurseSource(engine).read(names, NOW_MS)] == names
