"""Background tasks that cannot vanish: the event loop keeps only weak references to tasks."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

CANCEL_AGAIN_S = 0.5

_log = logging.getLogger("fastgw.tasks")
_running: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Start `work` on the running loop, keep it alive until it ends, and log it if it fails."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended.

    One cancellation may not be enough: what a task awaits may swallow it, as `asyncio.wait_for` does on Python 3.11
    with one that comes just as its work ends (python/cpython#86296, mended in 3.12).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("background task %s failed", task.get_name(), exc_info=error)
