"""Days that are asked for: defaults, both ends included, bounds, and whose today it is."""

from typing import Any
from urllib.parse import parse_qs

import pytest

from fastgw.dataplane.account_range import asked_days
from fastgw.errors import GatewayError

NOW_MS = 1_795_277_700_000
"""2026-11-21 16:15 UTC."""


def asked(query: str, now_ms: int = NOW_MS) -> Any:
    return tuple(asked_days(parse_qs(query), now_ms))


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", (20261023, 20261121)),
        ("days=1", (20261121, 20261121)),
        ("days=90", (20260824, 20261121)),
        ("start_date=2026-11-01", (20261101, 20261121)),
        ("end_date=2026-11-01&days=2", (20261031, 20261101)),
        ("start_date=2026-11-01&end_date=2026-11-01", (20261101, 20261101)),
        ("start_date=2025-11-22&end_date=2026-11-22", (20251122, 20261122)),
        ("days=1&timezone=UTC", (20261121, 20261121)),
        ("days=1&timezone=Asia/Shanghai", (20261122, 20261122)),
        ("days=1&timezone=America/New_York", (20261121, 20261121)),
        ("days=&start_date=&end_date=&timezone=", (20261023, 20261121)),
    ],
)
def test_days(query: str, days: tuple[int, int]) -> None:
    assert asked(query) == days


@pytest.mark.parametrize(
    ("query", "param"),
    [
        *((f"days={text}", "days") for text in ("0", "91", "-1", "1.5", "x", "٣", "9" * 400)),
        *((f"start_date={text}", "start_date") for text in ("2026-02-30", "yesterday", "20261101", "2026-11-22")),
        ("end_date=2026-13-01", "end_date"),
        ("end_date=0001-01-01", "end_date"),
        ("start_date=2026-11-02&end_date=2026-11-01", "start_date"),
        ("start_date=2025-11-21&end_date=2026-11-22", "start_date"),
        *((f"timezone={text}", "timezone") for text in ("Mars", "../UTC", "/etc/passwd", "Europe", "a%00b", "x" * 500)),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(query: str, param: str) -> None:
    with pytest.raises(GatewayError) as refused:
        asked(query)
    assert (refused.value.status, refused.value.param) == (400, param)
