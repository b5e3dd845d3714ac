"""Redemption codes in SQL: only their SHA-256, each redeemed once, in the transaction that posts its amount."""

import msgspec
from sqlalchemy import Engine, insert, select, update

from fastgw.money import codes
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.postings import CODE, LedgerError, post
from fastgw.storage.sql.tables import ACCOUNTS, CODES

CODES_MAX = 10_000
"""Made at once."""


class CodeRefused(Exception):
    """A code that brings nothing. The text is for the caller, and the same for every reason: it helps nobody guess."""


class CodeRecord(msgspec.Struct, frozen=True):
    """One code as it is stored."""

    digest: str
    hint: str
    amount_nano: int
    created_at_ms: int
    expires_at_s: int
    """Unix seconds, 0 for never."""
    redeemed_at_ms: int
    """0 while nobody has used it."""
    account_id: str


class Redeemed(msgspec.Struct, frozen=True):
    """What a code brought."""

    amount_nano: int
    again: bool
    """This account had it already; nothing was posted now."""


class Codes:
    """The table of codes. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, amount_nano: int, *, now_ms: int, count: int = 1, expires_at_s: int = 0) -> list[str]:
        """Make codes over `amount_nano` each; they can be read here and never again. Raises `ValueError`."""
        if amount_nano <= 0:
            raise ValueError("a code is over an amount above zero")
        if not 0 < count <= CODES_MAX:
            raise ValueError(f"1 to {CODES_MAX} codes can be made at once")
        made = [codes.mint() for _ in range(count)]
        rows = [
            {
                "digest": codes.digest(code),
                "hint": codes.hint(code),
                "amount_nano": amount_nano,
                "created_at_ms": now_ms,
                "expires_at_s": expires_at_s,
                "redeemed_at_ms": 0,
                "account_id": "",
            }
            for code in made
        ]
        with self._engine.begin() as connection:
            connection.execute(insert(CODES), rows)
        return made

    def redeem(self, text: str, account_id: str, *, now_ms: int) -> Redeemed:
        """Credit the code that `text` is to an account, once. Raises `CodeRefused`.

        The account that has redeemed it gets the same answer again, so that a lost answer loses nothing.
        """
        code = codes.normal(text)
        if code is None:
            raise CodeRefused(_REFUSED)
        digest = codes.digest(code)
        mine = CODES.c.digest == digest
        with self._engine.begin() as connection:
            # Whoever marks the row has the code: an UPDATE of others waits for this transaction, then finds none.
            mark = (
                update(CODES)
                .where(mine, CODES.c.redeemed_at_ms == 0)
                .where((CODES.c.expires_at_s == 0) | (CODES.c.expires_at_s * 1000 > now_ms))
                .values(redeemed_at_ms=now_ms, account_id=account_id)
            )
            marked = connection.execute(mark).rowcount == 1
            row = connection.execute(select(CODES).where(mine)).one_or_none()
            if row is None or row.account_id != account_id or row.redeemed_at_ms == 0:
                raise CodeRefused(_REFUSED)
            if marked:
                if connection.execute(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account_id)).one_or_none() is None:
                    raise CodeRefused("There is no such account.")
                try:
                    post(
                        connection,
                        account_id=account_id,
                        amount_nano=row.amount_nano,
                        kind=CODE,
                        reference=digest,
                        now_ms=now_ms,
                        note=row.hint,
                    )
                except LedgerError as error:
                    # The transaction is undone by this, so the code stays as good as it was.
                    raise CodeRefused("The balance cannot take this code.") from error
        return Redeemed(row.amount_nano, again=not marked)

    def find(self, text: str) -> list[CodeRecord]:
        """The code that `text` is, or those that lists show so: the first group is the same of very few."""
        code = codes.normal(text)
        shown = text.strip().upper().rstrip("…-") + "-…"
        wanted = CODES.c.hint == shown if code is None else CODES.c.digest == codes.digest(code)
        with reading(self._engine) as connection:
            return [CodeRecord(**row._mapping) for row in connection.execute(select(CODES).where(wanted))]

    def revoke(self, code: CodeRecord, *, batch: bool, now_ms: int) -> int:
        """Let a code, or with `batch` all that were made together with it, expire now; how many that changed.

        Codes that are redeemed stay so.
        """
        together = (CODES.c.created_at_ms == code.created_at_ms) & (CODES.c.amount_nano == code.amount_nano)
        now_s = now_ms // 1_000
        change = (
            update(CODES)
            .where(together if batch else CODES.c.digest == code.digest, CODES.c.redeemed_at_ms == 0)
            .where((CODES.c.expires_at_s == 0) | (CODES.c.expires_at_s > now_s))
            .values(expires_at_s=now_s)
        )
        with self._engine.begin() as connection:
            return connection.execute(change).rowcount

    def all(self, *, limit: int = 1000) -> list[CodeRecord]:
        """Codes, newest first."""
        wanted = select(CODES).order_by(CODES.c.created_at_ms.desc(), CODES.c.digest).limit(limit)
        with reading(self._engine) as connection:
            return [CodeRecord(**row._mapping) for row in connection.execute(wanted)]


_REFUSED = "This code is not valid: mistyped, used, or expired."
