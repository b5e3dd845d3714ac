"""Rows that cost something, and what the tests of the ledger look up directly."""

import msgspec
from sqlalchemy import Engine, text

from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE
from fastgw.records import Closed
from fastgw.storage.sql.check import Finding, check
from tests.storage.journal.records import KEY_ID, closed

NOW_MS = 1_795_276_923_456
"""2026-11-21 16:02:03 UTC."""


def paid(
    exchange_id: str,
    charge_nano: int,
    *,
    account_id: str,
    key_id: str = KEY_ID,
    hold_nano: int = 1_000_000,
    purses: int = ACCOUNT_PURSE | KEY_PURSE,
    cost_nano: int = 1,
    started_ms: int = NOW_MS - 60_000,
) -> Closed:
    """An exchange that cost something and, by default, ended 58 seconds before `NOW_MS`."""
    return msgspec.structs.replace(
        closed(exchange_id, key_id=key_id, started_ms=started_ms),
        account_id=account_id,
        purses=purses,
        hold_nano=hold_nano,
        charge_nano=charge_nano,
        cost_nano=cost_nano,
    )


def now_ms() -> int:
    """The clock of the ledgers under test."""
    return NOW_MS


def sides(engine: Engine, kind: str) -> list[tuple[str, str, int]]:
    """Reference, party and amount of each side of the postings of `kind`, in their order."""
    query = text(
        "SELECT p.reference, e.party, e.amount_nano FROM postings p JOIN entries e ON e.posting_id = p.id "
        "WHERE p.kind = :kind ORDER BY p.id, e.amount_nano"
    )
    with engine.connect() as connection:
        return [(row.reference, row.party, row.amount_nano) for row in connection.execute(query, {"kind": kind})]


def counter(engine: Engine, name: str) -> int:
    """One of the deployment's counters."""
    with engine.connect() as connection:
        query = text("SELECT value FROM meta WHERE name = :name")
        return int(connection.execute(query, {"name": name}).scalar_one())


def wrong(engine: Engine, *, quick: bool = False) -> list[Finding]:
    """What the check complains of."""
    return [finding for finding in check(engine, now_ms=NOW_MS, quick=quick) if not finding.ok]
