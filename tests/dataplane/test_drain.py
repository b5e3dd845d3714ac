"""Shutting down without cutting what runs."""

import asyncio

from fastgw.dataplane.drain import Drain
from fastgw.dataplane.flight import Stop
from fastgw.dataplane.patrol import Patrol
from fastgw.settings.values import Deadlines
from tests.dataplane.test_flight import flight


async def test_it_waits_for_what_runs_and_cuts_the_rest() -> None:
    patrol = Patrol(Deadlines(), lambda _: None)
    drain = Drain(patrol)
    assert await drain.wait_idle(0)
    task = asyncio.create_task(asyncio.sleep(60))
    running = flight(task)
    patrol.add(running)
    assert drain.active == 1
    assert not await drain.wait_idle(50)
    drain.cut()
    await asyncio.wait([task])
    assert running.stop_reason is Stop.DRAINED
    patrol.discard(running)
    assert await drain.wait_idle(0)
