"""Journals to ledger: looks at every stream at a steady pace, so that under load a look finds a large batch."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from fastgw import clock
from fastgw.keeper.fold import fold, orphan
from fastgw.keeper.pause import pause
from fastgw.keeper.ports import Journals, Ledger, Settled
from fastgw.money.amounts import usd
from fastgw.observe.tasks import spawn

_log = logging.getLogger("fastgw.keeper")

LOOK_MS = 400
"""Between two looks. `fastgw usage` shows an exchange within a second; a shorter wait makes smaller transactions, which
cost more CPU for each exchange, and a longer one saves nothing at idle that could be measured."""
RETRY_MS_MAX = 5_000
"""Between two tries while the ledger cannot be written."""
BATCH_RECORDS = 4_000
"""Of one transaction, and up to a stretch of the journal (256 KiB) more: about 6 MB of memory, at most 25."""
CLAIM_S = 0.5
SEEN_MS = 60_000
"""Between two times that the ledger is told which journals of this machine live."""

_ALL = "what the workers write"
Touched = Callable[[frozenset[str]], None]


class Drain:
    """Drains the journals of one machine. `touched` hears, in the drain's thread, whose purses each commit changed."""

    def __init__(self, journals: Journals, ledger: Ledger, *, touched: Touched | None = None) -> None:
        self._journals = journals
        self._ledger = ledger
        self._touched = touched
        self._places: dict[str, tuple[int, int]] = {}
        self._registered: set[str] = set()
        self._seen_ns = 0
        self._failing: set[str] = set()
        self._overages = 0
        self._overage_nano = 0
        self._hurried = asyncio.Event()
        self._begun = 0
        self._ended = asyncio.Condition()
        self._ended_count = 0

    async def claim(self, stop: asyncio.Event) -> bool:
        """Wait until no other keeper drains these journals; False when `stop` is set before."""
        told = False
        while not await asyncio.to_thread(self._journals.claim):
            if not told:
                _log.warning("another keeper drains these journals: waiting for it to end")
                told = True
            if await pause(stop, CLAIM_S):
                return False
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Drain until `stop` is set, and then what is there."""
        wait_ms = LOOK_MS
        stopping = spawn(self._hurry_at(stop), name="end the wait of the drain")
        try:
            while not stop.is_set():
                await pause(self._hurried, wait_ms / 1_000)
                self._hurried.clear()
                if not stop.is_set():
                    found = await self._look()
                    wait_ms = min(wait_ms * 2, RETRY_MS_MAX) if self._failing and not found else LOOK_MS
        finally:
            stopping.cancel()
        while await self._look():
            pass

    def hurry(self) -> None:
        """Look now, not at the end of the wait. Call it in the event loop."""
        self._hurried.set()

    async def looked(self) -> None:
        """Wait until a look that begins from now on has ended; for ever when nothing runs."""
        wanted = self._begun + 1
        async with self._ended:
            await self._ended.wait_for(lambda: self._ended_count >= wanted)

    async def _hurry_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._hurried.set()

    async def _look(self) -> bool:
        self._begun += 1
        found = await asyncio.to_thread(self.look)
        async with self._ended:
            self._ended_count = self._begun
            self._ended.notify_all()
        return found

    def look(self) -> bool:
        """Drain each stream until it has no more; True when there was something. Waits for disk and database."""
        found = False
        streams = self._journals.streams()
        if self._tried(_ALL, lambda: self._meet(streams)) is None:
            return False
        for stream in streams:
            drained = self._tried(f"journal {stream}", lambda: self._drain(stream))  # noqa: B023 - called at once
            if drained is None:
                self._places.pop(stream, None)
            found = bool(drained) or found
        self._failing.intersection_update([_ALL, *(f"journal {stream}" for stream in streams)])
        if self._overages:
            _log.warning(
                "%d exchanges cost %s USD more than was held for them: posted as overage",
                self._overages,
                usd(self._overage_nano),
            )
            self._overages = self._overage_nano = 0
        return found

    def _tried(self, what: str, work: Callable[[], bool]) -> bool | None:
        """The result of `work`, None when it failed."""
        try:
            done = work()
        # Ledgers raise errors of their own kinds, which nobody here can list, and one stream with a record that we do
        # not understand must not hold up the others. The records stay where they are; the next look tries again.
        except Exception as error:
            if what not in self._failing:
                self._failing.add(what)
                _log.error("%s cannot be drained, trying on", what, exc_info=error)
            return None
        if what in self._failing:
            self._failing.discard(what)
            _log.warning("%s is drained again", what)
        return done

    def _meet(self, streams: Sequence[str]) -> bool:
        """Register new streams whose worker lives: it may hold money from then on, however long the first drain takes.

        That of a dead one holds nothing any more; if it is registered, it stays so until it is finished.
        """
        self._registered.intersection_update(streams)
        now_ns = clock.monotonic_ns()
        due = now_ns - self._seen_ns >= SEEN_MS * 1_000_000 or not self._seen_ns
        living = [one for one in streams if (due or one not in self._registered) and self._journals.alive(one)]
        if living:
            self._ledger.register(living)
            self._registered.update(living)
        if due:
            self._seen_ns = now_ns
        return True

    def _drain(self, stream: str) -> bool:
        if stream not in self._places:
            self._places[stream] = self._ledger.cursor(stream)
        # Before reading: a worker that ends in between has one more look coming.
        alive = self._journals.alive(stream)
        found = False
        while True:
            segment, offset = self._places[stream]
            batch = self._journals.read(stream, segment, offset, alive=alive, records_max=BATCH_RECORDS)
            place = (batch.segment, batch.offset)
            if batch.records:
                found = True
                news = fold(batch.records)
                settled = self._ledger.record(
                    stream,
                    *place,
                    opened=news.opened,
                    checkpoints=news.checkpoints,
                    closed=news.closed,
                    ended=news.ended,
                    hops=news.hops,
                )
                self._tell(settled)
                self._journals.remove_before(stream, batch.segment)
            self._places[stream] = place
            if not batch.more:
                break
        if not alive:
            self._finish(stream)
        return found

    def _finish(self, stream: str) -> None:
        """The worker is dead and all it wrote is drained. A crash in here has the same done again, to the same end."""
        orphans = [orphan(opened, last) for opened, last in self._ledger.still_open(stream)]
        self._tell(self._ledger.finish(stream, orphans))
        self._journals.remove(stream)
        del self._places[stream]
        if orphans:
            tokens = sum(one.usage.total_tokens for one in orphans)
            _log.warning(
                "a worker died with %d exchanges open (%s): charged %d tokens, %s USD, as of their last checkpoints",
                len(orphans),
                stream,
                tokens,
                usd(sum(one.charge_nano for one in orphans)),
            )

    def _tell(self, settled: Settled) -> None:
        self._overages += settled.overages
        self._overage_nano += settled.overage_nano
        if self._touched is not None and settled.touched:
            self._touched(settled.touched)
