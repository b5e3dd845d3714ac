"""Which days `GET /v1/usage` is asked about.

`start_date` and `end_date` (both included) or one of them with `days` (1-90, 30 when left out); neither means the days
up to today. Sums are kept by UTC day: `timezone` says whose today that is, not where a day begins.
"""

import datetime
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fastgw.protocols.toplevel import refuse

DAYS_DEFAULT = 30
DAYS_MAX = 90
SPAN_DAYS_MAX = 366
"""Between `start_date` and `end_date`."""
ZONE_LENGTH_MAX = 64

Query = Mapping[str, Sequence[str]]


class Days(NamedTuple):
    """The first and the last day, as numbers like 20261121."""

    first: int
    last: int


def asked_days(query: Query, now_ms: int) -> Days:
    """The days that a query string asks about. Raises `GatewayError` (400)."""
    days = _days(query)
    now = datetime.datetime.fromtimestamp(now_ms / 1_000, _zone(query))
    start, end = _date(query, "start_date"), _date(query, "end_date")
    span = datetime.timedelta(days=days - 1)
    try:
        last = end or now.date()
        first = start or last - span
    except OverflowError:
        refuse("'end_date' must be a date that has others before it.", "end_date")
    if first > last:
        refuse("'start_date' must not be after 'end_date', nor after today.", "start_date")
    if (last - first).days >= SPAN_DAYS_MAX:
        refuse(f"'start_date' and 'end_date' may be at most {SPAN_DAYS_MAX} days apart.", "start_date")
    return Days(_number(first), _number(last))


def _days(query: Query) -> int:
    text = _text(query, "days")
    if not text:
        return DAYS_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= DAYS_MAX):
        refuse(f"'days' must be a whole number from 1 to {DAYS_MAX}.", "days")
    return int(text)


def _date(query: Query, name: str) -> datetime.date | None:
    text = _text(query, name)
    if not text:
        return None
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        refuse(f"'{name}' must be a date like 2026-11-21.", name)


def _zone(query: Query) -> datetime.tzinfo:
    name = _text(query, "timezone")
    if not name:
        return datetime.UTC
    if len(name) <= ZONE_LENGTH_MAX and name.isascii() and name.isprintable():
        try:
            return zoneinfo.ZoneInfo(name)
        # Names are paths to `zoneinfo`: what is a folder there, or leads out of it, is an error of the system's.
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            pass
    refuse("'timezone' must be a name of the IANA database, like Europe/Berlin.", "timezone")


def _text(query: Query, name: str) -> str:
    return query.get(name, ("",))[-1]


def _number(date: datetime.date) -> int:
    return date.year * 10_000 + date.month * 100 + date.day
