"""Days as numbers."""

import datetime

import pytest

from fastgw.spending import DAY_MS, date_of, day_of, month_end_s


@pytest.mark.parametrize(
    ("moment_ms", "day"),
    [
        (0, 19700101),
        (DAY_MS - 1, 19700101),
        (951_782_400_000, 20000229),
        (1_795_219_199_999, 20261120),
        (1_795_219_200_000, 20261121),
    ],
)
def test_a_moment_belongs_to_its_utc_day(moment_ms: int, day: int) -> None:
    assert day_of(moment_ms) == day
    assert date_of(day) == datetime.datetime.fromtimestamp(moment_ms // 1_000, datetime.UTC).date()


def test_a_number_that_is_no_day() -> None:
    with pytest.raises(ValueError, match="day"):
        date_of(20260231)


@pytest.mark.parametrize(("day", "following"), [("2026-11-21", "2026-12-01"), ("2026-12-31", "2027-01-01")])
def test_a_month_ends_with_the_next_one(day: str, following: str) -> None:
    moment, end = (int(datetime.datetime.fromisoformat(f"{text}T00:00:00Z").timestamp()) for text in (day, following))
    assert month_end_s(moment * 1_000) == end
    assert month_end_s((end - 1) * 1_000) == end
