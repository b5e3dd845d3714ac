"""Keys: only hashes are stored, a revocation stays, and every change moves the version that the mirror watches."""

import msgspec
import pytest
from sqlalchemy import Engine, text

from fastgw import apikey
from fastgw.exchange import Quotas
from fastgw.limits import Limits
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.keys import KeyRecord, Keys
from fastgw.storage.sql.postings import LedgerError


def test_a_key_comes_back_as_it_was_made_and_is_nowhere_in_the_table(engine: Engine) -> None:
    keys = Keys(engine)
    key = apikey.mint()
    made = keys.create(
        key,
        name="Zoë's laptop",
        now_ms=5,
        limits=Limits(requests_per_min=60, concurrency=2),
        models=("openai/*", "gpt-4o"),
        ips=("10.0.0.0/8",),
        expires_at_s=2**40,
    )
    assert keys.get(made.id) == made
    assert keys.all() == [made]
    principal = made.principal()
    assert keys.principals() == [principal]
    assert principal.digest == apikey.digest(key)
    assert (principal.epoch, principal.disabled, principal.limits.concurrency) == (1, False, 2)
    assert principal.models == ("openai/*", "gpt-4o") and principal.ips == ("10.0.0.0/8",)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM api_keys")).one()
    assert key[len(apikey.DEFAULT_PREFIX) : -4] not in repr(row)


def test_revoking_is_for_good_and_counts_once(engine: Engine) -> None:
    keys = Keys(engine)
    made = keys.create(apikey.mint(), name="a", now_ms=1)
    before = keys.version()
    revoked = keys.revoke(made.id, 7)
    assert revoked is not None
    assert (revoked.revoked_at_ms, revoked.epoch, revoked.principal().disabled) == (7, 2, True)
    assert keys.version() == before + 1
    assert keys.revoke(made.id, 9) == revoked
    assert keys.version() == before + 1
    assert keys.principals()[0].disabled


def test_a_key_is_changed_and_gets_a_newer_epoch(engine: Engine) -> None:
    keys, accounts = Keys(engine), Accounts(engine)
    account = accounts.create("ada", prepaid=True, now_ms=1)
    made = keys.create(apikey.mint(), name="a", now_ms=1)
    other = keys.create(apikey.mint(), name="b", now_ms=2)

    def wider(record: KeyRecord) -> KeyRecord:
        return msgspec.structs.replace(
            record, models=("m",), quotas=Quotas(d1_nano=7), account_id=account.id, group="gold"
        )

    before = keys.version()
    changed = keys.change(made.id, wider)
    assert changed == msgspec.structs.replace(wider(made), epoch=2)
    assert keys.get(made.id) == changed
    assert keys.principals()[0].prepaid
    assert keys.version() == before + 1
    assert keys.change(made.id, wider) == changed
    assert keys.version() == before + 1
    assert keys.get(other.id) == other
    assert keys.change("key_none", wider) is None


def test_a_key_is_not_moved_to_an_account_that_is_not_there(engine: Engine) -> None:
    keys = Keys(engine)
    made = keys.create(apikey.mint(), name="a", now_ms=1)
    with pytest.raises(LedgerError, match="no account 'acct_none'"):
        keys.change(made.id, lambda record: msgspec.structs.replace(record, account_id="acct_none"))
    assert keys.get(made.id) == made


def test_an_unknown_key_is_none(engine: Engine) -> None:
    keys = Keys(engine)
    assert keys.get("key_none") is None
    assert keys.revoke("key_none", 1) is None
    assert keys.version() == 0
    keys.create(apikey.mint(), name="a", now_ms=1)
    assert keys.version() == 1


def test_a_key_knows_whether_its_account_is_limited(engine: Engine) -> None:
    keys, accounts = Keys(engine), Accounts(engine)
    limited = accounts.create("limited", prepaid=True, now_ms=1)
    free = accounts.create("free", prepaid=False, now_ms=1)
    quotas = Quotas(total_nano=5, month_nano=2**53 - 1)
    first = keys.create(apikey.mint(), name="a", now_ms=1, account_id=limited.id, quotas=quotas, group="gold")
    second = keys.create(apikey.mint(), name="b", now_ms=2, account_id=free.id)
    third = keys.create(apikey.mint(), name="c", now_ms=3)
    assert keys.principals() == [first.principal(prepaid=True), second.principal(), third.principal()]
    assert keys.principals()[0].quotas == quotas and keys.principals()[0].group == "gold"
    assert keys.of_account(limited.id) == [first]


def test_a_key_of_no_account_is_refused_and_one_whose_account_is_gone_can_pay_for_nothing(engine: Engine) -> None:
    keys = Keys(engine)
    with pytest.raises(LedgerError, match="no account 'acct_none'"):
        keys.create(apikey.mint(), name="a", now_ms=1, account_id="acct_none")
    assert keys.all() == [] and keys.version() == 0
    keys.create(apikey.mint(), name="a", now_ms=1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE api_keys SET account_id = 'acct_none'"))
    assert keys.principals()[0].prepaid
