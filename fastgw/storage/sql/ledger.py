"""Journals into the ledger: rows, charges, sums and the place in the journal move together; nothing counts twice."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Engine, Table, bindparam, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fastgw import clock
from fastgw.exchange import worker_number
from fastgw.records import Checkpoint, Closed, Hopped, Opened
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.postings import Charges
from fastgw.storage.sql.rollup import Rollup, Sums
from fastgw.storage.sql.tables import (
    HOPS,
    JOURNAL_CURSOR,
    JOURNAL_SPENT,
    JOURNALS,
    JOURNALS_VERSION,
    META,
    OPEN_EXCHANGES,
)
from fastgw.storage.sql.usage_rows import UsageRows, many, text

_OPENED_FIELDS = Opened.__struct_fields__
_COLUMNS = {"group": "group_name"}
_CHECKPOINT_FIELDS = tuple(name for name in Checkpoint.__struct_fields__[1:] if name != "prompt_tokens")


class Settled(msgspec.Struct, frozen=True):
    """What a stretch of a journal came to."""

    touched: frozenset[str]
    """Accounts and keys whose purse is another one now."""
    overages: int = 0
    """Exchanges that were charged more than they held, and by how much together."""
    overage_nano: int = 0


class UsageLedger:
    """Where the keeper drains journals to. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine, *, wall_ms: clock.Clock = clock.wall_ms) -> None:
        self._engine = engine
        self._wall_ms = wall_ms
        dialect = engine.dialect.name
        insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._rows = UsageRows(dialect)
        self._charges = Charges(dialect)
        self._rollup = Rollup(dialect)
        self._insert_open = insert(OPEN_EXCHANGES).on_conflict_do_nothing(index_elements=["exchange_id"])
        self._insert_hop = insert(HOPS).on_conflict_do_nothing(index_elements=["exchange_id", "number"])
        cursor = insert(JOURNAL_CURSOR)
        self._move_cursor = cursor.on_conflict_do_update(
            index_elements=["journal"],
            set_={"segment": cursor.excluded.segment, "position": cursor.excluded.position},
        )
        counted = bindparam("counted", type_=BigInteger())
        prompt = case((counted > 0, counted), else_=OPEN_EXCHANGES.c.prompt_tokens_estimate)
        self._checkpoint = (
            update(OPEN_EXCHANGES)
            .where(OPEN_EXCHANGES.c.exchange_id == bindparam("exchange"))
            .values(
                {field: bindparam(f"new_{field}") for field in _CHECKPOINT_FIELDS} | {"prompt_tokens_estimate": prompt}
            )
        )
        self._end = delete(OPEN_EXCHANGES).where(OPEN_EXCHANGES.c.exchange_id == bindparam("exchange"))
        self._register = insert(JOURNALS).on_conflict_do_nothing(index_elements=["journal"])
        self._seen = (
            update(JOURNALS).where(JOURNALS.c.journal == bindparam("name")).values(seen_at_ms=bindparam("now_ms"))
        )

    def register(self, journals: Sequence[str]) -> None:
        """Let these journals' workers hold money; for known ones it says that their machine is still there."""
        now_ms = self._wall_ms()
        with self._engine.begin() as connection:
            new = 0
            for journal in sorted(journals):
                if not connection.execute(self._seen, {"name": journal, "now_ms": now_ms}).rowcount:
                    row = {"journal": journal, "worker": worker_number(journal), "seen_at_ms": now_ms}
                    new += connection.execute(self._register, row).rowcount
            if new:
                _journals_changed(connection)

    def forget_lost(self, lost_ms: int) -> list[str]:
        """Journals that nobody has seen for so long: their workers hold no money any more. They may come back."""
        before_ms = self._wall_ms() - lost_ms
        with self._engine.begin() as connection:
            lost = delete(JOURNALS).where(JOURNALS.c.seen_at_ms < before_ms).returning(JOURNALS.c.journal)
            names = sorted(connection.execute(lost).scalars())
            if names:
                _journals_changed(connection)
        return names

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
        hops: Sequence[Hopped] = (),
    ) -> Settled:
        """One stretch of `journal`, up to a place in it, in one transaction.

        `opened` are exchanges still open at its end, `checkpoints` the last of each of those or of earlier ones, and
        `ended` those of `closed` that were opened in an earlier stretch. What is there already stays as it is, and is
        not charged again.
        """
        with self._engine.begin() as connection:
            settled = self._settle(connection, journal, f"{journal}:{segment}:{offset}", closed)
            many(connection, self._insert_open, [_open_row(journal, one) for one in opened])
            many(connection, self._checkpoint, [_checkpoint_row(one) for one in checkpoints])
            many(connection, self._end, [{"exchange": exchange_id} for exchange_id in ended])
            many(connection, self._insert_hop, [_hop_row(one) for one in hops])
            connection.execute(self._move_cursor, {"journal": journal, "segment": segment, "position": offset})
        return settled

    def still_open(self, journal: str) -> list[tuple[Opened, Checkpoint]]:
        """What `journal` opened and did not close, each with its last checkpoint (zeros when there was none).

        What a checkpoint counted of the prompt has taken the place of what was estimated.
        """
        with reading(self._engine) as connection:
            rows = connection.execute(select(OPEN_EXCHANGES).where(OPEN_EXCHANGES.c.journal == journal)).mappings()
            return [
                (
                    Opened(**{field: row[_COLUMNS.get(field, field)] for field in _OPENED_FIELDS}),
                    Checkpoint(row["exchange_id"], *(row[field] for field in _CHECKPOINT_FIELDS)),
                )
                for row in rows
            ]

    def finish(self, journal: str, orphans: Sequence[Closed]) -> Settled:
        """The end of `journal`: rows for what was left open, and nothing remembered of it, in one transaction."""
        with self._engine.begin() as connection:
            settled = self._settle(connection, journal, f"{journal}:end", orphans)
            for table in (OPEN_EXCHANGES, JOURNAL_CURSOR, JOURNAL_SPENT):
                _delete(connection, table, journal)
            if _delete(connection, JOURNALS, journal):
                _journals_changed(connection)
        return settled

    def _settle(self, connection: Connection, journal: str, reference: str, closed: Sequence[Closed]) -> Settled:
        fresh = self._rows.insert(connection, closed)
        if not fresh:
            return Settled(frozenset())
        now_ms = self._wall_ms()
        sums = Sums(fresh, now_ms)
        self._charges.post(connection, sums.accounts, reference, now_ms)
        self._rollup.write(connection, journal, sums, now_ms)
        touched = frozenset([*sums.accounts, *(key_id for key_id, _ in sums.slots)])
        return Settled(touched, sums.overages, sums.overage_nano)


def _journals_changed(connection: Connection) -> None:
    connection.execute(update(META).where(META.c.name == JOURNALS_VERSION).values(value=META.c.value + 1))


def _delete(connection: Connection, table: Table, journal: str) -> int:
    return connection.execute(delete(table).where(table.c.journal == journal)).rowcount


def _open_row(journal: str, opened: Opened) -> dict[str, Any]:
    row = msgspec.structs.asdict(opened)
    row.update(
        journal=journal,
        model=text(opened.model),
        provider_model=text(opened.provider_model),
        group_name=row.pop("group"),
    )
    return row


def _hop_row(hop: Hopped) -> dict[str, Any]:
    return msgspec.structs.asdict(hop) | {"provider_model": text(hop.provider_model), "error": hop.error.value}


def _checkpoint_row(checkpoint: Checkpoint) -> dict[str, Any]:
    row: dict[str, Any] = {f"new_{field}": getattr(checkpoint, field) for field in _CHECKPOINT_FIELDS}
    row["exchange"] = checkpoint.exchange_id
    row["counted"] = checkpoint.prompt_tokens
    return row
