"""Prices of the admin API to the board that workers read: at start, whenever it is lost, and after every change."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from fastgw.keeper.steady import steadily
from fastgw.settings.prices import Price

CHECK_S = 1.0
"""Between two looks: so long a changed price may take to reach the workers."""


class PriceSource(Protocol):
    """The truth about prices. Its methods wait, and are called in a thread."""

    def version(self) -> int:
        """Grows with every change."""

    def all(self) -> Mapping[str, Price]:
        """Every price by its model."""


class PriceBoard(Protocol):
    """What workers read."""

    async def publish(self, version: int, prices: Mapping[str, Price]) -> object:
        """Replace all prices and announce it."""

    async def version(self) -> int | None:
        """The version that is there, None when there is none."""


class PriceMirroring:
    """Keeps the board like the truth."""

    def __init__(self, source: PriceSource, board: PriceBoard) -> None:
        self._source = source
        self._board = board

    async def run(self, stop: asyncio.Event) -> None:
        """Mirror until `stop` is set."""
        await steadily(stop, self.look, CHECK_S, "prices")

    async def look(self) -> None:
        """Publish all prices if there is a reason to."""
        # Read before the prices: a change in between has them published once more, never once too little.
        version = await asyncio.to_thread(self._source.version)
        if version != await self._board.version():
            await self._board.publish(version, await asyncio.to_thread(self._source.all))
