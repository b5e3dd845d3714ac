"""What `fastgw usage` prints: sums for people and scripts, or every exchange as CSV."""

import sys
from typing import Any

from fastgw.app import output
from fastgw.app.command_stores import account_of, database
from fastgw.app.output import DONE
from fastgw.controlplane import usage_csv
from fastgw.money.amounts import usd
from fastgw.settings import Settings
from fastgw.storage.sql.report import UsageReport

COLUMNS = {"model": "model", "key": "key_id", "account": "account_id", "day": "day"}
"""What `--by` may be, and its name in rows of the report."""

_COUNTS = ("requests", "errors", "input_tokens", "output_tokens", "total_tokens")


def usage(settings: Settings, *, since_ms: int, account: str, by: str, as_json: bool) -> int:
    """Print sums of usage and money."""
    with database(settings) as engine:
        account_id = account_of(engine, account).id if account else ""
        report = UsageReport(engine).read(since_ms=since_ms, account_id=account_id)
    if as_json:
        output.result({name: _with_usd(part) for name, part in report.items()})
        return DONE
    column = COLUMNS[by]
    rows = [(str(row[column]), *_cells(row)) for row in report[f"by_{by}"]]
    rows.append(("total", *_cells(report["totals"])))
    counts = (name.replace("_", " ").upper() for name in _COUNTS)
    head = (by.upper(), *counts, "CHARGED USD", "COST USD", "UNPRICED")
    output.table(head, rows, right=frozenset(range(1, len(head))))
    return DONE


def export(settings: Settings, *, since_ms: int, account: str) -> int:
    """Print every exchange as a line of CSV under a head, as they come from the database."""
    with database(settings) as engine:
        account_id = account_of(engine, account).id if account else ""
        out = sys.stdout.buffer
        out.write(usage_csv.HEAD)
        for rows in UsageReport(engine).every(since_ms=since_ms, account_id=account_id):
            out.write(usage_csv.lines(rows))
        out.flush()
    return DONE


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    counts = (f"{row[name]:,}" for name in _COUNTS)
    return (*counts, usd(row["charge_nano"]), usd(row["cost_nano"]), f"{row['unpriced']:,}")


def _with_usd(part: Any) -> Any:
    """Sums with their amounts in USD beside those in nano-USD."""
    if isinstance(part, list):
        return [_with_usd(row) for row in part]
    return part | {"charge_usd": usd(part["charge_nano"]), "cost_usd": usd(part["cost_nano"])}
