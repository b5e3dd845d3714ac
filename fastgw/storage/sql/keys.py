"""API keys in SQL: made, changed, listed, revoked, and read as a whole for the mirror. Only hashes are stored."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Boolean, ColumnElement, Connection, Engine, func, insert, select, update

from fastgw import apikey
from fastgw.exchange import Principal, Quotas
from fastgw.limits import Limits
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.postings import LedgerError
from fastgw.storage.sql.tables import ACCOUNTS, API_KEYS, KEYS_VERSION, META

ID_PREFIX = "key_"
_ID_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

_encode = msgspec.json.Encoder().encode
_limits = msgspec.json.Decoder(Limits).decode
_names = msgspec.json.Decoder(tuple[str, ...]).decode
_quotas = msgspec.json.Decoder(Quotas).decode


class KeyRecord(msgspec.Struct, frozen=True):
    """One API key as it is stored."""

    id: str
    digest: str
    hint: str
    """Prefix and last four characters."""
    name: str
    limits: Limits
    models: tuple[str, ...]
    ips: tuple[str, ...]
    expires_at_s: int
    """Unix seconds, 0 for never."""
    revoked_at_ms: int
    """0 while it is valid."""
    epoch: int
    created_at_ms: int
    strict: bool = False
    """Refused rather than served without a parameter that the provider cannot be told."""
    account_id: str = ""
    """Who pays; empty for nobody."""
    quotas: Quotas | None = None
    group: str = ""

    def principal(self, *, prepaid: bool = False) -> Principal:
        """The record as the data plane reads it. `prepaid`: the account's balance is limited."""
        return Principal(
            key_id=self.id,
            digest=self.digest,
            epoch=self.epoch,
            name=self.name,
            limits=self.limits,
            models=self.models,
            ips=self.ips,
            expires_at_s=self.expires_at_s,
            strict=self.strict,
            disabled=self.revoked_at_ms > 0,
            account_id=self.account_id,
            prepaid=prepaid,
            quotas=self.quotas,
            group=self.group,
        )


