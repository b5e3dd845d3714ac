"""Postings: two sides, once, never past the bounds, and never changed again."""

import threading

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from fastgw.money.amounts import AMOUNT_MAX
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.postings import (
    CHARGEBACK,
    CHARGES,
    CODE,
    CREDIT,
    DEBIT,
    PAYMENT,
    REFUND,
    SALES,
    UNKNOWN,
    Charges,
    LedgerError,
    post,
)
from tests.storage.sql.money import NOW_MS, counter, sides, wrong


def account(engine: Engine, name: str = "anna") -> str:
    return Accounts(engine).create(name, prepaid=True, now_ms=NOW_MS).id


def put(
    engine: Engine, account_id: str, amount_nano: int, kind: str = CREDIT, reference: str = "r", **how: str
) -> bool:
    with engine.begin() as connection:
        return post(
            connection,
            account_id=account_id,
            amount_nano=amount_nano,
            kind=kind,
            reference=reference,
            now_ms=NOW_MS,
            **how,
        )


def balance(engine: Engine, account_id: str) -> tuple[int, int]:
    found = Accounts(engine).get(account_id)
    assert found is not None
    return found.balance_nano, found.version


def test_each_kind_has_two_sides_and_moves_the_balance(engine: Engine) -> None:
    anna = account(engine)
    assert put(engine, anna, 70, CREDIT)
    assert put(engine, anna, 5, CODE)
    assert put(engine, anna, 25, PAYMENT, party="operator:stripe")
    assert put(engine, anna, -3, DEBIT)
    assert put(engine, anna, -4, REFUND, party="operator:stripe")
    assert put(engine, anna, -200, CHARGEBACK, party="operator:stripe")
    assert balance(engine, anna) == (-107, 6)
    assert sides(engine, CREDIT) == [("r", "operator:grants", -70), ("r", anna, 70)]
    assert sides(engine, CODE) == [("r", "operator:codes", -5), ("r", anna, 5)]
    assert sides(engine, DEBIT) == [("r", anna, -3), ("r", "operator:grants", 3)]
    assert sides(engine, CHARGEBACK) == [("r", anna, -200), ("r", "operator:stripe", 200)]
    assert counter(engine, "money_version") == 6
    assert wrong(engine) == []


def test_the_same_reference_is_posted_once(engine: Engine) -> None:
    anna, bert = account(engine), account(engine, "bert")
    assert put(engine, anna, 70)
    assert not put(engine, anna, 70)
    assert put(engine, anna, 70, CODE), "another kind has references of its own"
    for account_id, amount_nano in ((bert, 70), (anna, 71)):
        with pytest.raises(LedgerError, match="another account or amount"):
            put(engine, account_id, amount_nano)
    assert balance(engine, anna) == (140, 2) and balance(engine, bert) == (0, 0)
    assert counter(engine, "money_version") == 2


@pytest.mark.parametrize(
    ("amount_nano", "kind", "party", "said"),
    [
        (-1, CREDIT, "", "more than 0"),
        (0, DEBIT, "", "more than 0"),
        (-1, PAYMENT, "operator:stripe", "more than 0"),
        (1, PAYMENT, "", "none of the operator's"),
        (1, PAYMENT, "acct_1234567890abcdef", "none of the operator's"),
        (1, CHARGES, SALES, "no kind"),
        (AMOUNT_MAX + 1, CREDIT, "", "beyond"),
    ],
)
def test_what_is_no_posting_is_refused(engine: Engine, amount_nano: int, kind: str, party: str, said: str) -> None:
    anna = account(engine)
    with pytest.raises(LedgerError, match=said):
        put(engine, anna, amount_nano, kind, party=party)
    assert balance(engine, anna) == (0, 0)


def test_unknown_accounts_and_endless_references_are_refused(engine: Engine) -> None:
    with pytest.raises(LedgerError, match="no account 'acct_none'"):
        put(engine, "acct_none", 1)
    for reference in ("", "r" * 193):
        with pytest.raises(LedgerError, match="1 to 192"):
            put(engine, account(engine, f"n{len(reference)}"), 1, reference=reference)


