"""What must be true of the ledger, looked up: `fastgw ledger check`, and a share of it that the keeper can afford."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, Engine, text

from fastgw.money.amounts import usd
from fastgw.storage.sql import check_topups
from fastgw.storage.sql.check_sums import account_charges, balances, key_sums, some_balances, usage_days
from fastgw.storage.sql.engine import snapshot

ITEMS_MAX = 100
"""Shown of each finding; its text has the number of all."""
NEWEST = 5_000
"""Postings that the quick check looks at."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked up."""

    name: str
    """Stable, like `postings_balanced`."""
    ok: bool
    detail: str
    """A sentence for the operator."""
    items: tuple[str, ...] = ()
    """What is wrong, or listed; the first `ITEMS_MAX`."""


def check(engine: Engine, *, now_ms: int, quick: bool = False) -> list[Finding]:
    """Look everything up, as of one moment; reads all rows of usage. Raises `sqlalchemy.exc.SQLAlchemyError`.

    `quick` reads a bounded share: the newest postings, the balances of some accounts (others each time; not those with
    very many postings), and what is small.
    """
    with snapshot(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        return look_up(connection, now_ms=now_ms, quick=quick)


def look_up(connection: Connection, *, now_ms: int, quick: bool = False) -> list[Finding]:
    """The same as the transaction of `connection` sees it."""
    shared = [_append_only(connection), _finished(connection)]
    if quick:
        newest = _NEWEST_SIDES.replace(":newest", str(NEWEST))
        return [
            _sides(connection, newest, f"the newest {NEWEST} postings"),
            _sums("balances", some_balances(connection, now_ms), "balances of some accounts"),
            *shared,
        ]
    return [
        _sides(connection, _SIDES, "all postings"),
        _total(connection),
        _sums("balances", balances(connection), "balances of all accounts"),
        _sums("charges", account_charges(connection), "what accounts were charged"),
        _sums("keys", key_sums(connection), "what keys have spent"),
        _sums("usage_days", usage_days(connection), "sums by day"),
        _found("payments", check_topups.payments(connection), "payments brought and gave back what was posted of them"),
        _found("codes", check_topups.codes(connection), "each redeemed code has its posting"),
        *shared,
        *_below_zero(connection),
        _unknown(connection),
    ]


def _sides(connection: Connection, statement: str, what: str) -> Finding:
    wrong = [
        f"posting {row.id}: {row.sides} sides, sum {row.amount_nano} nano-USD"
        for row in connection.execute(text(statement))
    ]
    return _found("postings_balanced", wrong, f"{what} have two sides or more, which sum to 0")


def _total(connection: Connection) -> Finding:
    total = connection.execute(text("SELECT coalesce(sum(amount_nano), 0) FROM entries")).scalar_one()
    return _found("entries_total", [f"{total} nano-USD"] if total else [], "all entries together sum to 0")


def _sums(name: str, read: Iterable[str], what: str) -> Finding:
    return _found(name, read, f"{what} are the sums of their rows")


def _append_only(connection: Connection) -> Finding:
    sqlite = connection.dialect.name == "sqlite"
    wanted = {f"{table}_no_{change}" for table in ("postings", "entries") for change in ("update", "delete")}
    if not sqlite:
        wanted |= {"postings_no_truncate", "entries_no_truncate", "entries_balanced"}
    there = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    query = there if sqlite else "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'"
    missing = wanted - set(connection.execute(text(query)).scalars())
    return _found("append_only", sorted(missing), "the triggers that keep postings from being changed are in place")


def _finished(connection: Connection) -> Finding:
    """A journal that is drained has a cursor, one that may hold money a row; what is finished has neither."""
    left = [
        f"{row.journal}: {row.rows} rows of {table}"
        for table in ("open_exchanges", "journal_spent")
        for row in connection.execute(
            text(
                f"SELECT journal, count(*) AS rows FROM {table} WHERE journal NOT IN (SELECT journal FROM journals) "  # noqa: S608
                "AND journal NOT IN (SELECT journal FROM journal_cursor) GROUP BY journal ORDER BY journal"
            )
        )
    ]
    return _found("journals_finished", left, "nothing is left of journals that are finished")


def _below_zero(connection: Connection) -> list[Finding]:
    """Prepaid accounts below zero: by overages and refunds, and by what was used while there was no limit."""
    unexplained: list[str] = []
    explained: list[str] = []
    for row in connection.execute(text(_BELOW_ZERO)):
        shown = (
            f"{row.id} ({row.name}): {usd(row.balance_nano)} USD; overages {usd(int(row.overage_nano))}, returned "
            f"{usd(int(row.returned_nano))}, used without a limit {usd(int(row.unheld_nano))}"
        )
        known = row.overage_nano + row.returned_nano + row.unheld_nano
        (explained if row.balance_nano + known >= 0 else unexplained).append(shown)
    overages = [
        f"{row.exchange_id}: {usd(row.overage_nano)} USD, account {row.account_id or '-'}, key {row.key_id}"
        for row in connection.execute(text(_OVERAGES), {"most": ITEMS_MAX})
    ]
    count, amount = connection.execute(text(_OVERAGE_SUM)).one()
    return [
        _found("below_zero", unexplained, "no prepaid balance is below zero without a listed reason"),
        Finding("below_zero_explained", True, _count(explained, "prepaid accounts are below zero"), _first(explained)),
        Finding("overages", True, f"{count} exchanges cost {usd(int(amount))} USD more than was held", tuple(overages)),
    ]


def _unknown(connection: Connection) -> Finding:
    listed = [
        f"{row.account_id}: {usd(int(row.amount_nano))} USD" for row in connection.execute(text(_UNKNOWN_ACCOUNTS))
    ]
    return Finding("unknown_accounts", True, _count(listed, "accounts that do not exist were charged"), _first(listed))


def _found(name: str, wrong: Iterable[str], law: str) -> Finding:
    items = []
    count = 0
    for one in wrong:
        count += 1
        if count <= ITEMS_MAX:
            items.append(one)
    return Finding(name, not count, law if not count else f"{count} times not so: {law}", tuple(items))


def _count(listed: Sequence[str], what: str) -> str:
    return f"{len(listed)} {what}"


def _first(listed: Sequence[str]) -> tuple[str, ...]:
    return tuple(listed[:ITEMS_MAX])


_SIDES = (
    "SELECT p.id, count(e.party) AS sides, coalesce(sum(e.amount_nano), 0) AS amount_nano "
    "FROM postings p LEFT JOIN entries e ON e.posting_id = p.id GROUP BY p.id "
    "HAVING count(e.party) < 2 OR sum(e.amount_nano) <> 0 ORDER BY p.id"
)
_NEWEST_SIDES = _SIDES.replace("FROM postings p ", "FROM (SELECT id FROM postings ORDER BY id DESC LIMIT :newest) p ")
_BELOW_ZERO = (
    "SELECT a.id, a.name, a.balance_nano, "
    "coalesce((SELECT sum(CASE WHEN u.purses % 2 = 1 THEN u.overage_nano ELSE 0 END) "
    "FROM usage u WHERE u.account_id = a.id), 0) AS overage_nano, "
    "coalesce((SELECT sum(CASE WHEN u.purses % 2 = 0 THEN u.charge_nano ELSE 0 END) "
    "FROM usage u WHERE u.account_id = a.id), 0) AS unheld_nano, "
    "coalesce((SELECT -sum(e.amount_nano) FROM postings p JOIN entries e ON e.posting_id = p.id "
    "WHERE p.kind IN ('refund', 'chargeback', 'debit') AND e.party = a.id AND e.amount_nano < 0), 0) AS returned_nano "
    "FROM accounts a WHERE a.prepaid AND a.balance_nano < 0 ORDER BY a.id"
)
_OVERAGES = (
    "SELECT exchange_id, account_id, key_id, overage_nano FROM usage WHERE overage_nano > 0 "
    "ORDER BY started_ms DESC LIMIT :most"
)
_OVERAGE_SUM = "SELECT count(*), coalesce(sum(overage_nano), 0) FROM usage WHERE overage_nano > 0"
_UNKNOWN_ACCOUNTS = (
    "SELECT p.note AS account_id, -sum(e.amount_nano) AS amount_nano FROM entries e JOIN postings p "
    "ON p.id = e.posting_id WHERE e.party = 'operator:unknown' GROUP BY p.note ORDER BY p.note"
)
