"""Purses as the ledger knows them: what the keeper tells the gate about balances and spending (docs/adr/0008)."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Integer, func, literal_column, select

from fastgw.exchange import Purse
from fastgw.money.amounts import AMOUNT_MAX
from fastgw.storage.sql.accounts import ID_PREFIX as ACCOUNT_PREFIX
from fastgw.storage.sql.engine import snapshot
from fastgw.storage.sql.rollup import SLOT_S, month_of
from fastgw.storage.sql.tables import (
    ACCOUNTS,
    JOURNAL_SPENT,
    JOURNALS,
    JOURNALS_VERSION,
    KEY_SLOTS,
    KEY_SPENT,
    META,
    MONEY_VERSION,
)

NAMES_MAX = 500
"""Purses of one reading: about 200 rows for each key."""
WINDOWS = ((5 * 3_600, SLOT_S), (86_400, 1_800), (7 * 86_400, 3 * 3_600))
"""Length of each window, and of the steps in which amounts leave it, in seconds."""

_Leaving = tuple[tuple[tuple[int, int], ...], ...]
_Drained = tuple[tuple[int, int], ...]


class PurseSource:
    """Reads purses. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, names: Sequence[str], now_ms: int) -> list[Purse]:
        """A purse for each of `names` (ids of accounts and keys, at most `NAMES_MAX`), all as of one moment.

        What the ledger does not know has nothing and has spent nothing: an account that is not there cannot pay.
        """
        assert len(names) <= NAMES_MAX
        accounts = [name for name in names if name.startswith(ACCOUNT_PREFIX)]
        keys = [name for name in names if not name.startswith(ACCOUNT_PREFIX)]
        with snapshot(self._engine) as connection:
            version = _counter(connection, JOURNALS_VERSION)
            drained = _drained(connection, names)
            found = _accounts(connection, accounts, version, drained) if accounts else []
            if keys:
                found += _keys(connection, keys, version, drained, now_ms // 1_000)
        return found

    def workers(self) -> tuple[int, frozenset[int]]:
        """`journals_version`, and the numbers of the workers that may hold money."""
        with snapshot(self._engine) as connection:
            version = _counter(connection, JOURNALS_VERSION)
            return version, frozenset(connection.execute(select(JOURNALS.c.worker)).scalars())

    def changed_since(self, version: int) -> tuple[int, list[str]]:
        """`money_version` now, and the accounts that were changed after `version` by something else than a drain."""
        with snapshot(self._engine) as connection:
            latest = _counter(connection, MONEY_VERSION)
            if latest == version:
                return latest, []
            query = select(ACCOUNTS.c.id).where(ACCOUNTS.c.changed > version).order_by(ACCOUNTS.c.id)
            return latest, list(connection.execute(query).scalars())


def _counter(connection: Connection, name: str) -> int:
    return int(connection.execute(select(META.c.value).where(META.c.name == name)).scalar_one())


def _drained(connection: Connection, names: Sequence[str]) -> dict[str, _Drained]:
    """For each name, what of each registered worker's spending is in the ledger."""
    workers = {row.journal: row.worker for row in connection.execute(select(JOURNALS.c.journal, JOURNALS.c.worker))}
    spent: dict[str, dict[int, int]] = {name: dict.fromkeys(workers.values(), 0) for name in names}
    for row in connection.execute(select(JOURNAL_SPENT).where(JOURNAL_SPENT.c.purse.in_(names))):
        worker = workers.get(row.journal)
        if worker is not None:
            spent[row.purse][worker] = row.spent_nano
    return {name: tuple(sorted(of_workers.items())) for name, of_workers in spent.items()}


def _accounts(connection: Connection, names: Sequence[str], version: int, drained: dict[str, _Drained]) -> list[Purse]:
    query = select(ACCOUNTS.c.id, ACCOUNTS.c.version, ACCOUNTS.c.balance_nano).where(ACCOUNTS.c.id.in_(names))
    rows = {row.id: row for row in connection.execute(query)}
    found = []
    for name in names:
        row = rows.get(name)
        balance_nano = 0 if row is None else max(-AMOUNT_MAX, min(row.balance_nano, AMOUNT_MAX))
        found.append(
            Purse(
                name=name,
                version=0 if row is None else row.version,
                journals_version=version,
                drained=drained[name],
                balance_nano=balance_nano,
            )
        )
    return found


def _keys(
    connection: Connection, names: Sequence[str], version: int, drained: dict[str, _Drained], now_s: int
) -> list[Purse]:
    rows = {row.key_id: row for row in connection.execute(select(KEY_SPENT).where(KEY_SPENT.c.key_id.in_(names)))}
    leaving = _leaving(connection, names, now_s)
    this_month = month_of(now_s)
    found = []
    for name in names:
        row: Any = rows.get(name)
        # A month that lies ahead was written by a machine whose clock is ahead: it counts already.
        ours = row is not None and row.month >= this_month
        found.append(
            Purse(
                name=name,
                version=0 if row is None else row.version,
                journals_version=version,
                drained=drained[name],
                spent_nano=0 if row is None else min(row.total_nano, AMOUNT_MAX),
                month_until_s=_month_end_s(row.month if ours else this_month),
                month_nano=min(row.month_nano, AMOUNT_MAX) if ours else 0,
                leaving=leaving[name],
            )
        )
    return found


def _leaving(connection: Connection, names: Sequence[str], now_s: int) -> dict[str, _Leaving]:
    """When which amount leaves each window: with the end of the step that it was spent in, never earlier."""
    found: dict[str, list[list[tuple[int, int]]]] = defaultdict(lambda: [[] for _ in WINDOWS])
    for number, (window_s, step_s) in enumerate(WINDOWS):
        # Written out: PostgreSQL takes two parameters of the same value for two expressions.
        step = KEY_SLOTS.c.slot_s // literal_column(str(step_s), Integer())
        query = (
            select(KEY_SLOTS.c.key_id, step.label("step"), func.sum(KEY_SLOTS.c.spent_nano).label("spent_nano"))
            .where(KEY_SLOTS.c.key_id.in_(names), KEY_SLOTS.c.slot_s >= (now_s - window_s) // step_s * step_s)
            .group_by(KEY_SLOTS.c.key_id, step)
            .order_by(KEY_SLOTS.c.key_id, step)
        )
        for row in connection.execute(query):
            leaves_s = (row.step + 1) * step_s + window_s
            found[row.key_id][number].append((leaves_s, min(int(row.spent_nano), AMOUNT_MAX)))
    return {name: tuple(tuple(window) for window in found[name]) for name in names}


def _month_end_s(month: int) -> int:
    year, number = divmod(month, 100)
    return int(datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp())
