"""Background tasks: kept alive until they end, and not silent when they fail."""

import asyncio
import gc
import logging

import pytest

from fastgw.observe import tasks
from fastgw.observe.tasks import end, spawn


async def test_nobody_has_to_keep_the_task() -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    spawn(work(), name="work")
    for _ in range(100):
        gc.collect()
        await asyncio.sleep(0.005)
        if done:
            break
    assert done == [1]
    await asyncio.sleep(0)
    assert not [task for task in tasks._running if task.get_name() == "work"]


async def test_a_failure_is_logged_with_the_name_of_the_task(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ValueError("broken")

    task = spawn(work(), name="mending")
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert "mending failed" in caplog.text
    assert "broken" in caplog.text


async def test_a_cancelled_task_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    task = spawn(asyncio.sleep(60), name="sleeping")
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_task_ends_though_it_loses_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_S", 0.01)
    lost = 0

    async def stubborn() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost == 2:
                    raise
                lost += 1

    async def failing() -> None:
        raise ValueError("broken")

    stays, fails = spawn(stubborn(), name="stubborn"), spawn(failing(), name="failing")
    await asyncio.sleep(0)
    await end([stays, fails])
    assert stays.cancelled()
    assert lost == 2
    await end([])
