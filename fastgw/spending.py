"""What a key has used and spent, and rows of usage: what answers and exports are made of. Amounts are in nano-USD.

Sums are kept by UTC day; a day is written as a number like 20261121.
"""

import datetime
from typing import NamedTuple

import msgspec

from fastgw.usage import NOTHING, Usage

DAY_MS = 86_400_000


def day_of(moment_ms: int) -> int:
    """The UTC day of a moment in Unix milliseconds."""
    date = datetime.datetime.fromtimestamp(moment_ms // 1_000, datetime.UTC)
    return date.year * 10_000 + date.month * 100 + date.day


def date_of(day: int) -> datetime.date:
    """The date that a number like 20261121 stands for. Raises `ValueError` when there is none."""
    return datetime.date(day // 10_000, day // 100 % 100, day % 100)


def month_end_s(moment_ms: int) -> int:
    """When the calendar month of a moment in Unix milliseconds ends, in Unix seconds, UTC."""
    date = datetime.datetime.fromtimestamp(moment_ms // 1_000, datetime.UTC)
    following = datetime.datetime(date.year + date.month // 12, date.month % 12 + 1, 1, tzinfo=datetime.UTC)
    return int(following.timestamp())


class Sums(msgspec.Struct, frozen=True, gc=False):
    """Sums over exchanges."""

    requests: int = 0
    errors: int = 0
    usage: Usage = NOTHING
    charge_nano: int = 0
    """What the callers paid."""
    cost_nano: int = 0
    """What providers took from the operator for it: never shown to callers."""
    unpriced: int = 0
    """Exchanges that nobody knew a price for."""
    total_ms: int = 0


class Window(msgspec.Struct, frozen=True, gc=False):
    """What counts as spent in a rolling window: all that was spent in its length, and at most a step of it before."""

    spent_nano: int = 0
    since_s: int = 0
    """Unix seconds from which on the oldest of it was spent, 0 when nothing was."""
    leaves_s: int = 0
    """When that leaves the window, 0 when nothing does."""


class KeySpending(msgspec.Struct, frozen=True):
    """One key at one moment."""

    spent_nano: int = 0
    """Since the key was made."""
    month_nano: int = 0
    """In the running calendar month, UTC."""
    h5: Window = Window()
    d1: Window = Window()
    d7: Window = Window()
    balance_nano: int | None = None
    """Of the account that pays; None when there is none."""
    paid_nano: int = 0
    """What the account has been charged for all of its keys, ever."""
    today: Sums = Sums()
    total: Sums = Sums()
    minute: Sums = Sums()
    """The last sixty seconds; only requests and tokens."""
    days: tuple[tuple[int, Sums], ...] = ()
    """Of the days that were asked for, those that have any, oldest first."""
    models: tuple[tuple[str, Sums], ...] = ()
    """In the same days, dearest first."""


class Place(NamedTuple):
    """A row's place in the order of an export."""

    started_ms: int
    exchange_id: str


class UsageRow(msgspec.Struct, frozen=True):
    """One exchange, as exports show it."""

    exchange_id: str
    started_ms: int
    key_id: str
    account_id: str
    group_name: str
    model: str
    provider: str
    provider_model: str
    surface: str
    stream: bool
    status: int
    outcome: str
    error: str | None
    usage: Usage
    usage_estimated: bool
    first_byte_ms: int
    total_ms: int
    attempts: int
    hold_nano: int
    charge_nano: int
    cost_nano: int
    overage_nano: int
    unpriced: bool

    @property
    def place(self) -> Place:
        """Where to go on after this row."""
        return Place(self.started_ms, self.exchange_id)
