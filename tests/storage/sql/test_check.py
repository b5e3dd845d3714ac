"""The check: quiet about a ledger in order, and loud about each single thing that is not."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, text

from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.check import ITEMS_MAX, check, look_up
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.postings import REFUND
from tests.storage.journal.records import opened
from tests.storage.sql.money import NOW_MS, now_ms, paid, wrong

DAY_MS = 86_400_000
DAMAGE: list[tuple[str, set[str], set[str]]] = [
    (
        "UPDATE entries SET amount_nano = amount_nano + 1 WHERE party = 'operator:sales'",
        {"postings_balanced", "entries_total"},
        {"postings_balanced"},
    ),
    (
        "DELETE FROM entries WHERE posting_id = (SELECT min(id) FROM postings)",
        {"postings_balanced", "balances"},
        {"postings_balanced", "balances"},
    ),
    ("UPDATE accounts SET balance_nano = balance_nano + 1", {"balances"}, {"balances"}),
    ("UPDATE accounts SET version = version + 1", {"balances"}, {"balances"}),
    ("DELETE FROM accounts", {"balances"}, set()),
    ("DELETE FROM usage WHERE exchange_id = 'ex_3'", {"charges", "keys", "usage_days"}, set()),
    ("UPDATE usage SET charge_nano = 9 WHERE exchange_id = 'ex_3'", {"charges", "keys", "usage_days"}, set()),
    ("UPDATE key_spent SET total_nano = total_nano + 1", {"keys"}, set()),
    ("DELETE FROM key_spent", {"keys"}, set()),
    ("UPDATE key_slots SET spent_nano = spent_nano + 50", {"keys"}, set()),
    ("UPDATE usage_days SET requests = requests + 1 WHERE day = 20261120", {"usage_days"}, set()),
    ("DELETE FROM usage_days WHERE day = 20261121", {"usage_days"}, set()),
    ("UPDATE usage_days SET day = 20250101 WHERE day = 20261121", {"usage_days"}, set()),
    ("DELETE FROM usage WHERE charge_nano = 0", {"usage_days"}, set()),
    ("UPDATE open_exchanges SET journal = 'gone'", {"journals_finished"}, {"journals_finished"}),
    ("UPDATE journal_spent SET journal = 'gone'", {"journals_finished"}, {"journals_finished"}),
]
"""What somebody did, and what the whole and the quick check then complain of."""


@pytest.fixture
def anna(engine: Engine) -> str:
    """An account with charges of two days, some held and some not, that was credited enough."""
    accounts = Accounts(engine)
    made = accounts.create("anna", prepaid=True, now_ms=1)
    accounts.credit(made.id, 1_000, now_ms=1)
    ledger = UsageLedger(engine, wall_ms=now_ms)
    ledger.register(["j"])
    rows = [paid(f"ex_{i}", i, account_id=made.id, started_ms=NOW_MS - i * DAY_MS // 2) for i in range(4)]
    ledger.record("j", 0, 8, opened=[opened("ex_open")], checkpoints=[], closed=rows, ended=[])
    ledger.record("j", 0, 9, opened=[], checkpoints=[], closed=[paid("nobody's", 7, account_id="")], ended=[])
    return made.id


def unguard(connection: Connection) -> None:
    """Let this transaction change what triggers guard, as someone could who owns the database."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        return
    for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
        connection.execute(text(f"DROP TRIGGER {name}"))


def test_a_ledger_in_order_is_found_so(engine: Engine, anna: str) -> None:
    findings = check(engine, now_ms=NOW_MS)
    assert [finding.name for finding in findings] == [
        "postings_balanced",
        "entries_total",
        "balances",
        "charges",
        "keys",
        "usage_days",
        "payments",
        "codes",
        "append_only",
        "journals_finished",
        "below_zero",
        "below_zero_explained",
        "overages",
        "unknown_accounts",
    ]
    assert all(finding.ok and not finding.items for finding in findings)
    quick = check(engine, now_ms=NOW_MS, quick=True)
    assert [finding.name for finding in quick] == ["postings_balanced", "balances", "append_only", "journals_finished"]
    assert all(finding.ok for finding in quick)


def test_an_empty_ledger_is_in_order(engine: Engine) -> None:
    assert wrong(engine) == wrong(engine, quick=True) == []


