"""Sums over usage rows, as `fastgw usage` and the control plane show them."""

from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, case, func, select

from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.tables import BUCKETS, USAGE
from fastgw.usage import Usage


class UsageReport:
    """Reads sums. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, *, since_ms: int = 0, until_ms: int = 0, key_id: str = "") -> dict[str, Any]:
        """`{"totals": {…}, "by_model": [{"model", …}], "by_key": [{"key_id", …}]}`, largest first.

        Each holds `requests`, `errors`, `input_tokens`, `output_tokens`, `total_tokens` and every bucket of `Usage`.
        Exchanges count that started from `since_ms` on and before `until_ms` (Unix milliseconds, 0: no bound).
        """
        sums: list[ColumnElement[Any]] = [
            func.count().label("requests"),
            func.coalesce(func.sum(case((USAGE.c.error.is_not(None), 1), else_=0)), 0).label("errors"),
            *(func.coalesce(func.sum(USAGE.c[bucket]), 0).label(bucket) for bucket in BUCKETS),
        ]

        def chosen(query: Select[Any]) -> Select[Any]:
            if since_ms:
                query = query.where(USAGE.c.started_ms >= since_ms)
            if until_ms:
                query = query.where(USAGE.c.started_ms < until_ms)
            return query.where(USAGE.c.key_id == key_id) if key_id else query

        def grouped(name: str) -> list[dict[str, Any]]:
            column = USAGE.c[name]
            rows = connection.execute(
                chosen(select(column, *sums)).group_by(column).order_by(func.count().desc(), column)
            )
            return [{name: getattr(row, name), **_sums(row)} for row in rows]

        with reading(self._engine) as connection:
            totals = _sums(connection.execute(chosen(select(*sums))).one())
            return {"totals": totals, "by_model": grouped("model"), "by_key": grouped("key_id")}


def _sums(row: Row[Any]) -> dict[str, int]:
    buckets = {bucket: int(getattr(row, bucket)) for bucket in BUCKETS}
    usage = Usage(**buckets)
    return {
        "requests": int(row.requests),
        "errors": int(row.errors),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        **buckets,
    }
