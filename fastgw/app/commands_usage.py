"""What `fastgw usage` prints: sums for people and scripts, or every exchange as CSV."""

import sys
from typing import Any

from sqlalchemy import Engine

from fastgw.app import output
from fastgw.app.command_stores import account_of, database
from fastgw.app.output import DONE
from fastgw.controlplane import usage_csv
from fastgw.money.amounts import usd
from fastgw.settings import Settings
from fastgw.spending import date_of
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.report import UsageReport

COLUMNS = {"model": "model", "key": "key_id", "account": "account_id", "day": "day"}
"""What `--by` may be, and its name in rows of the report."""

NAMED: dict[str, type[Keys] | type[Accounts]] = {"key": Keys, "account": Accounts}
"""Of those, what has names besides ids."""

_COUNTS = ("requests", "errors", "input_tokens", "output_tokens", "total_tokens")


def usage(settings: Settings, *, since_ms: int, account: str, by: str, as_json: bool) -> int:
    """Print sums of usage and money."""
    with database(settings) as engine:
        account_id = account_of(engine, account).id if account else ""
        report = UsageReport(engine).read(since_ms=since_ms, account_id=account_id)
        names = {} if as_json else _names(engine, by)
    if as_json:
        output.result({name: _with_usd(part) for name, part in report.items()})
        return DONE
    rows = [(*_titles(by, row[COLUMNS[by]], names), *_cells(row)) for row in report[f"by_{by}"]]
    titles = (by.upper(), "NAME") if by in NAMED else (by.upper(),)
    rows.append(("total", *("" for _ in titles[1:]), *_cells(report["totals"])))
    counts = (name.replace("_", " ").upper() for name in _COUNTS)
    head = (*titles, *counts, "CHARGED USD", "COST USD", "UNPRICED")
    output.table(head, rows, right=frozenset(range(len(titles), len(head))))
    return DONE


def _names(engine: Engine, by: str) -> dict[str, str]:
    """Names of keys or accounts by their ids."""
    table = NAMED.get(by)
    return {} if table is None else {one.id: one.name for one in table(engine).all()}


def _titles(by: str, value: Any, names: dict[str, str]) -> tuple[str, ...]:
    """What a row is about, in one cell or with its name in a second one."""
    if by == "day":
        return (date_of(value).isoformat(),)
    return (str(value), names.get(value, "")) if by in NAMED else (str(value),)


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
