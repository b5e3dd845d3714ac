"""The gate's way to its store: script calls over one connection at a time, a deadline for answers, a way back.

Connections are numbered: what was sent over an earlier one may reach the store late, and is told by its number.
"""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import Callable
from importlib.resources import files
from time import monotonic_ns
from typing import Any

import hiredis

from fastgw.observe.tasks import spawn
from fastgw.storage.valkey.link import Answer, Link, Place, connect

SWEEP_S = 0.05
"""How often the deadline is looked at: once for all, not a timer for each."""
RECONNECT_S_MIN, RECONNECT_S_MAX = 0.05, 2.0

SCRIPT = (files("fastgw.storage.valkey") / "scripts" / "admit.lua").read_bytes()
_SHA = hashlib.sha1(SCRIPT, usedforsecurity=False).hexdigest().encode()


class Courier:
    """One worker's connection for admission. `lost` is called when it ends, `back` when there is another."""

    def __init__(self, place: Place, deadline_ns: int, lost: Callable[[], None], back: Callable[[], None]) -> None:
        self._place = place
        self._deadline_ns = deadline_ns
        self._lost, self._back = lost, back
        self._watching = self._closed = False
        self._task: asyncio.Task[None] | None = None
        self.link: Link | None = None
        """None while there is no connection."""
        self.session = 0
        """Number of the connection, from 1."""
        self.calls = 0
        """Script calls since the start."""

    async def connect(self) -> None:
        """Open the first connection; raises `OSError`."""
        self._loop = asyncio.get_running_loop()
        link = await connect(self._place, self._on_lost)
        self.session += 1
        self.link = link

    def call(self, link: Link, arguments: tuple[bytes, ...], decided: Answer) -> None:
        """Call the script."""
        self.calls += 1

        def answered(reply: Any) -> None:
            if isinstance(reply, hiredis.HiredisError) and str(reply).startswith("NOSCRIPT"):
                # Nothing was carried out; EVAL also makes the server remember the script.
                link.send((b"EVAL", SCRIPT, *arguments), decided)
            else:
                decided(reply)

        link.send((b"EVALSHA", _SHA, *arguments), answered)
        if not self._watching:
            self._watch_later()

    def send(self, link: Link, command: tuple[Any, ...], answer: Answer) -> None:
        """Send any command; its answer has the same deadline."""
        link.send(command, answer)
        if not self._watching:
            self._watch_later()

    def close(self) -> None:
        """Disconnect for good."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        if self.link is not None:
            self.link.abort()

    def _watch_later(self) -> None:
        self._watching = True
        self._loop.call_later(SWEEP_S, self._watch)

    def _watch(self) -> None:
        self._watching = False
        link = self.link
        if link is None or not link.waiting:
            return
        if monotonic_ns() - link.oldest_ns > self._deadline_ns:
            link.abort()
            return
        self._watch_later()

    def _on_lost(self) -> None:
        if self.link is None:
            return
        self.link = None
        self._lost()
        if not self._closed:
            self._task = spawn(self._reconnect(), name="gate reconnect")

    async def _reconnect(self) -> None:
        pause_s = RECONNECT_S_MIN
        while not self._closed:
            with contextlib.suppress(OSError):
                link = await connect(self._place, self._on_lost)
                self.session += 1
                self.link = link
                self._back()
                return
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause_s = min(pause_s * 2, RECONNECT_S_MAX)
