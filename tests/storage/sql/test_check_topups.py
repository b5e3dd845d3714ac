"""A payment or code that the ledger has otherwise is found, whatever it is that differs."""

import pytest
from sqlalchemy import Engine, text

from fastgw.money.topups import Claim, Rank
from fastgw.storage.sql import check_topups
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.codes import Codes
from fastgw.storage.sql.payments import PaymentStore
from fastgw.storage.sql.postings import post
from tests.storage.sql.test_payments import USD, Said, made


def found(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [*check_topups.payments(connection), *check_topups.codes(connection)]


@pytest.fixture
def account(engine: Engine) -> str:
    """Who has paid, got something back, and redeemed a code."""
    account = Accounts(engine).create("Zoë", prepaid=True, now_ms=1).id
    store = PaymentStore(engine)
    store.open(made(account, 1), since_ms=0, most=9)
    store.open(made(account, 2), since_ms=0, most=9)
    for number, claims in enumerate(
        (
            (Claim("", "paid", 2000),),
            (Claim("", "refunded", 300),),
            (Claim("", "dispute:1", 700, Rank.TAKEN),),
            (Claim("", "dispute:1", 700, Rank.WON),),
        )
    ):
        store.apply(made(account, 1).id, Said(f"e{number}", claims), 200)
    used, _ = Codes(engine).create(USD, now_ms=1, count=2)
    Codes(engine).redeem(used, account, now_ms=2)
    return account


def test_what_is_right_is_passed_over(engine: Engine, account: str) -> None:
    assert found(engine) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments SET credited_nano = credited_nano + 1",
        "UPDATE payments SET returned_nano = 0",
        "UPDATE payments SET account_id = 'acct_other' WHERE credited_nano > 0",
        "UPDATE codes SET amount_nano = 5",
        "UPDATE codes SET redeemed_at_ms = 0, account_id = ''",
        "UPDATE codes SET redeemed_at_ms = 1, account_id = 'acct_other'",
    ],
)
def test_what_was_changed_is_found(engine: Engine, account: str, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))
    assert found(engine)


def test_a_payment_that_was_posted_twice_is_found(engine: Engine, account: str) -> None:
    with engine.begin() as connection:
        post(
            connection,
            account_id=account,
            amount_nano=5,
            kind="payment",
            reference=f"{made(account, 2).id}:by hand",
            now_ms=1,
            party="operator:stripe",
        )
    (line,) = found(engine)
    assert line.startswith(made(account, 2).id)
