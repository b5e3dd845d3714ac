"""Usage rows as journals are drained: rows and the place in the journal move together, and no exchange counts twice."""

import logging
from collections.abc import Iterable, Sequence
from itertools import chain
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
_TOGETHER = 29
"""Rows of one INSERT: 986 parameters, below the 999 of any SQLite. Saves 0.6 us of CPU a row there."""
_OPENED_FIELDS = Opened.__struct_fields__
_COLUMNS = {"group": "group_name"}
_CHECKPOINT_FIELDS = Checkpoint.__struct_fields__[1:]


class UsageLedger:
    """Where the keeper drains journals to. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
        mark = "?" if engine.dialect.name == "sqlite" else "%s"
        self._insert_usage = _usage_insert(mark, 1)
        self._insert_together = _usage_insert(mark, _TOGETHER)
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
            self._insert(connection, closed)
            _many(connection, self._insert_open, [_open_row(journal, one) for one in opened])
            _many(connection, self._checkpoint, [_checkpoint_row(one) for one in checkpoints])
            _many(connection, self._end, [{"exchange": exchange_id} for exchange_id in ended])
            connection.execute(self._move_cursor, {"journal": journal, "segment": segment, "position": offset})

    def still_open(self, journal: str) -> list[tuple[Opened, Checkpoint]]:
        """What `journal` opened and did not close, each with its last checkpoint (zeros when there was none)."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(OPEN_EXCHANGES).where(OPEN_EXCHANGES.c.journal == journal)).mappings()
            return [
                (
                    Opened(**{field: row[_COLUMNS.get(field, field)] for field in _OPENED_FIELDS}),
                    Checkpoint(row["exchange_id"], *(row[field] for field in _CHECKPOINT_FIELDS)),
                )
                for row in rows
            ]

    def finish(self, journal: str, orphans: Sequence[Closed]) -> None:
        """The end of `journal`: rows for what was left open, and nothing remembered of it, in one transaction."""
        with self._engine.begin() as connection:
            self._insert(connection, orphans)
            _delete(connection, OPEN_EXCHANGES, journal)
            _delete(connection, JOURNAL_CURSOR, journal)

    def _insert(self, connection: Connection, closed: Sequence[Closed]) -> None:
        whole = len(closed) - len(closed) % _TOGETHER
        flat = [_flat(closed[at : at + _TOGETHER]) for at in range(0, whole, _TOGETHER)]
        fits = _tried(connection, self._insert_together, flat) is None
        _many(connection, self._insert_usage, [_usage_row(one) for one in (closed[whole:] if fits else closed)])


def _flat(closed: Iterable[Closed]) -> tuple[Any, ...]:
    # Rows go at once: thousands of tuples that live on would be looked at by the garbage collector again and again.
    return tuple(chain.from_iterable(map(_usage_row, closed)))


def _usage_insert(mark: str, rows: int) -> str:
    # Driver SQL with tuples: SQLAlchemy's own handling of parameters took 10 of 26 us that an exchange costs here.
    columns = [column.name for column in USAGE.columns]
    row = f"({', '.join([mark] * len(columns))})"
    values = ", ".join([row] * rows)
    return f"INSERT INTO usage ({', '.join(columns)}) VALUES {values} ON CONFLICT (exchange_id) DO NOTHING"  # noqa: S608


def _many(connection: Connection, statement: Any, rows: Sequence[Any]) -> None:
    """Execute `statement` for all rows; one that the database can never take is logged, and stops no other."""
    error = _tried(connection, statement, rows)
    if error is None:
        return
    if len(rows) == 1:
        _log.error("a journal record does not fit into the database and is left out: %s: %s", error, rows[0])
        return
    for row in rows:
        _many(connection, statement, [row])


def _tried(connection: Connection, statement: Any, rows: Sequence[Any]) -> Exception | None:
    """Execute `statement` for all rows, or for none: then the answer is what is wrong with one of them."""
    if not rows:
        return None
    try:
        with connection.begin_nested():
            if isinstance(statement, str):
                connection.exec_driver_sql(statement, cast("Any", rows))
            else:
                connection.execute(statement, cast("Any", rows))
    except _UNFIT as error:
        if isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError):
            raise
        return error
    return None


def _delete(connection: Connection, table: Table, journal: str) -> None:
    connection.execute(delete(table).where(table.c.journal == journal))


def _open_row(journal: str, opened: Opened) -> dict[str, Any]:
    row = msgspec.structs.asdict(opened)
    row.update(
        journal=journal,
        model=_text(opened.model),
        provider_model=_text(opened.provider_model),
        group_name=row.pop("group"),
    )
    return row


def _usage_row(closed: Closed) -> tuple[Any, ...]:
    """In the order of the table's columns. Written out: in loops over the fields it takes 1.2 us instead of 0.5."""
    usage = closed.usage
    error = closed.error
    return (
        closed.exchange_id,
        closed.key_id,
        _text(closed.model),
        closed.provider,
        _text(closed.provider_model),
        closed.surface,
        closed.stream,
        closed.status,
        # `value` is a descriptor written in Python, and this is what it reads.
        closed.outcome._value_,
        None if error is None else error._value_,
        usage.in_text,
        usage.in_audio,
        usage.in_image,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.out_text,
        usage.out_reasoning,
        usage.out_audio,
        usage.out_image,
        closed.usage_estimated,
        closed.started_ms,
        closed.first_byte_ms,
        closed.total_ms,
        closed.gateway_us,
        closed.attempts,
        closed.delivered_bytes,
        closed.account_id,
        closed.group,
        closed.hold_nano,
        closed.charge_nano,
        closed.cost_nano,
        max(0, closed.charge_nano - closed.hold_nano) if closed.purses else 0,
        closed.unpriced,
    )


def _text(name: str) -> str:
    # PostgreSQL has no NUL in text, and a provider that takes any model has names by its callers.
    return name.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in name else name


def _checkpoint_row(checkpoint: Checkpoint) -> dict[str, Any]:
    row: dict[str, Any] = {f"new_{field}": getattr(checkpoint, field) for field in _CHECKPOINT_FIELDS}
    row["exchange"] = checkpoint.exchange_id
    return row
