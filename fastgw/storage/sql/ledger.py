"""Usage rows as journals are drained: rows and the place in the journal move together, and no exchange counts twice."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, Engine, Table, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from fastgw.exchange import Checkpoint, Closed, Opened
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.tables import JOURNAL_CURSOR, OPEN_EXCHANGES, USAGE

_log = logging.getLogger("fastgw.keeper")

_UNFIT = (DataError, IntegrityError, StatementError, OverflowError)
"""What is wrong with a row and not with the database: no later try would take it."""
_OPENED_FIELDS = Opened.__struct_fields__
_CHECKPOINT_FIELDS = Checkpoint.__struct_fields__[1:]


class UsageLedger:
    """Where the keeper drains journals to. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
        self._insert_usage = _usage_insert("?" if engine.dialect.name == "sqlite" else "%s")
        self._insert_open = insert(OPEN_EXCHANGES).on_conflict_do_nothing(index_elements=["exchange_id"])
        cursor = insert(JOURNAL_CURSOR)
        self._move_cursor = cursor.on_conflict_do_update(
            index_elements=["journal"],
            set_={"segment": cursor.excluded.segment, "position": cursor.excluded.position},
        )
        self._checkpoint = (
            update(OPEN_EXCHANGES)
            .where(OPEN_EXCHANGES.c.exchange_id == bindparam("exchange"))
            .values({field: bindparam(f"new_{field}") for field in _CHECKPOINT_FIELDS})
        )
        self._end = delete(OPEN_EXCHANGES).where(OPEN_EXCHANGES.c.exchange_id == bindparam("exchange"))

    def cursor(self, journal: str) -> tuple[int, int]:
        """Segment and offset up to which `journal` is drained; (0, 0) for one that is new."""
        with reading(self._engine) as connection:
            found = connection.execute(
                select(JOURNAL_CURSOR.c.segment, JOURNAL_CURSOR.c.position).where(JOURNAL_CURSOR.c.journal == journal)
            ).one_or_none()
        return (0, 0) if found is None else (found.segment, found.position)

    def record(
        self,
        journal: str,
        segment: int,
        offset: int,
        *,
        opened: Sequence[Opened],
        checkpoints: Sequence[Checkpoint],
        closed: Sequence[Closed],
        ended: Sequence[str],
    ) -> None:
        """One stretch of `journal`, up to a place in it, in one transaction.

        `opened` are exchanges still open at its end, `checkpoints` the last of each of those or of earlier ones, and
        `ended` those of `closed` that were opened in an earlier stretch. What is there already stays as it is.
        """
        with self._engine.begin() as connection:
            _many(connection, self._insert_usage, map(_usage_row, closed))
            _many(connection, self._insert_open, (_open_row(journal, one) for one in opened))
            _many(connection, self._checkpoint, map(_checkpoint_row, checkpoints))
            _many(connection, self._end, ({"exchange": exchange_id} for exchange_id in ended))
            connection.execute(self._move_cursor, {"journal": journal, "segment": segment, "position": offset})

    def still_open(self, journal: str) -> list[tuple[Opened, Checkpoint]]:
        """What `journal` opened and did not close, each with its last checkpoint (zeros when there was none)."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(OPEN_EXCHANGES).where(OPEN_EXCHANGES.c.journal == journal)).mappings()
            return [
                (
                    Opened(**{field: row[field] for field in _OPENED_FIELDS}),
                    Checkpoint(row["exchange_id"], *(row[field] for field in _CHECKPOINT_FIELDS)),
                )
                for row in rows
            ]

    def finish(self, journal: str, orphans: Sequence[Closed]) -> None:
        """The end of `journal`: rows for what was left open, and nothing remembered of it, in one transaction."""
        with self._engine.begin() as connection:
            _many(connection, self._insert_usage, map(_usage_row, orphans))
            _delete(connection, OPEN_EXCHANGES, journal)
            _delete(connection, JOURNAL_CURSOR, journal)


def _usage_insert(mark: str) -> str:
    # Driver SQL with tuples: SQLAlchemy's own handling of parameters took 10 of 26 us that an exchange costs here.
    columns = [column.name for column in USAGE.columns]
    marks = ", ".join([mark] * len(columns))
    return f"INSERT INTO usage ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT (exchange_id) DO NOTHING"  # noqa: S608


def _many(connection: Connection, statement: Any, rows: Iterable[dict[str, Any] | tuple[Any, ...]]) -> None:
    """Execute `statement` for all rows; one that the database can never take is logged, and stops no other."""
    listed = list(rows)
    if not listed:
        return
    try:
        with connection.begin_nested():
            if isinstance(statement, str):
                connection.exec_driver_sql(statement, cast("Any", listed))
            else:
                connection.execute(statement, cast("Any", listed))
    except _UNFIT as error:
        if isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError):
            raise
        if len(listed) == 1:
            _log.error("a journal record does not fit into the database and is left out: %s: %s", error, listed[0])
            return
        for row in listed:
            _many(connection, statement, [row])


def _delete(connection: Connection, table: Table, journal: str) -> None:
    connection.execute(delete(table).where(table.c.journal == journal))


def _open_row(journal: str, opened: Opened) -> dict[str, Any]:
    row = msgspec.structs.asdict(opened)
    row.update(journal=journal, model=_text(opened.model), provider_model=_text(opened.provider_model))
    return row


def _usage_row(closed: Closed) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    fields = msgspec.structs.astuple(closed)
    return (
        *fields[:2],
        _text(closed.model),
        closed.provider,
        _text(closed.provider_model),
        *fields[5:8],
        closed.outcome.value,
        None if closed.error is None else closed.error.value,
        *msgspec.structs.astuple(closed.usage),
        *fields[11:],
    )


def _text(name: str) -> str:
    # PostgreSQL has no NUL in text, and a provider that takes any model has names by its callers.
    return name.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _checkpoint_row(checkpoint: Checkpoint) -> dict[str, Any]:
    row: dict[str, Any] = {f"new_{field}": getattr(checkpoint, field) for field in _CHECKPOINT_FIELDS}
    row["exchange"] = checkpoint.exchange_id
    return row
