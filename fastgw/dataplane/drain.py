"""Shutting down without cutting what runs: readiness goes first, then exchanges may finish, then they are ended."""

import asyncio

from fastgw.clock import monotonic_ns
from fastgw.dataplane.flight import Stop
from fastgw.dataplane.patrol import Patrol

_POLL_MS = 20


class Drain:
    """The state of a worker that is about to stop."""

    def __init__(self, patrol: Patrol) -> None:
        self._patrol = patrol
        self.draining = False
        """`/readyz` answers 503 from the moment this is true."""

    def begin(self) -> None:
        """Say that the worker is about to stop."""
        self.draining = True

    @property
    def active(self) -> int:
        """Exchanges in flight."""
        return len(self._patrol.flights)

    async def wait_idle(self, timeout_ms: int) -> bool:
        """Wait until nothing is in flight, at most `timeout_ms`. True: nothing is."""
        deadline_ns = monotonic_ns() + timeout_ms * 1_000_000
        while self._patrol.flights:
            if monotonic_ns() >= deadline_ns:
                return False
            await asyncio.sleep(_POLL_MS / 1000)
        return True

    def cut(self) -> None:
        """End what still runs: each caller gets an error, each exchange is settled. `wait_idle` tells when."""
        for flight in list(self._patrol.flights):
            flight.stop(Stop.DRAINED)
