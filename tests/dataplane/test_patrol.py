"""One timer for all exchanges: deadlines, hang-ups and silences."""

import asyncio
from collections.abc import Callable

import pytest

from fastgw.clock import monotonic_ns
from fastgw.dataplane.flight import Flight, Phase, Stop
from fastgw.dataplane.patrol import LINGER_MS, Patrol
from fastgw.settings.values import Deadlines
from tests.dataplane.test_flight import flight

SHORT = Deadlines(timeout_total_ms=60_000, body_progress_ms=10_000)
S = 1_000_000_000


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def aged(phase: Phase, **times: int) -> Flight:
    one = flight()
    one.phase = phase
    for name, value in times.items():
        setattr(one, name, monotonic_ns() - value)
    return one


@pytest.mark.parametrize(
    ("watched", "reason"),
    [
        (lambda: aged(Phase.WAITING, started_ns=61 * S), Stop.TOTAL_DEADLINE),
        (lambda: aged(Phase.BODY, progress_ns=11 * S), Stop.BODY_STALLED),
        (lambda: aged(Phase.LINGER, linger_ns=LINGER_MS * 1_000_000 + S), Stop.LINGERED),
    ],
)
async def test_who_is_too_slow_is_stopped(watched: Callable[[], Flight], reason: Stop) -> None:
    patrol = Patrol(SHORT, lambda _: None)
    one = watched()
    patrol.add(one)
    await until(lambda: one.stop_reason)
    assert one.stop_reason is reason


@pytest.mark.parametrize(("settled", "reason"), [(False, Stop.CLIENT_GONE), (True, None)])
async def test_a_hang_up_counts_until_the_exchange_is_settled(settled: bool, reason: Stop | None) -> None:
    patrol = Patrol(SHORT, lambda _: None)
    one = aged(Phase.WAITING, started_ns=S)
    one.settled = settled
    asked = asyncio.Event()

    async def receive() -> dict[str, str]:
        asked.set()
        return {"type": "http.disconnect"}

    one.receive = receive
    patrol.add(one)
    await asyncio.wait_for(asked.wait(), 30)
    await until(lambda: one.listener is not None and one.listener.done())
    assert one.stop_reason is reason


async def test_who_is_discarded_is_no_longer_listened_to() -> None:
    patrol = Patrol(SHORT, lambda _: None)
    one = aged(Phase.WAITING, started_ns=S)
    forever = asyncio.Event()

    async def receive() -> dict[str, str]:
        await forever.wait()
        return {}

    one.receive = receive
    patrol.add(one)
    await until(lambda: one.listener)
    listener = one.listener
    patrol.discard(one)
    await until(lambda: listener is not None and listener.cancelled())
    assert not patrol.flights
