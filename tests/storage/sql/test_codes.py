"""Codes: only hashes are stored, each is redeemed once whoever comes at once, and a lost answer loses nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from fastgw.money import codes as written
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.check import check
from fastgw.storage.sql.codes import CodeRefused, Codes

USD = 1_000_000_000
NOW_MS = 1_800_000_000_000


def test_a_code_brings_its_amount_once(engine: Engine) -> None:
    codes, accounts = Codes(engine), Accounts(engine)
    account = accounts.create("Zoë", prepaid=True, now_ms=1).id
    other = accounts.create("Max", prepaid=True, now_ms=1).id
    (code,) = codes.create(5 * USD, now_ms=NOW_MS)
    assert codes.all()[0].redeemed_at_ms == 0
    first = codes.redeem(f"  {code.lower().replace('-', ' ')}", account, now_ms=NOW_MS)
    assert (first.amount_nano, first.again) == (5 * USD, False)
    again = codes.redeem(code, account, now_ms=NOW_MS + 1)
    assert (again.amount_nano, again.again) == (5 * USD, True)
    with pytest.raises(CodeRefused):
        codes.redeem(code, other, now_ms=NOW_MS)
    balances = {one.id: one.balance_nano for one in accounts.all()}
    assert balances == {account: 5 * USD, other: 0}
    (record,) = codes.all()
    assert (record.redeemed_at_ms, record.account_id, record.amount_nano) == (NOW_MS, account, 5 * USD)
    assert [one.kind for one in accounts.history(account, limit=9)] == ["code"]
    assert not [finding for finding in check(engine, now_ms=NOW_MS) if not finding.ok]


def test_a_code_that_was_revoked_brings_nothing(engine: Engine) -> None:
    codes, accounts = Codes(engine), Accounts(engine)
    account = accounts.create("Zoë", prepaid=True, now_ms=1).id
    one, two, three = codes.create(USD, now_ms=NOW_MS, count=3)
    (later,) = codes.create(USD, now_ms=NOW_MS + 1)
    codes.redeem(two, account, now_ms=NOW_MS)
    (found,) = codes.find(one)
    assert codes.revoke(found, batch=False, now_ms=NOW_MS) == 1
    assert codes.revoke(found, batch=False, now_ms=NOW_MS) == 0
    for code in (one, three):
        assert codes.revoke(found, batch=True, now_ms=NOW_MS) == int(code == one)
        with pytest.raises(CodeRefused):
            codes.redeem(code, account, now_ms=NOW_MS)
    assert codes.redeem(two, account, now_ms=NOW_MS).again
    assert not codes.redeem(later, account, now_ms=NOW_MS + 1).again
    assert codes.find(f" {three.lower()} ") == codes.find(written.hint(three))
    assert codes.find("FGW-") == codes.find("") == []


def test_codes_are_stored_as_hashes(engine: Engine) -> None:
    made = Codes(engine).create(USD, now_ms=NOW_MS, count=20)
    assert len(set(made)) == 20
    with engine.connect() as connection:
        stored = repr(connection.execute(text("SELECT * FROM codes")).all())
    for code in made:
        assert written.digest(code) in stored
        assert all(group not in stored for group in code.split("-")[2:])


def test_why_a_code_is_refused_is_not_told(engine: Engine) -> None:
    codes, accounts = Codes(engine), Accounts(engine)
    account = accounts.create("Zoë", prepaid=True, now_ms=1).id
    other = accounts.create("Max", prepaid=True, now_ms=1).id
    used, late = codes.create(USD, now_ms=NOW_MS, count=2, expires_at_s=NOW_MS // 1000 + 1)
    codes.redeem(used, other, now_ms=NOW_MS)
    said = set()
    for text_, now_ms in ((used, NOW_MS), (late, NOW_MS + 1000), (written.mint(), NOW_MS), ("FGW-1", NOW_MS)):
        with pytest.raises(CodeRefused) as refused:
            codes.redeem(text_, account, now_ms=now_ms)
        said.add(str(refused.value))
    assert len(said) == 1
    assert codes.redeem(late, account, now_ms=NOW_MS + 999).amount_nano == USD
    # Whoever redeemed it in time may ask again after its end.
    assert codes.redeem(late, account, now_ms=NOW_MS + 9_999_999).again


def test_a_code_that_could_not_be_credited_stays_good(engine: Engine) -> None:
    codes, accounts = Codes(engine), Accounts(engine)
    (code,) = codes.create(USD, now_ms=NOW_MS)
    for nobody in ("acct_none", ""):
        with pytest.raises(CodeRefused, match="no such account"):
            codes.redeem(code, nobody, now_ms=NOW_MS)
    rich = accounts.create("rich", prepaid=True, now_ms=1).id
    accounts.credit(rich, 2**53 - 1, now_ms=1)
    with pytest.raises(CodeRefused, match="cannot take"):
        codes.redeem(code, rich, now_ms=NOW_MS)
    account = accounts.create("Zoë", prepaid=True, now_ms=1).id
    assert not codes.redeem(code, account, now_ms=NOW_MS).again


def test_of_many_at_once_one_account_gets_it(engine: Engine) -> None:
    codes, accounts = Codes(engine), Accounts(engine)
    racers = [accounts.create(f"a{number}", prepaid=True, now_ms=1).id for number in range(4)]
    made = codes.create(USD, now_ms=NOW_MS, count=5)

    def redeem(given: tuple[str, str]) -> str:
        try:
            return "again" if codes.redeem(*given, now_ms=NOW_MS).again else "first"
        except CodeRefused:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(redeem, [(code, account) for code in made for account in racers * 2]))
    assert results.count("first") == len(made)
    assert results.count("again") == len(made)
    assert sum(one.balance_nano for one in accounts.all()) == len(made) * USD


@pytest.mark.parametrize(("amount", "count"), [(0, 1), (-5, 1), (USD, 0), (USD, 10_001)])
def test_codes_of_nothing_are_not_made(engine: Engine, amount: int, count: int) -> None:
    with pytest.raises(ValueError, match="code"):
        Codes(engine).create(amount, now_ms=NOW_MS, count=count)
    assert Codes(engine).all() == []
