"""What `fastgw keys list` and `fastgw keys show` print."""

from typing import Any

import msgspec

from fastgw import clock
from fastgw.app import moments, output
from fastgw.app.command_stores import database, standing
from fastgw.app.output import DONE
from fastgw.errors import StartupError
from fastgw.exchange import Quotas
from fastgw.limits import Limits
from fastgw.money.amounts import usd
from fastgw.settings import Settings
from fastgw.spending import KeySpending, day_of, month_end_s
from fastgw.storage.sql.accounts import Account, Accounts
from fastgw.storage.sql.keys import KeyRecord, Keys
from fastgw.storage.sql.spending import SpendingReader

_QUOTAS = (("total", "in all"), ("5h", "in 5 hours"), ("1d", "in 24 hours"), ("7d", "in 7 days"), ("month", "a month"))
"""Names in JSON and for people, in the order of the fields of `Quotas`."""
NO_QUOTAS = Quotas()


def list_keys(settings: Settings, *, as_json: bool) -> int:
    """Print all keys."""
    with database(settings) as engine:
        records = Keys(engine).all()
        accounts = {account.id: account.name for account in Accounts(engine).all()}
    if as_json:
        output.result([shown(record) for record in records])
        return DONE
    rows = [
        (
            record.id,
            record.hint,
            record.name,
            _state(record),
            moments.shown(record.expires_at_s),
            accounts.get(record.account_id, record.account_id),
            record.group,
            ", ".join(_limits(record.limits)),
            ", ".join(
                f"{usd(amount)} {window}"
                for amount, (_, window) in zip(_amounts(record.quotas), _QUOTAS, strict=True)
                if amount
            ),
            ",".join(record.models) or "all",
            ",".join(record.ips) or "any",
        )
        for record in records
    ]
    head = ("ID", "KEY", "NAME", "STATE", "EXPIRES", "ACCOUNT", "GROUP", "LIMITS", "QUOTAS USD", "MODELS", "IPS")
    output.table(head, rows)
    return DONE


def show_key(settings: Settings, key_id: str, *, as_json: bool) -> int:
    """Print one key, and what is spent of each of its quotas. Raises `StartupError` when there is no such key."""
    now_ms = clock.wall_ms()
    today = day_of(now_ms)
    with database(settings) as engine:
        record = key_of(Keys(engine).get(key_id), key_id)
        account = Accounts(engine).get(record.account_id) if record.account_id else None
        spending = SpendingReader(engine).read(
            record.id, record.account_id, now_ms=now_ms, first_day=today, last_day=today
        )
    gate = standing(settings, record.id)
    held_nano = gate.held_nano if gate is not None else 0
    quotas = _spent(record, spending, held_nano, now_ms)
    if as_json:
        output.result(
            {
                **shown(record),
                "account": None if account is None else {"id": account.id, "name": account.name},
                "requests": spending.total.requests,
                "spent_nano_usd": spending.spent_nano,
                "spent_usd": usd(spending.spent_nano),
                "held_nano_usd": held_nano,
                "held_usd": usd(held_nano),
                "quotas_spent": quotas,
            }
        )
        return DONE
    output.line(f"{record.id}  {record.hint}  {record.name}  {_state(record)}")
    for name, text in _rules(record, account):
        output.line(f"{name:<10}{text}")
    spent = f"{usd(spending.spent_nano)} USD in {spending.total.requests:,} requests"
    output.line(f"{'spent':<10}{spent}; running requests hold {usd(held_nano)} USD of its quotas")
    if quotas:
        output.line()
        titles = dict(_QUOTAS)
        rows = [
            (titles[one["window"]], one["limit_usd"], one["spent_usd"], one["remaining_usd"], _frees(one["frees_at_s"]))
            for one in quotas
        ]
        output.table(("QUOTA", "USD", "SPENT", "LEFT", "NEXT FREED"), rows, right=frozenset({1, 2, 3}))
    return DONE


def key_of(found: KeyRecord | None, key_id: str) -> KeyRecord:
    """The key that was found. Raises `StartupError` when none was."""
    if found is None:
        raise StartupError(f"There is no key {key_id}. `fastgw keys list` shows all ids.")
    return found


def shown(record: KeyRecord) -> dict[str, Any]:
    """A key as JSON has it."""
    told = msgspec.structs.asdict(record)
    del told["digest"]
    return {**told, "state": _state(record)}


def _spent(record: KeyRecord, spending: KeySpending, held_nano: int, now_ms: int) -> list[dict[str, Any]]:
    """The key's quotas with what counts as spent: charged, or held by requests that run."""
    spent = (
        (spending.spent_nano, 0),
        *((window.spent_nano, window.leaves_s) for window in (spending.h5, spending.d1, spending.d7)),
        (spending.month_nano, month_end_s(now_ms)),
    )
    found = []
    for limit_nano, (name, _), (spent_nano, frees_at_s) in zip(_amounts(record.quotas), _QUOTAS, spent, strict=True):
        if limit_nano:
            left_nano = max(0, limit_nano - spent_nano - held_nano)
            found.append(
                {
                    "window": name,
                    "limit_nano_usd": limit_nano,
                    "limit_usd": usd(limit_nano),
                    "spent_nano_usd": spent_nano,
                    "spent_usd": usd(spent_nano),
                    "remaining_nano_usd": left_nano,
                    "remaining_usd": usd(left_nano),
                    "frees_at_s": frees_at_s,
                }
            )
    return found


def _frees(at_s: int) -> str:
    return moments.shown(at_s) if at_s else "-"


def _amounts(quotas: Quotas | None) -> tuple[int, ...]:
    return msgspec.structs.astuple(quotas or NO_QUOTAS)


def _rules(record: KeyRecord, account: Account | None) -> list[tuple[str, str]]:
    if account is None:
        payer = record.account_id or "none"
    else:
        kind = "prepaid" if account.prepaid else "unlimited"
        payer = f"{account.name} ({account.id}), {kind}, balance {usd(account.balance_nano)} USD"
    return [
        ("expires", moments.shown(record.expires_at_s)),
        ("account", payer),
        ("group", record.group or "none"),
        ("limits", ", ".join(_limits(record.limits)) or "those of the guard"),
        ("models", ", ".join(record.models) or "all"),
        ("ips", ", ".join(record.ips) or "any"),
        ("strict", "yes" if record.strict else "no"),
    ]


def _limits(limits: Limits) -> list[str]:
    told = (
        (limits.requests_per_min, "requests/min"),
        (limits.tokens_per_min, "tokens/min"),
        (limits.concurrency, "at once"),
    )
    return [f"{number:,} {unit}" for number, unit in told if number]


def _state(record: KeyRecord) -> str:
    if record.revoked_at_ms:
        return "revoked"
    return "expired" if 0 < record.expires_at_s <= clock.wall_ms() // 1000 else "valid"
