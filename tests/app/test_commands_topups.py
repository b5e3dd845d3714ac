"""Codes and payments on the command line."""

from fastgw.money.topups import Payment
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.codes import Codes
from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.payments import PaymentStore
from tests.fakes.shell import Inside


def test_codes_are_shown_once_and_listed_without_redeeming(desk: Inside) -> None:
    made = desk.told("codes", "create", "--usd", "5", "--count", "2", "--expires", "3d")["codes"]
    assert len(made) == 2
    account = desk.told("accounts", "create", "ada")["id"]
    engine = open_engine(f"sqlite:///{desk.folder / 'data' / 'fastgw.db'}")
    Codes(engine).redeem(made[0], account, now_ms=2)
    engine.dispose()

    assert desk.told("accounts", "show", "ada")["balance_usd"] == "5"
    (row,) = [line for line in desk.run("accounts", "show", "ada").stdout.splitlines() if " code " in line]
    assert row.split()[-3:] == ["code", "5", f"{made[0][:9]}-…"]
    listed = {one["hint"]: one for one in desk.told("codes", "list")}
    assert {one["state"] for one in listed.values()} == {"valid", "redeemed"}
    (spent,) = [one for one in listed.values() if one["state"] == "redeemed"]
    assert (spent["account_id"], spent["amount_nano"]) == (account, 5_000_000_000)
    for text in (desk.run("codes", "list").stdout, desk.run("codes", "list", "--json").stdout):
        assert not any(code in text for code in made)
    one = desk.run("codes", "create", "--usd", "0.25").stdout
    assert one.startswith("FGW-")
    assert "0.25 USD" in one


def test_a_batch_of_codes_says_what_each_is_worth(desk: Inside) -> None:
    assert (
        "Each of these 2 codes adds 10 USD, once." in desk.run("codes", "create", "--usd", "10", "--count", "2").stdout
    )


def test_a_code_is_revoked_alone_or_with_its_batch(desk: Inside) -> None:
    first = desk.told("codes", "create", "--usd", "5", "--count", "3")["codes"]
    (other,) = desk.told("codes", "create", "--usd", "6")["codes"]

    def valid() -> set[str]:
        return {one["hint"] for one in desk.told("codes", "list") if one["state"] == "valid"}

    hints = {code: f"{code[:9]}-…" for code in (*first, other)}
    assert desk.told("codes", "revoke", first[0]) == {"revoked": 1}
    assert valid() == {hints[code] for code in (first[1], first[2], other)}
    done = desk.run("codes", "revoke", first[0])
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "expired already" in done.stderr
    assert desk.told("codes", "revoke", hints[first[1]], "--batch") == {"revoked": 2}
    assert valid() == {hints[other]}
    assert "is revoked" in desk.run("codes", "revoke", other[:9].lower()).stdout
    assert "no code" in desk.run("codes", "revoke", "FGW-00000").stderr


def test_a_code_that_is_redeemed_is_not_revoked(desk: Inside) -> None:
    (made,) = desk.told("codes", "create", "--usd", "5")["codes"]
    account = desk.told("accounts", "create", "ada")["id"]
    engine = open_engine(f"sqlite:///{desk.folder / 'data' / 'fastgw.db'}")
    Codes(engine).redeem(made, account, now_ms=2)
    engine.dispose()
    done = desk.run("codes", "revoke", made)
    assert done.returncode == 1
    assert "redeemed already" in done.stderr and "accounts debit" in done.stderr
    assert desk.told("accounts", "show", "ada")["balance_usd"] == "5"


def test_a_code_over_nothing_is_misuse(desk: Inside) -> None:
    assert desk.run("codes", "create", "--usd", "0").returncode == 2
    assert desk.run("codes", "create").returncode == 2
    assert desk.run("codes", "create", "--usd", "1", "--count", "0").returncode == 2


def test_payments_are_listed_by_account(desk: Inside) -> None:
    assert desk.told("payments", "list") == []
    ada, bob = (desk.told("accounts", "create", name)["id"] for name in ("ada", "bob"))
    engine = open_engine(f"sqlite:///{desk.folder / 'data' / 'fastgw.db'}")
    assert Accounts(engine).get(ada) is not None
    for number, account in enumerate((ada, bob)):
        payment = Payment(
            id=f"pay_{number}",
            provider="stripe",
            provider_ref="",
            account_id=account,
            state="created",
            currency="USD",
            amount_minor=1_000,
            paid_minor=0,
            rate_nano=10_000_000_000_000,
            credited_nano=0,
            returned_nano=0,
            created_at_ms=number,
            updated_at_ms=number,
        )
        PaymentStore(engine).open(payment, since_ms=0, most=10)
    engine.dispose()
    assert [one["id"] for one in desk.told("payments", "list")] == ["pay_1", "pay_0"]
    assert [one["id"] for one in desk.told("payments", "list", "--account", "ada")] == ["pay_0"]
    assert "1000 USD" in desk.run("payments", "list").stdout
