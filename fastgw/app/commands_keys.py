"""What the verbs about API keys do. Truth goes to SQL first; a gateway that runs is told through its store."""

import ipaddress
from typing import Any

import msgspec

from fastgw import apikey, clock
from fastgw.app import moments, output
from fastgw.app.command_stores import account_of, database, tell_keys
from fastgw.app.margins import Margins
from fastgw.app.output import DONE
from fastgw.errors import StartupError
from fastgw.exchange import Principal, Quotas
from fastgw.limits import Limits
from fastgw.settings import Settings
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.keys import KeyRecord, Keys


class NewKey(msgspec.Struct, frozen=True):
    """What a new key may do. Empty and 0 mean: no rule of its own."""

    name: str
    models: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    rpm: int = 0
    tpm: int = 0
    concurrency: int = 0
    expires_at_s: int = 0
    strict: bool = False
    account: str = ""
    """Id or name; empty: the account `default`, whose balance is not limited."""
    group: str = ""
    quotas: Quotas | None = None


def create_key(settings: Settings, asked: NewKey, *, as_json: bool) -> int:
    """Mint and store a key, tell a running gateway, print it."""
    ips = tuple(_block(text) for text in asked.ips)
    if not Margins(settings).knows(asked.group):
        raise StartupError(
            f"The settings have no group {asked.group}. Add a table [groups.{asked.group}], or leave --group out."
        )
    key = apikey.mint(settings.key_prefix)
    limits = Limits(requests_per_min=asked.rpm, tokens_per_min=asked.tpm, concurrency=asked.concurrency)
    now_ms = clock.wall_ms()
    with database(settings) as engine:
        account = account_of(engine, asked.account) if asked.account else Accounts(engine).default(now_ms)
        record = Keys(engine).create(
            key,
            name=asked.name,
            now_ms=now_ms,
            limits=limits,
            models=asked.models,
            ips=ips,
            expires_at_s=asked.expires_at_s,
            strict=asked.strict,
            account_id=account.id,
            quotas=asked.quotas,
            group=asked.group,
        )
    tell_keys(settings, [record.principal(prepaid=account.prepaid)])
    if as_json:
        output.result({"id": record.id, "key": key})
    else:
        output.line(f"{key}\n\nThis is the key {record.id} ({asked.name}). Keep it: it is not shown again.")
    return DONE


def list_keys(settings: Settings, *, as_json: bool) -> int:
    """Print all keys."""
    with database(settings) as engine:
        records = Keys(engine).all()
        accounts = {account.id: account.name for account in Accounts(engine).all()}
    if as_json:
        output.result([_shown(record) for record in records])
        return DONE
    rows = [
        (
            record.id,
            record.hint,
            record.name,
            _state(record),
            moments.shown(record.expires_at_s),
            accounts.get(record.account_id, record.account_id),
            ",".join(record.models) or "all",
        )
        for record in records
    ]
    output.table(("ID", "KEY", "NAME", "STATE", "EXPIRES", "ACCOUNT", "MODELS"), rows)
    return DONE


def revoke_key(settings: Settings, key_id: str, *, as_json: bool) -> int:
    """Revoke a key and tell a running gateway. Raises `StartupError` when there is no such key."""
    with database(settings) as engine:
        record = Keys(engine).revoke(key_id, clock.wall_ms())
        if record is None:
            raise StartupError(f"There is no key {key_id}. `fastgw keys list` shows all ids.")
        principal = principal_of(record, Accounts(engine))
    tell_keys(settings, [principal])
    if as_json:
        output.result(_shown(record))
    else:
        output.line(f"{record.id} ({record.name}) is revoked.")
    return DONE


def principal_of(record: KeyRecord, accounts: Accounts) -> Principal:
    """A key as the data plane reads it, but for its margin."""
    account = accounts.get(record.account_id) if record.account_id else None
    # A key whose account is not there is one that nobody pays for.
    return record.principal(prepaid=bool(record.account_id) and (account is None or account.prepaid))


def _block(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise StartupError(f"--ips: {text!r} is neither an address nor a CIDR block (10.0.0.0/8).") from error


def _state(record: KeyRecord) -> str:
    if record.revoked_at_ms:
        return "revoked"
    return "expired" if 0 < record.expires_at_s <= clock.wall_ms() // 1000 else "valid"


def _shown(record: KeyRecord) -> dict[str, Any]:
    shown = msgspec.structs.asdict(record)
    del shown["digest"]
    return {**shown, "state": _state(record)}
