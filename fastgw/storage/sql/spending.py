"""What one key has used and spent, read in one transaction: from sums that the drain keeps, never from all its rows."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, select

from fastgw.spending import KeySpending, Sums, Window, day_of
from fastgw.storage.sql.engine import snapshot
from fastgw.storage.sql.purses import WINDOWS
from fastgw.storage.sql.tables import ACCOUNTS, API_KEYS, BUCKETS, KEY_SLOTS, KEY_SPENT, USAGE, USAGE_DAYS
from fastgw.usage import Usage

MINUTE_MS = 60_000
_NAMES = ("h5", "d1", "d7")
"""Of the windows, in the order of `purses.WINDOWS`."""
MODELS_MAX = 200
"""Models that are told of; a key that may name any model of a provider could have used more."""

_COUNTED = ("requests", "errors", *BUCKETS, "charge_nano", "cost_nano", "unpriced", "total_ms")


class SpendingReader:
    """Reads what keys have spent. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, key_id: str, account_id: str, *, now_ms: int, first_day: int, last_day: int) -> KeySpending:
        """One key and the account that pays for it, if any. `days` and `models` are of the days named, both included.

        What a worker has charged is in here once the keeper has drained it, about a second later.
        """
        with snapshot(self._engine) as connection:
            balance, paid = _account(connection, account_id)
            days = _grouped(connection, USAGE_DAYS.c.day, key_id, first_day, last_day)
            models = _grouped(connection, USAGE_DAYS.c.model, key_id, first_day, last_day)
            spent = connection.execute(select(KEY_SPENT).where(KEY_SPENT.c.key_id == key_id)).one_or_none()
            today = day_of(now_ms)
            # A month that lies ahead was written by a machine whose clock is ahead: it counts already, as at the gate.
            month_nano = spent.month_nano if spent is not None and spent.month >= today // 100 else 0
            return KeySpending(
                spent_nano=spent.total_nano if spent is not None else 0,
                month_nano=month_nano,
                **_windows(connection, key_id, now_ms),
                balance_nano=balance,
                paid_nano=paid,
                today=_total(connection, key_id, USAGE_DAYS.c.day == today),
                total=_total(connection, key_id),
                minute=_minute(connection, key_id, now_ms),
                days=tuple(sorted(days.items())),
                models=tuple(sorted(models.items(), key=_dearest)[:MODELS_MAX]),
            )


def _dearest(one: tuple[str, Sums]) -> tuple[int, int, str]:
    name, sums = one
    return (-sums.charge_nano, -sums.requests, name)


def _account(connection: Connection, account_id: str) -> tuple[int | None, int]:
    if not account_id:
        return None, 0
    balance = connection.execute(select(ACCOUNTS.c.balance_nano).where(ACCOUNTS.c.id == account_id)).scalar()
    paid = (
        select(func.coalesce(func.sum(KEY_SPENT.c.total_nano), 0))
        .join(API_KEYS, API_KEYS.c.id == KEY_SPENT.c.key_id)
        .where(API_KEYS.c.account_id == account_id)
    )
    return balance, int(connection.execute(paid).scalar_one())


def _windows(connection: Connection, key_id: str, now_ms: int) -> dict[str, Window]:
    """As the gate counts them: an amount leaves a window with the end of the step that it was spent in."""
    now_s = now_ms // 1_000
    slot = KEY_SLOTS.c.slot_s
    oldest_s = min(now_s - length_s - step_s for length_s, step_s in WINDOWS)
    found = connection.execute(
        select(slot, KEY_SLOTS.c.spent_nano)
        .where(KEY_SLOTS.c.key_id == key_id, slot >= oldest_s, KEY_SLOTS.c.spent_nano > 0)
        .order_by(slot)
    ).all()
    windows = {}
    for name, (length_s, step_s) in zip(_NAMES, WINDOWS, strict=True):
        within = [row for row in found if _leaves(row.slot_s, length_s, step_s) > now_s]
        if within:
            first_s = within[0].slot_s
            spent_nano = sum(row.spent_nano for row in within)
            windows[name] = Window(spent_nano, first_s, _leaves(first_s, length_s, step_s))
    return windows


def _leaves(slot_s: int, length_s: int, step_s: int) -> int:
    return (slot_s // step_s + 1) * step_s + length_s


def _sums() -> list[ColumnElement[Any]]:
    return [func.coalesce(func.sum(USAGE_DAYS.c[name]), 0).label(name) for name in _COUNTED]


def _grouped(
    connection: Connection, column: ColumnElement[Any], key_id: str, first_day: int, last_day: int
) -> Mapping[Any, Sums]:
    day = USAGE_DAYS.c.day
    query = (
        select(column.label("of"), *_sums())
        .where(USAGE_DAYS.c.key_id == key_id, day >= first_day, day <= last_day)
        .group_by(column)
    )
    return {row.of: _told(row) for row in connection.execute(query)}


def _total(connection: Connection, key_id: str, *more: ColumnElement[bool]) -> Sums:
    return _told(connection.execute(select(*_sums()).where(USAGE_DAYS.c.key_id == key_id, *more)).one())


def _minute(connection: Connection, key_id: str, now_ms: int) -> Sums:
    columns = [func.coalesce(func.sum(USAGE.c[bucket]), 0) for bucket in BUCKETS]
    since = USAGE.c.started_ms > now_ms - MINUTE_MS
    row = connection.execute(select(func.count(), *columns).where(since, USAGE.c.key_id == key_id)).one()
    return Sums(requests=int(row[0]), usage=Usage(*map(int, row[1:])))


def _told(row: Row[Any]) -> Sums:
    counted = {name: int(getattr(row, name)) for name in _COUNTED}
    usage = Usage(*(counted.pop(bucket) for bucket in BUCKETS))
    return Sums(usage=usage, **counted)
