"""Usage as operators see it: sums by model, key, account and day, and the rows themselves for an export."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Row,
    Table,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    text,
)

from fastgw.spending import DAY_MS, Place, UsageRow, day_of
from fastgw.storage.sql.engine import reading, snapshot
from fastgw.storage.sql.tables import BUCKETS, USAGE, USAGE_DAYS
from fastgw.usage import Usage

ROWS_MAX = 1_000
"""Rows of one chunk of an export: each is a transaction of its own, so that a slow reader holds nobody up."""
GROUPS = {"by_model": "model", "by_key": "key_id", "by_account": "account_id", "by_day": "day"}


class UsageReport:
    """Reads usage. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`.

    Exchanges count that started from `since_ms` on and before `until_ms` (Unix milliseconds, 0: no bound), of one key
    or of one account where one is named.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, *, since_ms: int = 0, until_ms: int = 0, key_id: str = "", account_id: str = "") -> dict[str, Any]:
        """`{"totals": {…}, "by_model": [{"model", …}], "by_key": […], "by_account": […], "by_day": [{"day", …}]}`.

        Each holds `requests`, `errors`, `input_tokens`, `output_tokens`, `total_tokens`, every bucket of `Usage`,
        `charge_nano`, `cost_nano` and `unpriced`; the totals hold `overages` (a count) and `overage_nano` too. Days are
        UTC days like 20261121 and oldest first, the others have the most requests first.

        Bounds at midnight UTC, and none, are read from sums that are kept by day; others from the rows.
        """
        whole_days = since_ms % DAY_MS == 0 and until_ms % DAY_MS == 0
        table = USAGE_DAYS if whole_days else USAGE
        since, until = (_day(since_ms), _day(until_ms)) if whole_days else (since_ms, until_ms)
        moment: ColumnElement[int] = table.c.day if whole_days else table.c.started_ms
        where = _where(table, moment, since, until, key_id, account_id)
        sums = _sums_of_days() if whole_days else _sums_of_rows()

        def grouped(connection: Connection, name: str) -> list[dict[str, Any]]:
            by_day = name == "day"
            column: ColumnElement[Any] = _number_of_day() if by_day and not whole_days else table.c[name]
            query = select(column.label("of"), *sums).where(*where).group_by(column)
            ordered = query.order_by(column) if by_day else query.order_by(sums[0].desc(), column)
            return [
                {name: _day(row.of * DAY_MS) if by_day and not whole_days else row.of, **_told(row)}
                for row in connection.execute(ordered)
            ]

        with snapshot(self._engine) as connection:
            totals = _told(connection.execute(select(*sums).where(*where)).one())
            overages = _where(USAGE, USAGE.c.started_ms, since_ms, until_ms, key_id, account_id)
            over = connection.execute(
                select(func.count(), func.coalesce(func.sum(USAGE.c.overage_nano), 0)).where(
                    # Written out: a database may use an index of such rows for a constant only.
                    text("overage_nano > 0"),
                    *overages,
                )
            ).one()
            totals |= {"overages": int(over[0]), "overage_nano": int(over[1])}
            return {"totals": totals, **{label: grouped(connection, name) for label, name in GROUPS.items()}}

    def rows(
        self,
        *,
        since_ms: int = 0,
        until_ms: int = 0,
        key_id: str = "",
        account_id: str = "",
        after: Place | None = None,
        limit: int = ROWS_MAX,
    ) -> list[UsageRow]:
        """At most `limit` rows, oldest first; those behind `after` when it is given."""
        where = _where(USAGE, USAGE.c.started_ms, since_ms, until_ms, key_id, account_id)
        if after is not None:
            at = USAGE.c.started_ms
            later = and_(at == after.started_ms, USAGE.c.exchange_id > after.exchange_id)
            where += [at >= after.started_ms, or_(at > after.started_ms, later)]
        query = select(USAGE).where(*where).order_by(USAGE.c.started_ms, USAGE.c.exchange_id).limit(limit)
        with reading(self._engine) as connection:
            return [_row(row) for row in connection.execute(query)]

    def every(
        self, *, since_ms: int = 0, until_ms: int = 0, key_id: str = "", account_id: str = ""
    ) -> Iterator[list[UsageRow]]:
        """All rows in chunks, oldest first."""
        after: Place | None = None
        while chunk := self.rows(
            since_ms=since_ms, until_ms=until_ms, key_id=key_id, account_id=account_id, after=after
        ):
            yield chunk
            after = chunk[-1].place


def _where(
    table: Table, moment: ColumnElement[int], since: int, until: int, key_id: str, account_id: str
) -> list[ColumnElement[bool]]:
    return [
        *([moment >= since] if since else []),
        *([moment < until] if until else []),
        *([table.c.key_id == key_id] if key_id else []),
        *([table.c.account_id == account_id] if account_id else []),
    ]


def _sums_of_rows() -> list[ColumnElement[Any]]:
    return [
        func.count().label("requests"),
        _sum(case((USAGE.c.error.is_not(None), 1), else_=0)).label("errors"),
        *(_sum(USAGE.c[name]).label(name) for name in (*BUCKETS, "charge_nano", "cost_nano")),
        _sum(cast(USAGE.c.unpriced, Integer)).label("unpriced"),
    ]


def _sums_of_days() -> list[ColumnElement[Any]]:
    names = ("requests", "errors", *BUCKETS, "charge_nano", "cost_nano", "unpriced")
    return [_sum(USAGE_DAYS.c[name]).label(name) for name in names]


def _sum(what: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(what), 0)


def _number_of_day() -> ColumnElement[int]:
    """Days since 1970, of a row."""
    return USAGE.c.started_ms // DAY_MS


def _day(moment_ms: int) -> int:
    """The UTC day of a moment; 0, which stands for no bound, stays 0."""
    return day_of(moment_ms) if moment_ms else 0


def _told(row: Row[Any]) -> dict[str, int]:
    buckets = {bucket: int(getattr(row, bucket)) for bucket in BUCKETS}
    usage = Usage(**buckets)
    return {
        "requests": int(row.requests),
        "errors": int(row.errors),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        **buckets,
        "charge_nano": int(row.charge_nano),
        "cost_nano": int(row.cost_nano),
        "unpriced": int(row.unpriced),
    }


_PLAIN: Sequence[str] = [name for name in UsageRow.__struct_fields__ if name != "usage"]


def _row(row: Row[Any]) -> UsageRow:
    usage = Usage(*(getattr(row, bucket) for bucket in BUCKETS))
    return UsageRow(usage=usage, **{name: getattr(row, name) for name in _PLAIN})
