"""Requests that wait for a connection, and the attempts to open one for them."""

import asyncio
from collections import deque

from fastgw.clock import monotonic_ns
from fastgw.dataplane.upstream.transport import Request, TransportError
from fastgw.dataplane.upstream.wire.exchange import Exchange


class Waiter:
    """A request that waits for a connection."""

    __slots__ = ("deadline_ns", "fresh", "future", "request")

    def __init__(self, request: Request, fresh: bool) -> None:
        self.request = request
        self.fresh = fresh
        self.future: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        self.deadline_ns = monotonic_ns() + request.timeout_connect_ms * 1_000_000


class Queue:
    """The waiters of one lane and the attempts under way for them."""

    __slots__ = ("attempts", "room_expected", "waiting")

    def __init__(self, room_expected: int) -> None:
        self.waiting: deque[Waiter] = deque()
        self.attempts: set[asyncio.Task[None]] = set()
        self.room_expected = room_expected
        """Exchanges that a new connection is thought to take."""


def fail(waiter: Waiter, error: TransportError) -> None:
    """End a wait with an error object of its own, for it collects the traceback of whoever raises it."""
    if not waiter.future.done():
        own = TransportError(error.failure, str(error), sent=error.sent)
        own.__cause__ = error.__cause__
        waiter.future.set_exception(own)
