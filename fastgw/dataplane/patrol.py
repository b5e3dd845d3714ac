"""One timer for all exchanges of a worker: it notices who hung up, who is too slow, and which stream has fallen silent.

A timer, a deadline and a listener for each exchange would cost more than the exchange itself, so a single tick looks at
all of them. It runs only while exchanges are in flight; an idle worker sleeps.
"""

import asyncio
from collections.abc import Callable

from fastgw.clock import monotonic_ns
from fastgw.dataplane.flight import Flight, Phase, Stop
from fastgw.settings.values import Deadlines

TICK_MS = 250
"""Deadlines are kept to within one tick, and a hang-up is noticed within two."""
LISTEN_AFTER_MS = 200
"""Only exchanges older than this listen for a hang-up: most are over before it would be worth a listener."""
LINGER_MS = 2_000
CHECKPOINT_MS = 5_000

_MS = 1_000_000


class Patrol:
    """All exchanges in flight on this worker."""

    def __init__(self, deadlines: Deadlines, checkpoint: Callable[[Flight], None]) -> None:
        self.flights: set[Flight] = set()
        self._deadlines = deadlines
        self._checkpoint = checkpoint
        self._timer: asyncio.TimerHandle | None = None

    def add(self, flight: Flight) -> None:
        """Watch over `flight`."""
        self.flights.add(flight)
        if self._timer is None:
            self._arm()

    def discard(self, flight: Flight) -> None:
        """Watch no more, and stop listening for its hang-up."""
        self.flights.discard(flight)
        listener, flight.listener = flight.listener, None
        if listener is not None:
            listener.cancel()

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_MS / 1000, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self.flights:
            return
        self._arm()
        now_ns = monotonic_ns()
        for flight in list(self.flights):
            if flight.stop_reason is None:
                self._look_at(flight, now_ns)

    def _look_at(self, flight: Flight, now_ns: int) -> None:
        deadlines = self._deadlines
        age_ns = now_ns - flight.started_ns
        if age_ns > deadlines.timeout_total_ms * _MS:
            flight.stop(Stop.TOTAL_DEADLINE)
        elif flight.gone_ns:
            candidate = flight.candidate
            if candidate is None or now_ns - flight.gone_ns > candidate.drain_ms * _MS:
                flight.stop(Stop.CLIENT_GONE)
        elif flight.phase is Phase.BODY:
            if now_ns - flight.progress_ns > deadlines.body_progress_ms * _MS:
                flight.stop(Stop.BODY_STALLED)
        elif flight.phase is Phase.LINGER:
            if now_ns - flight.linger_ns > LINGER_MS * _MS:
                flight.stop(Stop.LINGERED)
        else:
            if flight.listener is None and age_ns > LISTEN_AFTER_MS * _MS:
                self._listen(flight)
            if flight.phase is Phase.STREAM:
                self._look_at_stream(flight, now_ns)

    def _look_at_stream(self, flight: Flight, now_ns: int) -> None:
        down = flight.down
        if down.pushed:
            down.pushed = False
            down.last_write_ns = now_ns
        if not down.started:
            if now_ns - flight.started_ns > self._deadlines.hold_headers_ms * _MS:
                down.keep_alive(now_ns)
        elif now_ns - down.last_write_ns > self._deadlines.keepalive_ms * _MS:
            down.keep_alive(now_ns)
        if (
            flight.delivered_bytes > flight.checkpoint_bytes
            and now_ns - flight.checkpoint_ns > CHECKPOINT_MS * _MS
            and not flight.settled
        ):
            self._checkpoint(flight)

    def _listen(self, flight: Flight) -> None:
        flight.listener = asyncio.get_running_loop().create_task(_await_hang_up(flight), name="hang-up")


async def _await_hang_up(flight: Flight) -> None:
    while (await flight.receive())["type"] != "http.disconnect":
        pass
    # After the last byte a server reports the end of the exchange in the same words as a hang-up.
    if not flight.settled:
        flight.hang_up()
