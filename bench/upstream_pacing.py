"""Streams of the fake provider: sent at a pace, or as fast as the peer takes them.

One timer of a millisecond serves all streams (a wheel of due times), so that ten thousand events a second cost the fake
little beside their system calls. Each stream keeps the phase in which it began, so that events do not come in lockstep.
"""

import asyncio
import time
from typing import Final, Protocol

from bench.dialects import SCRIPTS, Script

CHAT: Final = SCRIPTS["chat"]

_FLOOD_EVENTS = 64
"""Events that a flood writes in one go: about 20 KB."""


class Sink(Protocol):
    """Where one stream's bytes go: an HTTP/1.1 connection or an HTTP/2 stream."""

    def send_event(self, data: bytes) -> None:
        """Write part of the body."""

    def end(self) -> None:
        """Finish the body."""

    def writable(self) -> bool:
        """Whether the peer takes more right now; asked by floods only."""


class Counters:
    """What the fake provider has done so far; `GET /stats` shows it."""

    def __init__(self) -> None:
        self.requests = 0
        self.streams_open = 0
        self.streams_aborted = 0
        self.events = 0
        self.connections_open = 0
        self.connections = 0

    def as_dict(self) -> dict[str, int]:
        """All counts by name."""
        return dict(vars(self))


class Flow:
    """One stream that is being sent."""

    __slots__ = ("left", "open", "period_ms", "script", "sink")

    def __init__(self, sink: Sink, events: int, period_ms: int, script: Script) -> None:
        self.sink = sink
        self.script = script
        self.left = events
        self.period_ms = period_ms
        """0 for a flood."""
        self.open = True


class Wheel:
    """All streams of the process, served by one timer while there are any."""

    def __init__(self, loop: asyncio.AbstractEventLoop, counters: Counters) -> None:
        self._loop = loop
        self._counters = counters
        self._due: dict[int, list[Flow]] = {}
        self._served_ms = 0
        self._ticking = False

    def start(self, sink: Sink, events: int, pace: int, script: Script = CHAT) -> Flow:
        """Send `events` events to `sink`, `pace` a second (0: a flood), the first at once."""
        flow = Flow(sink, events, max(1, 1000 // pace) if pace else 0, script)
        if script.head:
            sink.send_event(script.head)
        self._counters.streams_open += 1
        if flow.period_ms == 0:
            self._loop.call_soon(self.pump, flow)
            return flow
        now_ms = time.monotonic_ns() // 1_000_000
        if not self._ticking:
            self._ticking, self._served_ms = True, now_ms
            self._loop.call_later(0.001, self._tick)
        self._step(flow, now_ms)
        return flow

    def abort(self, flow: Flow) -> None:
        """The peer has gone: send no more."""
        if flow.open:
            flow.open = False
            self._counters.streams_open -= 1
            self._counters.streams_aborted += 1

    def pump(self, flow: Flow) -> None:
        """Go on with a flood until the peer takes no more; called again when it does."""
        if flow.open and flow.sink.writable():
            count = min(flow.left, _FLOOD_EVENTS)
            data = flow.script.stamped(time.monotonic_ns() // 1000) * count
            flow.left -= count
            self._counters.events += count
            if flow.left:
                flow.sink.send_event(data)
                self._loop.call_soon(self.pump, flow)
            else:
                self._finish(flow, data)

    def _tick(self) -> None:
        now_ms = time.monotonic_ns() // 1_000_000
        for due_ms in range(self._served_ms + 1, now_ms + 1):
            for flow in self._due.pop(due_ms, ()):
                if flow.open:
                    self._step(flow, due_ms)
        self._served_ms = now_ms
        if self._due:
            self._loop.call_later(0.001, self._tick)
        else:
            self._ticking = False

    def _step(self, flow: Flow, due_ms: int) -> None:
        data = flow.script.stamped(time.monotonic_ns() // 1000)
        self._counters.events += 1
        flow.left -= 1
        if flow.left:
            flow.sink.send_event(data)
            self._due.setdefault(due_ms + flow.period_ms, []).append(flow)
        else:
            self._finish(flow, data)

    def _finish(self, flow: Flow, data: bytes) -> None:
        flow.open = False
        self._counters.streams_open -= 1
        flow.sink.send_event(data)
        flow.sink.send_event(flow.script.end)
        flow.sink.end()