def test_each_thing_that_is_wrong_is_found(engine: Engine, anna: str) -> None:
    for damage, found, quick in DAMAGE:
        with engine.connect() as connection, connection.begin() as transaction:
            unguard(connection)
            assert connection.execute(text(damage)).rowcount > 0
            findings = [finding for finding in look_up(connection, now_ms=NOW_MS) if not finding.ok]
            quickly = [finding for finding in look_up(connection, now_ms=NOW_MS, quick=True) if not finding.ok]
            transaction.rollback()
        # What was taken away to do the damage.
        guards = {"append_only"} if engine.dialect.name == "sqlite" else set()
        assert {finding.name for finding in findings} == found | guards, damage
        assert {finding.name for finding in quickly} == quick | guards, damage
        assert all(0 < len(finding.items) <= ITEMS_MAX for finding in findings)
    assert wrong(engine) == []


def test_a_trigger_that_is_gone_is_found(engine: Engine, anna: str) -> None:
    with engine.begin() as connection:
        where = " ON entries" if engine.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP TRIGGER entries_no_update{where}"))
    (finding,) = wrong(engine, quick=True)
    assert (finding.name, finding.items) == ("append_only", ("entries_no_update",))
    assert wrong(engine) == [finding]


def test_very_many_mistakes_are_counted_and_some_are_shown(engine: Engine) -> None:
    with engine.begin() as connection:
        for i in range(ITEMS_MAX + 5):
            connection.execute(
                text("INSERT INTO postings (kind, reference, at_ms, note) VALUES ('credit', :r, 1, '')"), {"r": str(i)}
            )
    (finding,) = wrong(engine)
    assert len(finding.items) == ITEMS_MAX and finding.detail.startswith(f"{ITEMS_MAX + 5} times not so")


def overdrawn(engine: Engine, anna: str) -> None:
    """1,000 - 6 were left: this is 500 more, of which 450 were held."""
    record(engine, "over", 1_494, anna, hold_nano=1_044)


def refunded(engine: Engine, anna: str) -> None:
    Accounts(engine).credit(anna, -2_000, now_ms=1, kind=REFUND, reference="x", party="operator:stripe")


def once_unlimited(engine: Engine, anna: str) -> None:
    accounts = Accounts(engine)
    accounts.set_prepaid(anna, False)
    record(engine, "free", 5_000, anna, hold_nano=5_000, purses=KEY_PURSE)
    accounts.set_prepaid(anna, True)


def record(
    engine: Engine,
    exchange_id: str,
    charge_nano: int,
    account_id: str,
    *,
    hold_nano: int,
    purses: int = ACCOUNT_PURSE | KEY_PURSE,
) -> None:
    row = paid(exchange_id, charge_nano, account_id=account_id, hold_nano=hold_nano, purses=purses)
    ledger = UsageLedger(engine, wall_ms=now_ms)
    ledger.record("j", 1, 0, opened=[], checkpoints=[], closed=[row], ended=[])


@pytest.mark.parametrize("reason", [refunded, once_unlimited])
def test_a_balance_below_zero_with_a_reason_is_listed(
    engine: Engine, anna: str, reason: Callable[[Engine, str], None]
) -> None:
    reason(engine, anna)
    assert wrong(engine) == []
    listed = {finding.name: finding.items for finding in check(engine, now_ms=NOW_MS)}
    assert len(listed["below_zero_explained"]) == 1 and anna in listed["below_zero_explained"][0]


def test_an_overage_explains_no_more_than_it_is(engine: Engine, anna: str) -> None:
    overdrawn(engine, anna)
    findings = {finding.name: finding for finding in check(engine, now_ms=NOW_MS)}
    assert not findings["below_zero"].ok and anna in findings["below_zero"].items[0]
    assert findings["overages"].detail.startswith("1 exchanges cost 0.00000045 USD more")
    assert findings["overages"].items[0].startswith("over: 0.00000045 USD")
    record(engine, "more", 100, anna, hold_nano=50, purses=ACCOUNT_PURSE)
    assert [finding.name for finding in wrong(engine)] == ["below_zero"]


def test_an_overage_that_is_the_whole_reason_is_one(engine: Engine, anna: str) -> None:
    record(engine, "over", 1_494, anna, hold_nano=994)
    assert wrong(engine) == []


def test_accounts_without_a_limit_may_be_below_zero(engine: Engine) -> None:
    free = Accounts(engine).create("free", prepaid=False, now_ms=1)
    record(engine, "ex", 500, free.id, hold_nano=0, purses=0)
    findings = {finding.name: finding for finding in check(engine, now_ms=NOW_MS)}
    assert findings["below_zero"].ok and not findings["below_zero_explained"].items


def test_charges_of_accounts_that_do_not_exist_are_listed(engine: Engine) -> None:
    record(engine, "ex", 500, "acct_gone", hold_nano=900)
    findings = {finding.name: finding for finding in check(engine, now_ms=NOW_MS)}
    assert findings["unknown_accounts"].items == ("acct_gone: 0.0000005 USD",)
    assert wrong(engine) == []
