"""Rows of usage and their sums by day, written as the drain leaves them, for tests of what reads them."""

from typing import Any

import msgspec
from sqlalchemy import Engine, insert

from fastgw.spending import day_of
from fastgw.storage.sql.tables import USAGE, USAGE_DAYS
from fastgw.usage import Usage

NOON_MS = 1_763_726_400_000
"""2025-11-21 12:00 UTC."""
DAY_MS = 86_400_000


USED = Usage(in_text=10, out_text=5)


def exchange(exchange_id: str, *, usage: Usage = USED, **fields: Any) -> dict[str, Any]:
    """One row of usage."""
    row: dict[str, Any] = {
        "exchange_id": exchange_id,
        "key_id": "key_a",
        "model": "fake/fake-1",
        "provider": "fake",
        "provider_model": "fake-1",
        "surface": "chat",
        "stream": False,
        "status": 200,
        "outcome": "ok",
        "error": None,
        "usage_estimated": False,
        "started_ms": NOON_MS,
        "first_byte_ms": 3,
        "total_ms": 40,
        "gateway_us": 100,
        "attempts": 1,
        "delivered_bytes": 50,
        "account_id": "acct_a",
        "group_name": "",
        "hold_nano": 0,
        "charge_nano": 0,
        "cost_nano": 0,
        "overage_nano": 0,
        "unpriced": False,
    }
    return row | msgspec.structs.asdict(usage) | fields


def write(engine: Engine, *rows: dict[str, Any]) -> None:
    """Rows, and what they come to by day."""
    days: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        place = (day_of(row["started_ms"]), row["key_id"], row["model"], row["account_id"])
        counted = {"requests": 1, "errors": int(row["error"] is not None), "unpriced": int(row["unpriced"])}
        counted |= {name: row[name] for name in (*Usage.__struct_fields__, "charge_nano", "cost_nano", "total_ms")}
        day = days.setdefault(place, dict.fromkeys(counted, 0))
        for name, count in counted.items():
            day[name] += count
    names = ("day", "key_id", "model", "account_id")
    with engine.begin() as connection:
        connection.execute(insert(USAGE), list(rows))
        connection.execute(
            insert(USAGE_DAYS), [dict(zip(names, place, strict=True)) | day for place, day in days.items()]
        )
