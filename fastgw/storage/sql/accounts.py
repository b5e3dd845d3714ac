"""Accounts: who pays, and what was credited. Balances move by postings only."""

import secrets

import msgspec
from sqlalchemy import Connection, Engine, Row, func, insert, or_, select
from sqlalchemy.exc import IntegrityError

from fastgw.storage.sql import postings
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.keys import new_id, renew_keys
from fastgw.storage.sql.postings import LedgerError, post, touch
from fastgw.storage.sql.tables import ACCOUNTS, API_KEYS, ENTRIES, OPEN_EXCHANGES, POSTINGS

ID_PREFIX = "acct_"
DEFAULT_NAME = "default"
NAME_LENGTH_MAX = 256

_BY_HAND = (
    postings.CREDIT,
    postings.DEBIT,
    postings.CODE,
    postings.PAYMENT,
    postings.REFUND,
    postings.CHARGEBACK,
)


class Account(msgspec.Struct, frozen=True):
    """One account as it is stored."""

    id: str
    """`acct_` and 16 characters."""
    name: str
    prepaid: bool
    """Nothing runs that the balance cannot pay for; else it may go below zero without limit."""
    balance_nano: int
    version: int
    """Counts its postings."""
    created_at_ms: int


class Posted(msgspec.Struct, frozen=True):
    """One posting to an account, charges aside."""

    id: int
    kind: str
    reference: str
    amount_nano: int
    at_ms: int
    note: str


class Accounts:
    """The table of accounts. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, *, prepaid: bool, now_ms: int) -> Account:
        """A new account without money. Raises `LedgerError` when the name is taken, empty or too long."""
        if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable() or name.startswith(ID_PREFIX):
            raise LedgerError(
                f"{name!r} cannot be the name of an account: 1 to {NAME_LENGTH_MAX} printable characters."
            )
        row = {
            "id": new_id(ID_PREFIX),
            "name": name,
            "prepaid": prepaid,
            "balance_nano": 0,
            "version": 0,
            "changed": 0,
            "created_at_ms": now_ms,
        }
        try:
            with self._engine.begin() as connection:
                made = connection.execute(insert(ACCOUNTS).returning(ACCOUNTS), row).one()
        except IntegrityError as error:
            raise LedgerError(f"There is an account {name!r} already.") from error
        return _account(made)

    def default(self, now_ms: int) -> Account:
        """The account `default`, made without a limit if it is missing. Keys that nobody pays for become its own."""
        account = self.by_name(DEFAULT_NAME)
        if account is None:
            try:
                account = self.create(DEFAULT_NAME, prepaid=False, now_ms=now_ms)
            except LedgerError:
                # Another process was quicker.
                account = self.by_name(DEFAULT_NAME)
                if account is None:
                    raise
        with self._engine.begin() as connection:
            ownerless = API_KEYS.c.account_id == ""
            if connection.execute(select(API_KEYS.c.id).where(ownerless).limit(1)).first() is not None:
                renew_keys(connection, ownerless, account_id=account.id)
        return account

    def get(self, account_id: str) -> Account | None:
        """One account by its id."""
        with reading(self._engine) as connection:
            return _one(connection, account_id)

    def by_name(self, name: str) -> Account | None:
        """One account by its name."""
        with reading(self._engine) as connection:
            row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).one_or_none()
        return None if row is None else _account(row)

    def find(self, id_or_name: str) -> Account | None:
        """One account by its id or its name; no name looks like an id."""
        with reading(self._engine) as connection:
            query = select(ACCOUNTS).where(or_(ACCOUNTS.c.id == id_or_name, ACCOUNTS.c.name == id_or_name))
            row = connection.execute(query).one_or_none()
        return None if row is None else _account(row)

    def all(self) -> list[Account]:
        """Every account, in the order of their creation."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.created_at_ms, ACCOUNTS.c.id))
            return [_account(row) for row in rows]

    def credit(
        self,
        account_id: str,
        amount_nano: int,
        *,
        now_ms: int,
        kind: str = postings.CREDIT,
        reference: str = "",
        note: str = "",
        party: str = "",
    ) -> bool:
        """`postings.post` in a transaction of its own. Without a reference it is posted each time."""
        reference = reference or f"manual_{secrets.token_hex(12)}"
        with self._engine.begin() as connection:
            return post(
                connection,
                account_id=account_id,
                amount_nano=amount_nano,
                kind=kind,
                reference=reference,
                now_ms=now_ms,
                note=note,
                party=party,
            )

    def set_prepaid(self, account_id: str, prepaid: bool) -> Account | None:
        """Limit an account to its balance, or lift that; None when there is none. Its keys become newer ones."""
        with self._engine.begin() as connection:
            query = select(ACCOUNTS.c.prepaid).where(ACCOUNTS.c.id == account_id).with_for_update()
            if connection.execute(query).scalar_one_or_none() not in {None, prepaid}:
                renew_keys(connection, API_KEYS.c.account_id == account_id)
                touch(connection, account_id, prepaid=prepaid)
            return _one(connection, account_id)

    def held(self, account_id: str) -> int:
        """What exchanges that are known to be open hold of the balance; the gate may know more, by half a second."""
        with reading(self._engine) as connection:
            query = select(func.coalesce(func.sum(OPEN_EXCHANGES.c.hold_nano), 0)).where(
                OPEN_EXCHANGES.c.account_id == account_id, OPEN_EXCHANGES.c.purses.bitwise_and(1) != 0
            )
            return int(connection.execute(query).scalar_one())

    def history(self, account_id: str, *, limit: int = 100) -> list[Posted]:
        """The latest postings except charges, newest first."""
        query = (
            select(
                POSTINGS.c.id,
                POSTINGS.c.kind,
                POSTINGS.c.reference,
                ENTRIES.c.amount_nano,
                POSTINGS.c.at_ms,
                POSTINGS.c.note,
            )
            .join(ENTRIES, ENTRIES.c.posting_id == POSTINGS.c.id)
            .where(POSTINGS.c.kind.in_(_BY_HAND), ENTRIES.c.party == account_id)
            .order_by(POSTINGS.c.id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [Posted(*row) for row in connection.execute(query)]


def _one(connection: Connection, account_id: str) -> Account | None:
    row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == account_id)).one_or_none()
    return None if row is None else _account(row)


def _account(row: Row[tuple[object, ...]]) -> Account:
    values = dict(row._mapping)
    del values["changed"]
    return Account(**values)
