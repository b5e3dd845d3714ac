"""Keys to the mirror: at start, whenever the mirror lost its mark, and whenever the truth has changed."""

import asyncio

from fastgw.keeper.ports import KeyMirror, KeySource
from fastgw.keeper.steady import steadily

CHECK_S = 1.0
"""Between two looks; the command line announces its own changes at once, this is for those that got lost."""


class Mirroring:
    """Keeps the mirror like the truth."""

    def __init__(self, source: KeySource, mirror: KeyMirror) -> None:
        self._source = source
        self._mirror = mirror
        self._version: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Mirror until `stop` is set."""
        await steadily(stop, self.look, CHECK_S, "keys")

    async def look(self) -> None:
        """Mirror all keys if there is a reason to."""
        # Read before the keys: a change in between has them mirrored once more, never once too little.
        version = await asyncio.to_thread(self._source.version)
        if version == self._version and await self._mirror.synced():
            return
        await self._mirror.sync(await asyncio.to_thread(self._source.principals))
        self._version = version
