"""Usage rows as CSV (RFC 4180): UTF-8, CRLF, a head line, amounts in USD as exact decimals.

Text that callers or providers had a say in may begin with what spreadsheets run as a formula; such a cell gets an
apostrophe in front (OWASP, "CSV injection", 2026).
"""

import datetime
from collections.abc import Iterable

from fastgw.money.amounts import usd
from fastgw.spending import UsageRow
from fastgw.usage import Usage

MEDIA_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Also in their full-width forms, which some spreadsheets read alike."""
_TO_QUOTE = frozenset(',"\r\n')


COLUMNS = (
    "exchange_id",
    "started_at",
    "key_id",
    "account_id",
    "group",
    "model",
    "provider",
    "provider_model",
    "surface",
    "stream",
    "status",
    "outcome",
    "error",
    *Usage.__struct_fields__,
    "total_tokens",
    "usage_estimated",
    "first_byte_ms",
    "total_ms",
    "attempts",
    "hold_usd",
    "charge_usd",
    "cost_usd",
    "overage_usd",
    "unpriced",
)
HEAD = (",".join(COLUMNS) + "\r\n").encode()


def lines(rows: Iterable[UsageRow]) -> bytes:
    """Rows as lines, each with its end."""
    return "".join(map(_line, rows)).encode("utf-8", "replace")


def _line(row: UsageRow) -> str:
    usage = row.usage
    cells = (
        *map(_text, (row.exchange_id, _moment(row.started_ms), row.key_id, row.account_id, row.group_name, row.model)),
        *map(_text, (row.provider, row.provider_model, row.surface)),
        _flag(row.stream),
        str(row.status),
        *map(_text, (row.outcome, row.error or "")),
        *(str(getattr(usage, name)) for name in Usage.__struct_fields__),
        str(usage.total_tokens),
        _flag(row.usage_estimated),
        *map(str, (row.first_byte_ms, row.total_ms, row.attempts)),
        *map(usd, (row.hold_nano, row.charge_nano, row.cost_nano, row.overage_nano)),
        _flag(row.unpriced),
    )
    return ",".join(cells) + "\r\n"


def _text(text: str) -> str:
    if text.startswith(_FORMULA):
        text = f"'{text}"
    if _TO_QUOTE.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _moment(moment_ms: int) -> str:
    moment = datetime.datetime.fromtimestamp(moment_ms // 1_000, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment_ms % 1_000:03d}Z"