class Keys:
    """The table of keys. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(
        self,
        key: str,
        *,
        name: str,
        now_ms: int,
        limits: Limits | None = None,
        models: tuple[str, ...] = (),
        ips: tuple[str, ...] = (),
        expires_at_s: int = 0,
        strict: bool = False,
        account_id: str = "",
        quotas: Quotas | None = None,
        group: str = "",
    ) -> KeyRecord:
        """Store a key that was just minted. Without limits of its own the default guard holds for it.

        Raises `LedgerError` when the account does not exist.
        """
        record = KeyRecord(
            id=new_id(ID_PREFIX),
            digest=apikey.digest(key),
            hint=apikey.hint(key),
            name=name,
            limits=limits or Limits(),
            models=models,
            ips=ips,
            expires_at_s=expires_at_s,
            revoked_at_ms=0,
            epoch=1,
            created_at_ms=now_ms,
            strict=strict,
            account_id=account_id,
            quotas=quotas,
            group=group,
        )
        with self._engine.begin() as connection:
            _has_account(connection, record)
            connection.execute(insert(API_KEYS), _columns(record))
            _changed(connection)
        return record

    def all(self) -> list[KeyRecord]:
        """Every key, revoked ones included, in the order of their creation."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at_ms, API_KEYS.c.id))
            return [_record(row._mapping) for row in rows]

    def of_account(self, account_id: str) -> list[KeyRecord]:
        """The keys that an account pays for, revoked ones included, in the order of their creation."""
        query = select(API_KEYS).where(API_KEYS.c.account_id == account_id)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(API_KEYS.c.created_at_ms, API_KEYS.c.id))
            return [_record(row._mapping) for row in rows]

    def get(self, key_id: str) -> KeyRecord | None:
        """One key by its id."""
        with reading(self._engine) as connection:
            row = connection.execute(select(API_KEYS).where(API_KEYS.c.id == key_id)).one_or_none()
        return None if row is None else _record(row._mapping)

    def change(self, key_id: str, changed: Callable[[KeyRecord], KeyRecord]) -> KeyRecord | None:
        """Change what a key may do to what `changed` makes of it, and return it; None when there is none.

        Its epoch grows, unless nothing has changed. Raises `LedgerError` when the account does not exist.
        """
        mine = API_KEYS.c.id == key_id
        with self._engine.begin() as connection:
            row = connection.execute(select(API_KEYS).where(mine).with_for_update()).one_or_none()
            if row is None:
                return None
            before = _record(row._mapping)
            after = changed(before)
            if after == before:
                return before
            _has_account(connection, after)
            after = msgspec.structs.replace(after, epoch=before.epoch + 1)
            connection.execute(update(API_KEYS).where(mine).values(_columns(after)))
            _changed(connection)
        return after

    def revoke(self, key_id: str, now_ms: int) -> KeyRecord | None:
        """Revoke a key for good, and return it; None when there is none. Revoking twice changes nothing."""
        with self._engine.begin() as connection:
            change = (
                update(API_KEYS)
                .where(API_KEYS.c.id == key_id, API_KEYS.c.revoked_at_ms == 0)
                .values(revoked_at_ms=now_ms, epoch=API_KEYS.c.epoch + 1)
            )
            if connection.execute(change).rowcount:
                _changed(connection)
            row = connection.execute(select(API_KEYS).where(API_KEYS.c.id == key_id)).one_or_none()
        return None if row is None else _record(row._mapping)

    def version(self) -> int:
        """Grows with every change of any key."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(META.c.value).where(META.c.name == KEYS_VERSION)).scalar_one())

    def principals(self) -> list[Principal]:
        """Every key as the data plane reads it, tombstones of revoked ones included.

        An account that does not exist counts as prepaid: it has nothing to pay with.
        """
        limited = func.coalesce(ACCOUNTS.c.prepaid, API_KEYS.c.account_id != "", type_=Boolean()).label("limited")
        query = select(API_KEYS, limited).outerjoin(ACCOUNTS, ACCOUNTS.c.id == API_KEYS.c.account_id)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(API_KEYS.c.created_at_ms, API_KEYS.c.id)).mappings()
            found = []
            for row in rows:
                columns = dict(row)
                prepaid = bool(columns.pop("limited"))
                found.append(_record(columns).principal(prepaid=prepaid))
            return found


def new_id(prefix: str) -> str:
    """`prefix` and 16 random characters."""
    return prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))


def renew_keys(connection: Connection, chosen: ColumnElement[bool], **values: str) -> None:
    """Change keys, or what they inherit of their account: each gets a newer epoch, and is mirrored anew."""
    connection.execute(update(API_KEYS).where(chosen).values(epoch=API_KEYS.c.epoch + 1, **values))
    _changed(connection)


def _changed(connection: Connection) -> None:
    connection.execute(update(META).where(META.c.name == KEYS_VERSION).values(value=META.c.value + 1))


def _has_account(connection: Connection, record: KeyRecord) -> None:
    known = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == record.account_id)
    if record.account_id and connection.execute(known).first() is None:
        raise LedgerError(f"There is no account {record.account_id!r}.")


def _columns(record: KeyRecord) -> dict[str, Any]:
    row = msgspec.structs.asdict(record)
    row["group_name"] = row.pop("group")
    row["quotas"] = "" if record.quotas is None else _encode(record.quotas).decode()
    for column in ("limits", "models", "ips"):
        row[column] = _encode(row[column]).decode()
    return row


def _record(columns: Mapping[Any, Any]) -> KeyRecord:
    values = dict(columns)
    values["limits"] = _limits(values["limits"])
    values["models"] = _names(values["models"])
    values["ips"] = _names(values["ips"])
    values["quotas"] = _quotas(values["quotas"]) if values["quotas"] else None
    values["group"] = values.pop("group_name")
    return KeyRecord(**values)
