"""Durations and dates of the command line."""

import datetime
import time

import pytest

from fastgw.app import moments


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1_800), ("12h", 43_200), ("30d", 2_592_000), (" 2w ", 1_209_600)]
)
def test_a_duration_counts_from_now(text: str, seconds: int) -> None:
    assert abs(moments.parse(text, past=False) - time.time() - seconds) < 5
    assert abs(moments.parse(text, past=True) - time.time() + seconds) < 5


def test_dates_are_utc_unless_they_say_otherwise() -> None:
    assert moments.parse("2020-01-01", past=True) == 1_577_836_800
    assert moments.parse("2020-01-01T01:00:00+01:00", past=True) == 1_577_836_800


def test_nothing_is_zero_and_shown_as_never() -> None:
    assert moments.parse("", past=False) == 0
    assert moments.shown(0) == "never"
    assert moments.shown(1_577_836_800) == "2020-01-01 00:00"


@pytest.mark.parametrize("text", ["soon", "30", "d", "-3d", "2020-13-01", "30 days"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="30d"):
        moments.parse(text, past=False)


def test_an_expiry_in_the_past_is_refused() -> None:
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    with pytest.raises(ValueError, match="passed"):
        moments.parse(yesterday.isoformat(), past=False)


@pytest.mark.parametrize("text", ["0d", "0s", " 000h "])
def test_a_duration_of_nothing_has_passed_already(text: str) -> None:
    with pytest.raises(ValueError, match="passed"):
        moments.parse(text, past=False)
    assert abs(moments.parse(text, past=True) - time.time()) < 5
