"""What the verbs that make and change API keys do. Truth goes to SQL first; a gateway that runs is told through its
store."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from fastgw import apikey, clock
from fastgw.app import output
from fastgw.app.command_stores import account_of, database, tell_keys, tell_purses
from fastgw.app.commands_keys_shown import key_of, shown
from fastgw.app.margins import Margins
from fastgw.app.output import DONE
from fastgw.errors import StartupError
from fastgw.exchange import Principal, Quotas
from fastgw.limits import Limits
from fastgw.settings import Settings
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.keys import KeyRecord, Keys


class KeyRules(msgspec.Struct, frozen=True):
    """What a key may do. None: not said, so a new key has no rule of its own, and another stays as it is."""

    name: str | None = None
    models: tuple[str, ...] | None = None
    """Empty, here and below: no rule."""
    ips: tuple[str, ...] | None = None
    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None
    expires_at_s: int | None = None
    strict: bool | None = None
    account: str | None = None
    """Id or name; a new key that names none belongs to `default`, whose balance is not limited."""
    group: str | None = None
    quotas: Mapping[str, int] = {}
    """Nano-USD by the names of `Quotas`, those that were said; 0: no such quota."""


def create_key(settings: Settings, name: str, rules: KeyRules, *, source: str, as_json: bool) -> int:
    """Mint and store a key, tell a running gateway, print it. `source` says where the settings are from."""
    ips, notes = _blocks(rules.ips or ())
    _know_group(settings, rules.group, source)
    key = apikey.mint(settings.key_prefix)
    now_ms = clock.wall_ms()
    with database(settings) as engine:
        account = account_of(engine, rules.account) if rules.account else Accounts(engine).default(now_ms)
        record = Keys(engine).create(
            key,
            name=name,
            now_ms=now_ms,
            limits=_limits(Limits(), rules),
            models=rules.models or (),
            ips=ips,
            expires_at_s=rules.expires_at_s or 0,
            strict=bool(rules.strict),
            account_id=account.id,
            quotas=_quotas(None, rules.quotas),
            group=rules.group or "",
        )
    tell_keys(settings, [record.principal(prepaid=account.prepaid)])
    if as_json:
        output.result({"id": record.id, "key": key} | ({"notes": notes} if notes else {}))
    else:
        output.line(f"{key}\n\nThis is the key {record.id} ({name}). Keep it: it is not shown again.")
        _say(notes)
    return DONE


def update_key(settings: Settings, key_id: str, rules: KeyRules, *, source: str, as_json: bool) -> int:
    """Change a key and tell a running gateway. Raises `StartupError` when there is no such key, or it is revoked."""
    ips, notes = _blocks(rules.ips or ())
    _know_group(settings, rules.group, source)
    said: dict[str, Any] = {
        field: value
        for field in ("name", "models", "expires_at_s", "strict", "group")
        if (value := getattr(rules, field)) is not None
    }
    if rules.ips is not None:
        said["ips"] = ips

    def changed(record: KeyRecord) -> KeyRecord:
        if record.revoked_at_ms:
            raise StartupError(f"{record.id} ({record.name}) is revoked for good. Make a new key.")
        return msgspec.structs.replace(
            record, limits=_limits(record.limits, rules), quotas=_quotas(record.quotas, rules.quotas), **said
        )

    with database(settings) as engine:
        if rules.account is not None:
            said["account_id"] = account_of(engine, rules.account).id
        record = key_of(Keys(engine).change(key_id, changed), key_id)
        principal = principal_of(record, Accounts(engine))
    if record.quotas is not None:
        # The gate may have a record from an earlier quota; what was spent without one is in the ledger alone.
        tell_purses(settings, [record.id])
    tell_keys(settings, [principal])
    if as_json:
        output.result(shown(record) | ({"notes": notes} if notes else {}))
    else:
        output.line(f"{record.id} ({record.name}) is changed. `fastgw keys show {record.id}` tells what it may do.")
        _say(notes)
    return DONE


def revoke_key(settings: Settings, key_id: str, *, as_json: bool) -> int:
    """Revoke a key and tell a running gateway. Raises `StartupError` when there is no such key."""
    with database(settings) as engine:
        record = key_of(Keys(engine).revoke(key_id, clock.wall_ms()), key_id)
        principal = principal_of(record, Accounts(engine))
    tell_keys(settings, [principal])
    if as_json:
        output.result(shown(record))
    else:
        output.line(f"{record.id} ({record.name}) is revoked.")
    return DONE


def principal_of(record: KeyRecord, accounts: Accounts) -> Principal:
    """A key as the data plane reads it, but for its margin."""
    account = accounts.get(record.account_id) if record.account_id else None
    # A key whose account is not there is one that nobody pays for.
    return record.principal(prepaid=bool(record.account_id) and (account is None or account.prepaid))


def _know_group(settings: Settings, group: str | None, source: str) -> None:
    if not Margins(settings).knows(group or ""):
        raise StartupError(
            f"The settings have no group {group}. Add a table [groups.{group}], or leave --group out. {source}"
        )


def _limits(limits: Limits, rules: KeyRules) -> Limits:
    fields = {"requests_per_min": rules.rpm, "tokens_per_min": rules.tpm, "concurrency": rules.concurrency}
    return msgspec.structs.replace(limits, **{name: value for name, value in fields.items() if value is not None})


def _quotas(quotas: Quotas | None, said: Mapping[str, int]) -> Quotas | None:
    found = msgspec.structs.replace(quotas or Quotas(), **said)
    return None if found == Quotas() else found


def _blocks(texts: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """CIDR blocks, and what to say of those that were not written as they count."""
    blocks, notes = [], []
    for text in texts:
        try:
            block = ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            raise StartupError(f"--ips: {text!r} is neither an address nor a CIDR block (10.0.0.0/8).") from error
        blocks.append(str(block))
        if "/" in text and str(block.network_address) != text.partition("/")[0].lower():
            notes.append(f"--ips: {text} counts as {block}, {block.num_addresses:,} addresses.")
    return tuple(blocks), notes


def _say(notes: Sequence[str]) -> None:
    for note in notes:
        output.line(note)