def test_a_balance_stays_within_what_the_gate_can_hold(engine: Engine) -> None:
    anna = account(engine)
    assert put(engine, anna, AMOUNT_MAX)
    with pytest.raises(LedgerError, match="beyond 9007199"):
        put(engine, anna, 1, reference="one more")
    assert not put(engine, anna, AMOUNT_MAX), "what is there already is no matter of bounds"
    assert put(engine, anna, -AMOUNT_MAX, REFUND, "a", party="operator:x")
    assert put(engine, anna, -AMOUNT_MAX, REFUND, "b", party="operator:x")
    with pytest.raises(LedgerError, match="beyond"):
        put(engine, anna, -1, REFUND, "c", party="operator:x")
    assert balance(engine, anna) == (-AMOUNT_MAX, 3)


def test_a_balance_beyond_that_is_led_back_by_credits(engine: Engine) -> None:
    anna = account(engine)
    charges = Charges(engine.dialect.name)
    with engine.begin() as connection:
        charges.post(connection, {anna: 3 * AMOUNT_MAX}, "j:0:8", NOW_MS)
    with pytest.raises(LedgerError, match="beyond"):
        put(engine, anna, -1, REFUND, "c", party="operator:x")
    for number in range(3):
        assert put(engine, anna, AMOUNT_MAX, reference=f"back {number}")
    assert balance(engine, anna)[0] == 0


def test_a_refused_posting_leaves_the_callers_transaction_as_it_was(engine: Engine) -> None:
    anna = account(engine)
    with engine.begin() as connection:
        with pytest.raises(LedgerError):
            post(connection, account_id="acct_none", amount_nano=1, kind=CREDIT, reference="r", now_ms=1)
        assert post(connection, account_id=anna, amount_nano=1, kind=CREDIT, reference="r", now_ms=1)
    assert balance(engine, anna) == (1, 1)


def test_racing_posts_of_one_reference_count_once(engine: Engine) -> None:
    anna = account(engine)
    posted: list[bool] = []

    def race() -> None:
        posted.append(put(engine, anna, 10))
        put(engine, anna, 1, reference=threading.current_thread().name)

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(posted) == [False, False, False, True]
    assert balance(engine, anna) == (14, 5)
    assert wrong(engine) == []


def test_nothing_that_was_posted_is_changed_or_deleted(engine: Engine) -> None:
    put(engine, account(engine), 70)
    for table, column in (("postings", "at_ms"), ("entries", "amount_nano")):
        replaced = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
        for change in (
            f"UPDATE {table} SET {column} = 0",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}" if engine.dialect.name == "postgresql" else replaced,
        ):
            with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
                connection.execute(text(change))
    assert wrong(engine) == []


def one_sided(connection: Connection) -> None:
    connection.execute(text("INSERT INTO postings (kind, reference, at_ms, note) VALUES ('credit', 'x', 1, '')"))
    posting = connection.execute(text("SELECT max(id) FROM postings")).scalar_one()
    connection.execute(text("INSERT INTO entries VALUES (:id, 'operator:grants', 5)"), {"id": posting})


def test_a_posting_whose_sides_do_not_sum_to_zero_is_refused_or_found(engine: Engine) -> None:
    if engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="do not sum to 0"), engine.begin() as connection:
            one_sided(connection)
        assert wrong(engine) == []
    else:
        with engine.begin() as connection:
            one_sided(connection)
        assert [finding.name for finding in wrong(engine)] == ["postings_balanced", "entries_total"]


def test_charges_know_no_bound_and_no_missing_account(engine: Engine) -> None:
    anna = account(engine)
    put(engine, anna, 5)
    charges = Charges(engine.dialect.name)
    with engine.begin() as connection:
        charges.post(connection, {anna: AMOUNT_MAX, "acct_~gone": 7}, "j:0:8", NOW_MS)
        charges.post(connection, {anna: 1}, "j:0:8", NOW_MS)
    assert balance(engine, anna) == (4 - AMOUNT_MAX, 3)
    assert sides(engine, CHARGES) == [
        (f"j:0:8:{anna}", anna, -AMOUNT_MAX),
        (f"j:0:8:{anna}", SALES, AMOUNT_MAX),
        ("j:0:8:acct_~gone", UNKNOWN, -7),
        ("j:0:8:acct_~gone", SALES, 7),
        (f"j:0:8:{anna}#2", anna, -1),
        (f"j:0:8:{anna}#2", SALES, 1),
    ]
