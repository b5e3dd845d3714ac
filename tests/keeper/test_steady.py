"""A loop that goes on through failures, says so once, and ends when it is asked to."""

import asyncio
import logging

import pytest

from fastgw.keeper.steady import steadily


async def test_failures_are_told_once_and_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    stop, looks = asyncio.Event(), 0

    async def look() -> None:
        nonlocal looks
        looks += 1
        if looks in (2, 3):
            raise OSError("away")
        if looks == 5:
            stop.set()

    with caplog.at_level(logging.WARNING, "fastgw.keeper"):
        await asyncio.wait_for(steadily(stop, look, 0.01, "things"), 30)
    assert looks == 5
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [("ERROR", "things cannot be mirrored, trying on"), ("WARNING", "things are mirrored again")]
