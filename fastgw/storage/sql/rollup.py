"""What a stretch of rows comes to: by account, purse, key and day. Added up in Python, then a few statements."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE
from fastgw.records import Closed
from fastgw.storage.sql.tables import BUCKETS, MODEL_LENGTH_MAX
from fastgw.storage.sql.usage_rows import many, text

SLOT_S = 300
"""Length of a key's slot."""
SLOTS_KEPT_S = 8 * 86_400

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
LAST_DAY = date.max.toordinal() - _EPOCH
"""Days from 1970 to the end of the calendar."""

_astuple = msgspec.structs.astuple


class Sums:
    """One stretch of new rows, added up."""

    def __init__(self, closed: Sequence[Closed], now_ms: int) -> None:
        self.accounts: dict[str, int] = defaultdict(int)
        """What each account is charged, 1 or more; rows without an account charge nobody."""
        self.purses: dict[str, int] = defaultdict(int)
        """What was spent from each purse that the rows held some of."""
        self.slots: dict[tuple[str, int], int] = defaultdict(int)
        """What each key is charged, by the slot of the exchange's end; no slot lies in the future."""
        self.days: dict[tuple[int, str, str, str], list[int]] = {}
        self.overages = 0
        """Rows that were charged more than they held, and by how much together."""
        self.overage_nano = 0
        groups: dict[tuple[int, str, str, str, int], list[Closed]] = {}
        for one in closed:
            name = (one.started_ms // DAY_MS, one.key_id, one.model, one.account_id, one.purses)
            group = groups.get(name)
            if group is None:
                groups[name] = [one]
            else:
                group.append(one)
        for (day, key_id, model, account_id, purses), group in groups.items():
            charge_nano = sum([one.charge_nano for one in group])
            self._add_day((yyyymmdd(day), key_id, text(model)[:MODEL_LENGTH_MAX], account_id), group, charge_nano)
            if charge_nano:
                self._charge(key_id, account_id, purses, charge_nano)
                self._add_slots(key_id, group, now_ms)
            if purses:
                beyond = [one.charge_nano - one.hold_nano for one in group if one.charge_nano > one.hold_nano]
                self.overages += len(beyond)
                self.overage_nano += sum(beyond)

    def _charge(self, key_id: str, account_id: str, purses: int, charge_nano: int) -> None:
        if account_id:
            self.accounts[account_id] += charge_nano
            if purses & ACCOUNT_PURSE:
                self.purses[account_id] += charge_nano
        if purses & KEY_PURSE:
            self.purses[key_id] += charge_nano

    def _add_slots(self, key_id: str, group: list[Closed], now_ms: int) -> None:
        for one in group:
            if one.charge_nano:
                end_ms = min(one.started_ms + one.total_ms, now_ms)
                self.slots[key_id, end_ms // (SLOT_S * 1_000) * SLOT_S] += one.charge_nano

    def _add_day(self, name: tuple[int, str, str, str], group: list[Closed], charge_nano: int) -> None:
        sums = [
            len(group),
            sum([one.error is not None for one in group]),
            *map(sum, zip(*[_astuple(one.usage) for one in group], strict=True)),
            charge_nano,
            sum([one.cost_nano for one in group]),
            sum([one.unpriced for one in group]),
            sum([one.total_ms for one in group]),
        ]
        before = self.days.get(name)
        self.days[name] = sums if before is None else [a + b for a, b in zip(before, sums, strict=True)]


class Rollup:
    """Writes sums. All rows go in one order everywhere, so that keepers never wait for each other in a circle."""

    def __init__(self, dialect: str) -> None:
        mark = "?" if dialect == "sqlite" else "%s"
        self._purses = _adding("journal_spent", ("journal", "purse"), ("spent_nano",), mark)
        self._slots = _adding("key_slots", ("key_id", "slot_s"), ("spent_nano",), mark)
        counts = ("requests", "errors", *BUCKETS, "charge_nano", "cost_nano", "unpriced", "total_ms")
        self._days = _adding("usage_days", ("day", "key_id", "model", "account_id"), counts, mark)
        self._keys = _SPEND.replace("?", mark)
        self._prune = f"DELETE FROM key_slots WHERE slot_s < {mark}"  # noqa: S608
        self._pruned_s = 0

    def write(self, connection: Connection, journal: str, sums: Sums, now_ms: int) -> None:
        """Add `sums` of rows that `journal` brought to the tables."""
        _all(connection, self._purses, [(journal, *item) for item in sorted(sums.purses.items())])
        months: dict[tuple[str, int], int] = defaultdict(int)
        for (key_id, slot_s), amount_nano in sums.slots.items():
            months[key_id, month_of(slot_s)] += amount_nano
        spent = [(key_id, amount, month, amount) for (key_id, month), amount in sorted(months.items())]
        _all(connection, self._keys, spent)
        _all(connection, self._slots, [(*slot, amount) for slot, amount in sorted(sums.slots.items())])
        # Token counts are what providers say, whose sums need not fit.
        many(connection, self._days, [(*name, *counts) for name, counts in sorted(sums.days.items())])
        oldest_s = now_ms // 1_000 // SLOT_S * SLOT_S - SLOTS_KEPT_S
        if oldest_s > self._pruned_s:
            connection.exec_driver_sql(self._prune, (oldest_s,))
            self._pruned_s = oldest_s


def month_of(unix_s: int) -> int:
    """202611 for a second in November 2026, UTC."""
    moment = datetime.fromtimestamp(max(0, unix_s), UTC)
    return moment.year * 100 + moment.month


def yyyymmdd(days: int) -> int:
    """20261121 for days from 1970 on."""
    # A clock that was wrong beyond all bounds must not stop the drain.
    day = date.fromordinal(_EPOCH + min(max(days, 0), LAST_DAY))
    return day.year * 10_000 + day.month * 100 + day.day


def _all(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        connection.exec_driver_sql(statement, rows)


def _adding(table: str, names: tuple[str, ...], counts: tuple[str, ...], mark: str) -> str:
    columns = names + counts
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(names)}) DO UPDATE SET "
        + ", ".join(f"{count} = {table}.{count} + excluded.{count}" for count in counts)
    )


_SPEND = (
    "INSERT INTO key_spent (key_id, version, total_nano, month, month_nano) VALUES (?, 1, ?, ?, ?) "
    "ON CONFLICT (key_id) DO UPDATE SET version = key_spent.version + 1, "
    "total_nano = key_spent.total_nano + excluded.total_nano, "
    "month_nano = CASE WHEN excluded.month > key_spent.month THEN excluded.month_nano "
    "WHEN excluded.month = key_spent.month THEN key_spent.month_nano + excluded.month_nano "
    "ELSE key_spent.month_nano END, "
    "month = CASE WHEN excluded.month > key_spent.month THEN excluded.month ELSE key_spent.month END"
)
