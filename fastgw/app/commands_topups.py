"""What the verbs about redemption codes and payments do."""

from collections.abc import Sequence
from typing import Any

import msgspec

from fastgw import clock
from fastgw.app import moments, output
from fastgw.app.command_stores import account_of, database
from fastgw.app.output import DONE
from fastgw.errors import StartupError
from fastgw.money.amounts import usd
from fastgw.settings import Settings
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.codes import CodeRecord, Codes
from fastgw.storage.sql.payments import PaymentStore

LISTED_MAX = 1_000
"""Codes or payments of one list, the newest ones."""


def create_codes(settings: Settings, amount_nano: int, *, count: int, expires_at_s: int, as_json: bool) -> int:
    """Mint codes and print them."""
    with database(settings) as engine:
        made = Codes(engine).create(amount_nano, count=count, expires_at_s=expires_at_s, now_ms=clock.wall_ms())
    if as_json:
        output.result({"codes": made, "amount_nano_usd": amount_nano, "expires_at_s": expires_at_s})
        return DONE
    for code in made:
        output.line(code)
    each = "This code adds" if len(made) == 1 else f"Each of these {len(made)} codes adds"
    output.line(f"\n{each} {usd(amount_nano)} USD, once. Keep them: they are not shown again.")
    return DONE


def list_codes(settings: Settings, *, as_json: bool) -> int:
    """Print codes, the newest first."""
    with database(settings) as engine:
        found: Sequence[CodeRecord] = Codes(engine).all(limit=LISTED_MAX)
        names = {account.id: account.name for account in Accounts(engine).all()}
    if as_json:
        output.result([_shown(code) for code in found])
        return DONE
    rows = [
        (
            code.hint,
            usd(code.amount_nano),
            _state(code),
            moments.shown(code.expires_at_s),
            names.get(code.account_id, code.account_id),
        )
        for code in found
    ]
    output.table(("CODE", "USD", "STATE", "EXPIRES", "ACCOUNT"), rows, right=frozenset({1}))
    return DONE


def revoke_codes(settings: Settings, text: str, *, batch: bool, as_json: bool) -> int:
    """Revoke a code, or all of its batch. Raises `StartupError` when it is not there, or when nothing is left of it."""
    with database(settings) as engine:
        codes = Codes(engine)
        found = codes.find(text)
        if not found:
            raise StartupError(f"There is no code {text}. `fastgw codes list` shows how all begin.")
        if len(found) > 1:
            raise StartupError(f"{len(found)} codes begin with {text}. Write the whole code.")
        (code,) = found
        revoked = codes.revoke(code, batch=batch, now_ms=clock.wall_ms())
    if not revoked:
        state = _state(code)
        remedy = " `fastgw accounts debit` takes the amount back." if state == "redeemed" else ""
        raise StartupError(f"{code.hint} is {state} already; nothing was revoked.{remedy}")
    if as_json:
        output.result({"revoked": revoked})
    else:
        output.line(
            f"{code.hint} is revoked." if not batch else f"{revoked} codes of the batch of {code.hint} are revoked."
        )
    return DONE


def list_payments(settings: Settings, account: str, *, as_json: bool) -> int:
    """Print payments, the newest first."""
    with database(settings) as engine:
        account_id = account_of(engine, account).id if account else ""
        found = PaymentStore(engine).all(account_id=account_id, limit=LISTED_MAX)
    if as_json:
        output.result([msgspec.structs.asdict(payment) for payment in found])
        return DONE
    rows = [
        (
            payment.id,
            payment.provider,
            payment.state,
            payment.account_id,
            f"{payment.amount_minor} {payment.currency}",
            usd(payment.credited_nano),
            usd(payment.returned_nano),
            moments.shown(payment.created_at_ms // 1000),
        )
        for payment in found
    ]
    head = ("ID", "PROVIDER", "STATE", "ACCOUNT", "AMOUNT (MINOR UNITS)", "CREDITED USD", "RETURNED USD", "AT")
    output.table(head, rows, right=frozenset({4, 5, 6}))
    return DONE


def _state(code: CodeRecord) -> str:
    if code.redeemed_at_ms:
        return "redeemed"
    return "expired" if 0 < code.expires_at_s <= clock.wall_ms() // 1000 else "valid"


def _shown(code: CodeRecord) -> dict[str, Any]:
    shown = msgspec.structs.asdict(code)
    del shown["digest"]
    return {**shown, "state": _state(code)}
