"""What the verbs about accounts do. Truth goes to SQL first; a gateway that runs is told through its store."""

from typing import Any

from fastgw import clock
from fastgw.app import moments, output
from fastgw.app.command_stores import account_of, database, standing, tell_keys, tell_purses
from fastgw.app.output import DONE
from fastgw.money.amounts import usd
from fastgw.settings import Settings
from fastgw.storage.sql.accounts import Account, Accounts, Posted
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.postings import CODE, CREDIT, DEBIT

HISTORY_MAX = 20
"""Changes by hand, codes and payments that `accounts show` lists."""


def create_account(settings: Settings, name: str, *, prepaid: bool, as_json: bool) -> int:
    """Make an account and print its id. Raises `StartupError` when the name is taken."""
    with database(settings) as engine:
        account = Accounts(engine).create(name, prepaid=prepaid, now_ms=clock.wall_ms())
    if as_json:
        output.result({"id": account.id, "name": account.name, "prepaid": account.prepaid})
    else:
        told = "prepaid: credit it before its keys are used" if prepaid else "its balance is not limited"
        output.line(f"{account.id}\n\nThis is the account {name}; {told}.")
    return DONE


def credit_account(
    settings: Settings, asked: str, amount_nano: int, *, note: str, reference: str, as_json: bool
) -> int:
    """Add to a balance, or take from it, once for each reference, and tell a running gateway."""
    with database(settings) as engine:
        account = account_of(engine, asked)
        accounts = Accounts(engine)
        credited = accounts.credit(
            account.id,
            amount_nano,
            kind=CREDIT if amount_nano > 0 else DEBIT,
            reference=reference,
            note=note,
            now_ms=clock.wall_ms(),
        )
        account = accounts.get(account.id) or account
    tell_purses(settings, [account.id])
    if as_json:
        output.result({"id": account.id, "credited": credited, **_balance(account)})
    elif credited:
        output.line(f"{account.id} ({account.name}) has {usd(account.balance_nano)} USD now.")
        if account.prepaid and account.balance_nano < 0:
            output.line("That is below zero: nothing runs on this prepaid account until it is credited.")
    else:
        output.line(f"{reference} was posted before; {account.id} ({account.name}) stays as it was.")
    return DONE


def show_account(settings: Settings, asked: str, *, as_json: bool) -> int:
    """Print one account: balance, what running exchanges hold of it, its keys and the last changes of its balance."""
    with database(settings) as engine:
        account = account_of(engine, asked)
        accounts = Accounts(engine)
        gate = standing(settings, account.id)
        held_nano = accounts.held(account.id) if gate is None else gate.held_nano
        keys = Keys(engine).of_account(account.id)
        history = accounts.history(account.id, limit=HISTORY_MAX)
    if as_json:
        output.result(
            {
                **_shown(account),
                "held_nano_usd": held_nano,
                "held_usd": usd(held_nano),
                "keys": [key.id for key in keys],
                "history": [
                    {
                        "kind": one.kind,
                        "reference": one.reference,
                        "amount_nano_usd": one.amount_nano,
                        "at_ms": one.at_ms,
                        "note": one.note,
                    }
                    for one in history
                ],
            }
        )
        return DONE
    output.line(f"{account.id}  {account.name}  {_type(account)}")
    output.line(f"balance {usd(account.balance_nano)} USD, of which {usd(held_nano)} USD are held by running requests")
    output.line(f"keys: {', '.join(f'{key.id} ({key.name})' for key in keys) or 'none'}")
    if history:
        output.line()
        rows = [
            (moments.shown(one.at_ms // 1000), one.kind, usd(one.amount_nano), _reference(one), one.note)
            for one in history
        ]
        output.table(("AT", "KIND", "USD", "REFERENCE", "NOTE"), rows, right=frozenset({2}))
    return DONE


def list_accounts(settings: Settings, *, as_json: bool) -> int:
    """Print all accounts."""
    with database(settings) as engine:
        accounts = Accounts(engine).all()
    if as_json:
        output.result([_shown(account) for account in accounts])
        return DONE
    rows = [(account.id, account.name, _type(account), usd(account.balance_nano)) for account in accounts]
    output.table(("ID", "NAME", "TYPE", "BALANCE USD"), rows, right=frozenset({3}))
    return DONE


def limit_account(settings: Settings, asked: str, *, prepaid: bool, as_json: bool) -> int:
    """Limit an account to its balance, or let it go; tell a running gateway."""
    with database(settings) as engine:
        found = account_of(engine, asked)
        account = Accounts(engine).set_prepaid(found.id, prepaid) or found
        principals = [key.principal(prepaid=prepaid) for key in Keys(engine).of_account(account.id)]
    tell_purses(settings, [account.id])
    tell_keys(settings, principals)
    if as_json:
        output.result(_shown(account))
    else:
        told = "pays from its balance now" if prepaid else "is not limited to its balance any more"
        output.line(f"{account.id} ({account.name}) {told}.")
    return DONE


def _reference(one: Posted) -> str:
    # A code's is its hash; the note has how the code begins.
    return "" if one.kind == CODE else one.reference


def _type(account: Account) -> str:
    return "prepaid" if account.prepaid else "unlimited"


def _balance(account: Account) -> dict[str, Any]:
    return {"balance_nano_usd": account.balance_nano, "balance_usd": usd(account.balance_nano)}


def _shown(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "prepaid": account.prepaid,
        **_balance(account),
        "created_at_ms": account.created_at_ms,
    }
