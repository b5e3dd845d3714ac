"""Keeps the gate's purses like the ledger (docs/adr/0008): when a worker wants one, when another process has changed a
balance, some time after drains, and all of them once a journal is finished.

What could not be published stays noted and is tried again. Publications carry versions: several keepers may make the
same one, and a late one changes nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from fastgw import clock
from fastgw.keeper.pause import tick, until_tick
from fastgw.keeper.purse_ports import PurseBoard, PurseSource, Register
from fastgw.observe.tasks import end, spawn

_log = logging.getLogger("fastgw.keeper")

CHECK_S = 1.0
"""Between two looks at what others have changed and at the list of wanted names. Messages have them looked at once."""
DRAINED_S = 3.0
"""Between two publications of what drains have moved into the ledger. Nobody waits for that: until then the gate
counts it as spent by its worker, which comes to the same."""
PACE_S = 0.03
"""Between two publications. While a worker does not tell its numbers, others ask for a purse again and again."""
RETRY_S = 0.1
"""Before what failed is tried again; doubles up to `CHECK_S`."""
PORTION = 500
"""Purses of one read and one publication."""
READINGS_MAX = 2
"""Of a purse that is wanted: the first may have come before its record was known to be lost."""
NOTHING_SINCE = 2**62
"""Later than any version of balances: what was changed before the start is published with everything."""
NOTED_MAX = 50_000
"""Names that are remembered one by one; beyond it all records that exist are published anew."""


class Purses:
    """Publishes purses for one keeper. Every method but `changed` belongs to the event loop that made it."""

    def __init__(self, source: PurseSource, board: PurseBoard, register: Register) -> None:
        self._source = source
        self._board = board
        self._register = register
        self._noted: dict[str, bool] = {}
        """Names to publish; True: also when the gate has no record."""
        self._drained: set[str] = set()
        """Names to publish some time."""
        self._due = asyncio.Event()
        self._all_due = asyncio.Event()
        self._looked = -1
        self._moved = -1
        self._heard = False
        self._money = NOTHING_SINCE
        self._journals: int | None = None
        self._loop = asyncio.get_running_loop()

    def changed(self, names: Iterable[str]) -> None:
        """Note that a drain has changed what the ledger knows of these accounts and keys. For any thread."""
        # A keeper that has ended has no loop to tell; the next one publishes everything when it starts.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._drained.update, tuple(names))

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set. A defect ends it with its exception, for the keeper to be started anew."""
        tasks: list[asyncio.Task[object]] = [
            spawn(stop.wait(), name="stop"),
            spawn(self._steadily(stop, self._look, self._due, CHECK_S), name="purses"),
            spawn(self._steadily(stop, self._publish_all, self._all_due, None), name="all purses"),
            spawn(self._listen(stop), name="wanted purses"),
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            await end(tasks)

    async def look(self) -> None:
        """Find out at once what has changed or is wanted, and publish it."""
        self._looked = self._moved = -1
        await self._look()

    async def _look(self) -> None:
        # Messages may come often; the ledger and the list are not asked more often for that.
        if (second := tick(CHECK_S)) != self._looked:
            await self._find()
            self._looked = second
        elif self._heard:
            await self._take_wanted()
        while self._noted:
            portion = {name: self._noted.pop(name) for name in list(self._noted)[:PORTION]}
            try:
                await self._publish(portion)
            except BaseException:
                for name, create in portion.items():
                    self._noted[name] = create or self._noted.get(name, False)
                raise

    async def _find(self) -> None:
        journals, money, names = await asyncio.to_thread(self._ask)
        if journals != self._journals:
            # A new worker gets its entries before it asks for them. What a dead one held ends with its entry, and which
            # records have one, only the gate knows. At the start: nobody knows what an earlier keeper has left undone.
            self._all_due.set()
        self._journals = journals
        self._money = money
        self._note(names)
        if (stretch := tick(DRAINED_S)) != self._moved or len(self._drained) > NOTED_MAX:
            self._moved = stretch
            self._note(self._drained)
            self._drained.clear()
        await self._take_wanted()

    def _ask(self) -> tuple[int, int, Sequence[str]]:
        return self._source.journals(), *self._source.changed_since(self._money)

    async def _take_wanted(self) -> None:
        self._heard = False
        # What does not fit stays on the list.
        while len(self._noted) < NOTED_MAX and (names := await self._board.wanted()):
            self._noted |= dict.fromkeys(names, True)

    async def _publish(self, portion: dict[str, bool]) -> None:
        if any(portion.values()):
            # The worker that asks may be new, and nobody has an entry whose journal is not registered.
            await self._register()
        left: Sequence[str] = list(portion)
        for _ in range(READINGS_MAX):
            purses = await asyncio.to_thread(self._source.read, left, clock.wall_ms())
            left = []
            for create in (True, False):
                chosen = [purse for purse in purses if portion[purse.name] is create]
                if chosen:
                    left = [*left, *await self._board.publish(chosen, create=create)]
            # Nothing is granted from what is left now: who needs it asks again.
            left = [name for name in left if portion[name]]
            if not left:
                return

    async def _publish_all(self) -> None:
        async for names in self._board.names():
            for start in range(0, len(names), PORTION):
                portion = names[start : start + PORTION]
                purses = await asyncio.to_thread(self._source.read, portion, clock.wall_ms())
                await self._board.publish(purses, create=False)

    async def _listen(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            # When the connection ends, messages are lost; the list itself is still read every `CHECK_S`.
            with suppress(OSError):
                async for _ in self._board.wanted_changes():
                    self._heard = True
                    self._due.set()
            await asyncio.sleep(CHECK_S)

    def _note(self, names: Iterable[str]) -> None:
        for name in names:
            if len(self._noted) >= NOTED_MAX:
                self._all_due.set()
                break
            self._noted.setdefault(name, False)

    async def _steadily(
        self, stop: asyncio.Event, work: Callable[[], Awaitable[None]], due: asyncio.Event, every_s: float | None
    ) -> None:
        """Do `work` whenever it is due, at least every `every_s`, and soon again when it failed, until `stop`."""
        failures = 0
        while not stop.is_set():
            if failures:
                await asyncio.sleep(min(RETRY_S * 2 ** min(failures, 10), CHECK_S))
            else:
                await asyncio.sleep(PACE_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(until_tick(every_s) if every_s else None):
                        await due.wait()
            due.clear()
            try:
                await work()
            # Stores raise errors of their own kinds, and if this loop ended, no balance would ever change any more.
            # Workers go on with what they have, and what was to be published is still noted.
            except Exception as error:
                failures += 1
                if failures == 1:
                    _log.error("purses cannot be published, trying on", exc_info=error)
            else:
                if failures:
                    _log.warning("purses are published again")
                failures = 0
