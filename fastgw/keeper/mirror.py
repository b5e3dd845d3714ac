"""Keys to the mirror: at start, whenever the mirror lost its mark, and whenever the truth has changed."""

import asyncio
import logging

from fastgw.keeper.pause import pause, until_tick
from fastgw.keeper.ports import KeyMirror, KeySource

_log = logging.getLogger("fastgw.keeper")

CHECK_S = 1.0
"""Between two looks; the command line announces its own changes at once, this is for those that got lost."""


class Mirroring:
    """Keeps the mirror like the truth."""

    def __init__(self, source: KeySource, mirror: KeyMirror) -> None:
        self._source = source
        self._mirror = mirror
        self._version: int | None = None
        self._failing = False

    async def run(self, stop: asyncio.Event) -> None:
        """Mirror until `stop` is set."""
        while True:
            try:
                await self.look()
            # Sources and mirrors raise errors of their own kinds, and if this loop ended, no key would change any more.
            # Workers go on with what is mirrored; the next look tries again.
            except Exception as error:
                if not self._failing:
                    _log.error("keys cannot be mirrored, trying on", exc_info=error)
                self._failing = True
            else:
                if self._failing:
                    _log.warning("keys are mirrored again")
                self._failing = False
            if await pause(stop, until_tick(CHECK_S)):
                return

    async def look(self) -> None:
        """Mirror all keys if there is a reason to."""
        # Read before the keys: a change in between has them mirrored once more, never once too little.
        version = await asyncio.to_thread(self._source.version)
        if version == self._version and await self._mirror.synced():
            return
        await self._mirror.sync(await asyncio.to_thread(self._source.principals))
        self._version = version
