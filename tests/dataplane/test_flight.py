"""The record of one exchange: how it is ended from outside, and whose time is whose."""

import asyncio
from typing import Any

from fastgw.clock import monotonic_ns
from fastgw.dataplane.flight import Flight, Stop
from fastgw.dataplane.relay.downstream import Downstream


async def nothing(*_: Any) -> Any:
    return None


def flight(task: asyncio.Task[Any] | None = None) -> Flight:
    return Flight("req_1", monotonic_ns(), 0, task, nothing, Downstream(nothing))


async def test_the_first_reason_to_stop_stands() -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    stopped = flight(task)
    stopped.stop(Stop.CLIENT_GONE)
    stopped.stop(Stop.TOTAL_DEADLINE)
    await asyncio.wait([task])
    assert task.cancelled()
    assert stopped.stop_reason is Stop.CLIENT_GONE
    assert task.cancelling() == 1


def test_the_running_wait_for_the_provider_counts_as_the_providers_time() -> None:
    waiting = flight()
    waiting.wait_upstream()
    since_ns = waiting.waiting_ns
    assert waiting.upstream_ns_at(since_ns + 500) == 500
    over_ns = waiting.waited()
    assert waiting.upstream_ns == waiting.upstream_ns_at(over_ns + 500) == over_ns - since_ns


def test_a_response_is_closed_once() -> None:
    closed = []

    class Response:
        def close(self) -> None:
            closed.append(1)

    holding = flight()
    holding.response = Response()
    holding.release_response()
    holding.release_response()
    assert closed == [1]
