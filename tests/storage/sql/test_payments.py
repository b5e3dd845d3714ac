"""Payments in SQL: kept, found, and what is said of them posted once, in one transaction with the ledger."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from sqlalchemy import Engine, event, func, select

from fastgw.money.topups import PARTS_MAX, Applied, Claim, Opened, Payment, Rank
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.check import check
from fastgw.storage.sql.payments import PaymentStore
from fastgw.storage.sql.postings import LedgerError
from fastgw.storage.sql.tables import PAYMENT_EVENTS

USD = 1_000_000_000
CENT = USD // 100


class Said(msgspec.Struct, frozen=True):
    """A notice."""

    event: str
    claims: tuple[Claim, ...]
    kind: str = "paid"
    provider_ref: str = ""
    currency: str = "USD"


def made(account: str, number: int = 1, *, at_ms: int = 100, provider: str = "stripe", ref: str = "") -> Payment:
    return Payment(
        id=f"pay_{number:016d}",
        provider=provider,
        provider_ref=ref,
        account_id=account,
        state="created",
        currency="USD",
        amount_minor=2000,
        paid_minor=0,
        rate_nano=CENT * 1_000_000,
        credited_nano=0,
        returned_nano=0,
        created_at_ms=at_ms,
        updated_at_ms=at_ms,
    )


@pytest.fixture
def account(engine: Engine) -> str:
    return Accounts(engine).create("Zoë", prepaid=True, now_ms=1).id


def balance(engine: Engine, account: str) -> int:
    found = Accounts(engine).get(account)
    assert found is not None
    return found.balance_nano


def test_a_payment_comes_back_as_it_was_made(engine: Engine, account: str) -> None:
    store = PaymentStore(engine)
    payment = made(account)
    assert store.open(payment, since_ms=0, most=9) is Opened.MADE
    assert store.get(payment.id) == payment
    assert store.get("pay_none") is None
    assert store.unanswered("stripe", 100) and not store.unanswered("stripe", 101)
    assert not store.unanswered("yookassa", 0)
    store.answered(payment.id, "cs_1", 105)
    store.answered(payment.id, "cs_2", 106)
    found = store.find("stripe", provider_ref="cs_1")
    assert (
        found
        == store.find("stripe", payment_id=payment.id)
        == store.find("stripe", payment_id="x", provider_ref="cs_1")
    )
    assert found is not None and (found.state, found.updated_at_ms) == ("open", 106)
    assert store.find("yookassa", payment_id=payment.id, provider_ref="cs_1") is None
    assert store.find("stripe") is None
    assert not store.unanswered("stripe", 0)


def test_payments_are_listed_newest_first(engine: Engine, account: str) -> None:
    store = PaymentStore(engine)
    other = Accounts(engine).create("Max", prepaid=True, now_ms=1).id
    for number in range(4):
        store.open(made(other if number == 2 else account, number, at_ms=number), since_ms=0, most=9)
    assert [one.created_at_ms for one in store.all()] == [3, 2, 1, 0]
    assert [one.created_at_ms for one in store.all(account_id=account, limit=2)] == [3, 1]


def test_only_so_many_can_be_opened_even_at_once(engine: Engine, account: str) -> None:
    store = PaymentStore(engine)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda n: store.open(made(account, n), since_ms=100, most=3), range(8)))
    assert opened.count(Opened.MADE) == 3 and opened.count(Opened.TOO_MANY) == 5
    assert store.open(made(account, 9), since_ms=101, most=3) is Opened.MADE
    assert store.open(made("acct_none", 10), since_ms=0, most=3) is Opened.NO_ACCOUNT


def test_what_is_said_is_posted_once_and_kept(engine: Engine, account: str) -> None:
    store = PaymentStore(engine)
    payment = made(account)
    store.open(payment, since_ms=0, most=9)
    paid = Said("e1", (Claim("", "paid", 2000),), provider_ref="cs_1")
    assert store.apply(payment.id, paid, 200) is Applied.POSTED
    assert store.apply(payment.id, paid, 201) is Applied.AGAIN
    assert store.apply(payment.id, Said("e2", paid.claims), 202) is Applied.NOTED
    assert store.apply(payment.id, Said("e3", (Claim("", "refunded", 500),)), 203) is Applied.POSTED
    assert store.apply(payment.id, Said("e4", (Claim("", "dispute:1", 700, Rank.TAKEN),)), 204) is Applied.POSTED
    found = store.get(payment.id)
    assert found is not None
    assert (found.state, found.paid_minor, found.credited_nano, found.returned_nano, found.provider_ref) == (
        "charged_back",
        2000,
        20 * USD,
        12 * USD,
        "cs_1",
    )
    assert balance(engine, account) == 8 * USD
    history = Accounts(engine).history(account, limit=9)
    assert [(one.kind, one.amount_nano) for one in history] == [
        ("chargeback", -7 * USD),
        ("refund", -5 * USD),
        ("payment", 20 * USD),
    ]
    assert not [finding for finding in check(engine, now_ms=300) if not finding.ok]


def test_what_cannot_be_right_is_on_record_and_moves_nothing(engine: Engine, account: str) -> None:
    store = PaymentStore(engine)
    payment = made(account)
    store.open(payment, since_ms=0, most=9)
    for number, said in enumerate(
        (
            Said("currency", (Claim("", "paid", 5),), currency="RUB"),
            Said("none", (Claim("", "paid", 5),), currency=""),
            Said("less", (Claim("", "paid", -5),)),
            Said("huge", (Claim("", "paid", 2**53),)),
            Said("parts", tuple(Claim(str(n), "paid", 1) for n in range(PARTS_MAX + 1))),
        )
    ):
        assert store.apply(payment.id, said, 200 + number) is Applied.REFUSED, said.event
        assert store.apply(payment.id, said, 300) is Applied.AGAIN
    assert store.get(payment.id) == payment
    assert balance(engine, account) == 0
    assert store.apply(payment.id, Said("no money", (Claim("", "expired"),), currency=""), 400) is Applied.NOTED


def test_nothing_is_half_booked(engine: Engine, account: str) -> None:
    store = PaymentStore(engine)
    payment = made(account)
    store.open(payment, since_ms=0, most=9)
    paid = Said("e1", (Claim("", "paid", 2000),))
    broken = [True]

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if broken[0] and statement.startswith("UPDATE payments"):
            raise OSError("killed before the last statement")

    event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(OSError, match="killed"):
        store.apply(payment.id, paid, 200)
    broken[0] = False
    assert balance(engine, account) == 0
    assert store.get(payment.id) == payment
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(PAYMENT_EVENTS)).scalar_one() == 0
    assert store.apply(payment.id, paid, 201) is Applied.POSTED
    assert balance(engine, account) == 20 * USD


def test_a_balance_that_would_be_too_large_leaves_the_notice_for_later(engine: Engine, account: str) -> None:
    store = PaymentStore(engine)
    payment = made(account)
    store.open(payment, since_ms=0, most=9)
    accounts = Accounts(engine)
    accounts.credit(account, 2**53 - 1 - 5 * USD, now_ms=1)
    with pytest.raises(LedgerError):
        store.apply(payment.id, Said("e1", (Claim("", "paid", 2000),)), 200)
    accounts.credit(account, -50 * USD, now_ms=2, kind="debit")
    assert store.apply(payment.id, Said("e1", (Claim("", "paid", 2000),)), 201) is Applied.POSTED


def test_many_at_once_are_one_after_the_other(engine: Engine, account: str) -> None:
    store = PaymentStore(engine)
    payment = made(account)
    store.open(payment, since_ms=0, most=9)
    grown = [Said(f"e{part}", (Claim("", "paid", part * 100),)) for part in range(1, 11)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda said: store.apply(payment.id, said, 200), grown * 2))
    assert done.count(Applied.AGAIN) == len(grown)
    assert balance(engine, account) == 10 * USD
    assert not [finding for finding in check(engine, now_ms=300) if not finding.ok]
