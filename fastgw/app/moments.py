"""Moments as people write them on a command line: a duration from now, or a date."""

import datetime
import re

from fastgw import clock

_DURATION = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse(text: str, *, past: bool) -> int:
    """Unix seconds of `30d`, `12h` (back from now if `past`, else ahead), `2027-01-31` or an ISO 8601 time.

    A time without an offset is UTC; empty is 0. Raises `ValueError` with a text for the person who wrote it.
    """
    if not text:
        return 0
    now_s = clock.wall_ms() // 1000
    if found := _DURATION.fullmatch(text.strip()):
        seconds = int(found[1]) * _SECONDS[found[2]]
        if not seconds and not past:
            raise ValueError(f"{text.strip()} from now is now, which has passed already.")
        return now_s - seconds if past else now_s + seconds
    try:
        moment = datetime.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no moment. Write a duration (90s, 30m, 12h, 30d, 2w) or an ISO date (2027-01-31)."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    seconds = int(moment.timestamp())
    if not past and seconds <= now_s:
        raise ValueError(f"{text} has passed already.")
    return seconds


def shown(seconds: int) -> str:
    """Unix seconds as a UTC time for tables; `never` for 0."""
    if not seconds:
        return "never"
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M")
