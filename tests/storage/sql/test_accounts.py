"""Accounts: made once for each name, credited by hand, limited or not, and their keys know it."""

import concurrent.futures

import msgspec
import pytest
from sqlalchemy import Engine

from fastgw import apikey
from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.postings import DEBIT, LedgerError
from tests.storage.journal.records import opened
from tests.storage.sql.money import NOW_MS, counter, paid, wrong


def test_an_account_comes_back_as_it_was_made(engine: Engine) -> None:
    accounts = Accounts(engine)
    made = accounts.create("Zoë & Söhne", prepaid=True, now_ms=5)
    other = accounts.create("b", prepaid=False, now_ms=6)
    assert (made.balance_nano, made.version, made.prepaid, len(made.id)) == (0, 0, True, len("acct_") + 16)
    assert accounts.get(made.id) == accounts.by_name("Zoë & Söhne") == made
    assert accounts.find(other.id) == accounts.find("b") == other
    assert accounts.all() == [made, other]
    assert accounts.get("acct_none") is accounts.by_name("none") is accounts.find("none") is None


@pytest.mark.parametrize("name", ["", "a" * 257, "two\nlines", "acct_looks_like_an_id", "taken"])
def test_a_name_that_cannot_be_one_is_refused(engine: Engine, name: str) -> None:
    accounts = Accounts(engine)
    accounts.create("taken", prepaid=True, now_ms=1)
    with pytest.raises(LedgerError, match="already" if name == "taken" else "cannot be the name"):
        accounts.create(name, prepaid=True, now_ms=1)
    assert len(accounts.all()) == 1


def test_credits_without_a_reference_count_each_time_and_are_listed_newest_first(engine: Engine) -> None:
    accounts = Accounts(engine)
    made = accounts.create("a", prepaid=True, now_ms=1)
    assert accounts.credit(made.id, 10, now_ms=2) and accounts.credit(made.id, 10, now_ms=3, note="thanks")
    assert accounts.credit(made.id, -4, now_ms=4, kind=DEBIT, reference="typo")
    assert not accounts.credit(made.id, -4, now_ms=5, kind=DEBIT, reference="typo")
    ledger = UsageLedger(engine)
    ledger.record("j", 0, 1, opened=[], checkpoints=[], closed=[paid("ex", 3, account_id=made.id)], ended=[])
    found = accounts.get(made.id)
    assert found is not None and (found.balance_nano, found.version) == (13, 4)
    history = accounts.history(made.id)
    assert [(one.kind, one.amount_nano, one.at_ms) for one in history] == [
        ("debit", -4, 4),
        ("credit", 10, 3),
        ("credit", 10, 2),
    ]
    assert history[0].reference == "typo" and history[1].note == "thanks"
    assert len(accounts.history(made.id, limit=1)) == 1


def test_limiting_an_account_renews_its_keys_and_tells_the_keeper(engine: Engine) -> None:
    accounts, keys = Accounts(engine), Keys(engine)
    made = accounts.create("a", prepaid=False, now_ms=1)
    mine = keys.create(apikey.mint(), name="mine", now_ms=1, account_id=made.id)
    other = keys.create(apikey.mint(), name="other", now_ms=2)
    before, money = keys.version(), counter(engine, "money_version")
    limited = accounts.set_prepaid(made.id, True)
    assert limited is not None and limited.prepaid
    assert keys.version() == before + 1 and counter(engine, "money_version") == money + 1
    assert [(key.key_id, key.epoch, key.prepaid) for key in keys.principals()] == [
        (mine.id, 2, True),
        (other.id, 1, False),
    ]
    assert accounts.set_prepaid(made.id, True) == limited
    assert keys.version() == before + 1, "nothing has changed"
    assert accounts.set_prepaid("acct_none", True) is None


def test_the_default_account_pays_for_keys_that_had_nobody(engine: Engine) -> None:
    accounts, keys = Accounts(engine), Keys(engine)
    old = keys.create(apikey.mint(), name="from before", now_ms=1)
    made = accounts.default(7)
    assert (made.name, made.prepaid) == ("default", False)
    (principal,) = keys.principals()
    assert (principal.account_id, principal.prepaid, principal.epoch) == (made.id, False, old.epoch + 1)
    version = keys.version()
    assert accounts.default(8) == made and keys.version() == version
    assert keys.of_account(made.id) == keys.all()


def test_what_is_held_is_what_open_exchanges_hold_of_the_balance(engine: Engine) -> None:
    accounts = Accounts(engine)
    made = accounts.create("a", prepaid=True, now_ms=1)
    holding = [
        msgspec.structs.replace(opened(f"ex_{i}"), account_id=made.id, purses=purses, hold_nano=10 + i)
        for i, purses in enumerate((ACCOUNT_PURSE, ACCOUNT_PURSE | KEY_PURSE, KEY_PURSE, 0))
    ]
    UsageLedger(engine).record("j", 0, 1, opened=holding, checkpoints=[], closed=[], ended=[])
    assert accounts.held(made.id) == 21
    assert accounts.held("acct_none") == 0
    assert wrong(engine) == []


def test_default_is_made_once_when_two_come_at_once(engine: Engine) -> None:
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: Accounts(engine).default(NOW_MS), range(3)))
    assert len({account.id for account in made}) == 1 and len(Accounts(engine).all()) == 1
