"""Sums that are kept beside their rows, compared with them. Each function yields a line for each that differs."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

from fastgw.storage.sql.rollup import DAY_MS, LAST_DAY, yyyymmdd
from fastgw.storage.sql.tables import BUCKETS, MODEL_LENGTH_MAX

_ENDLESS_MS = 2**63 - 1
ENTRIES_SOME = 200_000
"""Entries that one quick comparison of balances reads at most."""


def balances(connection: Connection) -> Iterator[str]:
    """Balances and versions of all accounts against their entries, and entries of parties that do not exist."""
    for row in connection.execute(text(f"{_BALANCES} ORDER BY a.id")):
        yield from _balance(row)
    for row in connection.execute(text(_STRANGERS)):
        yield f"{row.party}: {row.entries} entries, and no such account"


def some_balances(connection: Connection, now_ms: int) -> Iterator[str]:
    """Those of some accounts, which are others each time; one with more entries than a comparison reads is left out."""
    found = list(connection.execute(text("SELECT id, version FROM accounts WHERE version > 0 ORDER BY id")))
    if not found:
        return
    begin = now_ms // 1_000 % len(found)
    left = ENTRIES_SOME
    for account in found[begin:] + found[:begin]:
        if account.version <= left:
            left -= account.version
            one = text(_BALANCES.replace("GROUP BY", "WHERE a.id = :id GROUP BY"))
            for row in connection.execute(one, {"id": account.id}):
                yield from _balance(row)


def account_charges(connection: Connection) -> Iterator[str]:
    """What accounts were charged against the rows of usage; an account that does not exist is in the posting's note."""
    rows = dict(_pairs(connection, "SELECT account_id, sum(charge_nano) FROM usage GROUP BY account_id"))
    rows.pop("", None)
    posted = dict(_pairs(connection, _CHARGED))
    yield from _differences(posted, rows, "charged", "rows of usage")


def key_sums(connection: Connection) -> Iterator[str]:
    """What keys have spent against the rows of usage, and what of it lies in slots."""
    rows = dict(_pairs(connection, "SELECT key_id, sum(charge_nano) FROM usage GROUP BY key_id"))
    kept = dict(_pairs(connection, "SELECT key_id, total_nano FROM key_spent"))
    yield from _differences(kept, rows, "spent", "rows of usage")
    for key_id, slots_nano in _pairs(connection, "SELECT key_id, sum(spent_nano) FROM key_slots GROUP BY key_id"):
        if slots_nano > kept.get(key_id, 0):
            yield f"{key_id}: slots have {slots_nano} nano-USD, more than it has spent"


def usage_days(connection: Connection) -> Iterator[str]:
    """Sums by day against the rows of usage, a day at a time."""
    seen: set[int] = set()
    first_ms = -(2**63)
    while first_ms < _ENDLESS_MS:
        query = text("SELECT min(started_ms) FROM usage WHERE started_ms >= :first")
        started_ms = connection.execute(query, {"first": first_ms}).scalar_one()
        if started_ms is None:
            break
        # What lies before or beyond the calendar counts as its first or last day.
        number = min(max(started_ms // DAY_MS, 0), LAST_DAY)
        day = yyyymmdd(number)
        seen.add(day)
        until_ms = (number + 1) * DAY_MS if number < LAST_DAY else _ENDLESS_MS
        bounds = {"first": first_ms, "until": until_ms}
        rows = {tuple(row[:3]): _ints(row[3:]) for row in connection.execute(text(_DAY_ROWS), bounds)}
        kept = {tuple(row[:3]): _ints(row[3:]) for row in connection.execute(text(_DAY_SUMS), {"day": day})}
        for name in sorted(rows.keys() | kept.keys()):
            if rows.get(name) != kept.get(name):
                yield f"{day} {' '.join(map(str, name))}: {kept.get(name)}, and rows of usage {rows.get(name)}"
        first_ms = until_ms
    for day in connection.execute(text("SELECT DISTINCT day FROM usage_days ORDER BY day")).scalars():
        if day not in seen:
            yield f"{day}: sums without rows of usage"


def _balance(row: Any) -> Iterator[str]:
    if row.balance_nano != row.amount_nano:
        yield f"{row.id}: balance {row.balance_nano} nano-USD, entries {row.amount_nano}"
    if row.version != row.entries:
        yield f"{row.id}: version {row.version}, entries {row.entries}"


def _pairs(connection: Connection, statement: str) -> Iterator[tuple[str, int]]:
    for name, amount in connection.execute(text(statement)):
        yield name, int(amount)


def _differences(kept: dict[str, int], rows: dict[str, int], what: str, against: str) -> Iterator[str]:
    for name in sorted(kept.keys() | rows.keys()):
        if kept.get(name, 0) != rows.get(name, 0):
            yield f"{name}: {what} {kept.get(name, 0)} nano-USD, {against} {rows.get(name, 0)}"


def _ints(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


_BALANCES = (
    "SELECT a.id, a.balance_nano, a.version, coalesce(sum(e.amount_nano), 0) AS amount_nano, "
    "count(e.party) AS entries FROM accounts a LEFT JOIN entries e ON e.party = a.id "
    "GROUP BY a.id, a.balance_nano, a.version"
)
_STRANGERS = (
    "SELECT party, count(*) AS entries FROM entries WHERE party NOT LIKE 'operator:%' "
    "AND party NOT IN (SELECT id FROM accounts) GROUP BY party ORDER BY party"
)
_CHARGED = (
    "SELECT name, -sum(amount_nano) FROM (SELECT CASE WHEN e.party = 'operator:unknown' THEN p.note ELSE e.party END "
    "AS name, e.amount_nano FROM entries e JOIN postings p ON p.id = e.posting_id "
    "WHERE p.kind = 'charges' AND e.party <> 'operator:sales') AS charged GROUP BY name"
)
_COUNTS = (*BUCKETS, "charge_nano", "cost_nano", "total_ms")
_DAY_ROWS = (
    f"SELECT key_id, substr(model, 1, {MODEL_LENGTH_MAX}) AS short, account_id, count(*), "  # noqa: S608
    "sum(CASE WHEN error IS NULL THEN 0 ELSE 1 END), sum(CASE WHEN unpriced THEN 1 ELSE 0 END), "
    + ", ".join(f"sum({count})" for count in _COUNTS)
    + " FROM usage WHERE started_ms >= :first AND started_ms < :until GROUP BY key_id, short, account_id"
)
_DAY_SUMS = (
    "SELECT key_id, model, account_id, requests, errors, unpriced, "  # noqa: S608
    + ", ".join(_COUNTS)
    + " FROM usage_days WHERE day = :day"
)
