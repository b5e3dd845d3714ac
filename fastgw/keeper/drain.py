"""Journals to ledger: looks at every stream at a steady pace, so that under load a look finds a large batch."""

import asyncio
import logging

from fastgw.keeper.fold import fold, orphan
from fastgw.keeper.pause import pause
from fastgw.keeper.ports import Journals, Ledger

_log = logging.getLogger("fastgw.keeper")

LOOK_MS = 400
"""Between two looks. `fastgw usage` shows an exchange within a second; a shorter wait makes smaller transactions, which
cost more CPU for each exchange, and a longer one saves nothing at idle that could be measured."""
RETRY_MS_MAX = 5_000
"""Between two tries while the ledger cannot be written."""
BATCH_RECORDS = 4_000
"""Of one transaction, and up to a stretch of the journal (256 KiB) more: about 6 MB of memory, at most 25."""
CLAIM_S = 0.5


class Drain:
    """Drains the journals of one machine."""

    def __init__(self, journals: Journals, ledger: Ledger) -> None:
        self._journals = journals
        self._ledger = ledger
        self._places: dict[str, tuple[int, int]] = {}
        self._failing: set[str] = set()

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
        while not await pause(stop, wait_ms / 1_000):
            found = await asyncio.to_thread(self.look)
            wait_ms = min(wait_ms * 2, RETRY_MS_MAX) if self._failing and not found else LOOK_MS
        while await asyncio.to_thread(self.look):
            pass

    def look(self) -> bool:
        """Drain each stream until it has no more; True when there was something. Waits for disk and database."""
        found = False
        streams = self._journals.streams()
        for stream in streams:
            try:
                found = self._drain(stream) or found
            # Ledgers raise errors of their own kinds, which nobody here can list, and one stream with a record that we
            # do not understand must not hold up the others. The records stay where they are; the next look tries again.
            except Exception as error:
                self._places.pop(stream, None)
                if stream not in self._failing:
                    self._failing.add(stream)
                    _log.error("journal %s cannot be drained, trying on", stream, exc_info=error)
            else:
                if stream in self._failing:
                    self._failing.discard(stream)
                    _log.warning("journal %s is drained again", stream)
        self._failing.intersection_update(streams)
        return found

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
                self._ledger.record(
                    stream,
                    *place,
                    opened=news.opened,
                    checkpoints=news.checkpoints,
                    closed=news.closed,
                    ended=news.ended,
                )
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
        self._ledger.finish(stream, orphans)
        self._journals.remove(stream)
        del self._places[stream]
        if orphans:
            tokens = sum(one.usage.total_tokens for one in orphans)
            _log.warning(
                "a worker died with %d exchanges open (%s): charged %d tokens as of their last checkpoints",
                len(orphans),
                stream,
                tokens,
            )
