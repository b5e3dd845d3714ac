"""The catalogue of a worker, kept current: what providers list, and what the admin API says that models cost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from redis.exceptions import RedisError

from fastgw.dataplane.routing.catalog import Catalog
from fastgw.settings import Settings
from fastgw.settings.prices import Price

BOARD_RETRY_S = 1.0
LISTS_POLL_S = 30.0
"""Model lists are read anew this often even without a message, in case one was lost."""
PRICES_POLL_S = 5.0
"""The same of prices: for so long a lost message may let an old price go on."""


class ListBoard(Protocol):
    """Lists of models."""

    async def read_all(self) -> Mapping[str, Sequence[str]]:
        """By provider."""

    def changes(self) -> AsyncIterator[str]:
        """Something for each change; raises `OSError` when the connection ends."""


class PriceBoard(Protocol):
    """Prices of the admin API."""

    async def read_all(self) -> Mapping[str, Price] | None:
        """By model; None when they are lost, and those that are known go on."""

    def changes(self) -> AsyncIterator[str]:
        """Something for each change; raises `OSError` when the connection ends."""


class Shelf:
    """Holds the current catalogue; it is replaced as a whole when a list or a price changes."""

    def __init__(self, settings: Settings, lists: ListBoard, prices: PriceBoard) -> None:
        self._settings = settings
        self._lists = lists
        self._prices = prices
        self._listed: Mapping[str, Sequence[str]] = {}
        self._overrides: Mapping[str, Price] = {}
        self._reading = asyncio.Lock()
        self.current = Catalog.build(settings, {})

    async def refresh_lists(self) -> None:
        """Take what providers list now. Raises `RedisError` or `OSError` when the store does not answer."""
        # One at a time, so that what was read earlier never replaces what was read later.
        async with self._reading:
            listed = await self._lists.read_all()
            if listed != self._listed:
                self._listed = listed
                self._build()

    async def refresh_prices(self) -> None:
        """Take the prices that hold now. Raises `RedisError` or `OSError` when the store does not answer."""
        async with self._reading:
            overrides = await self._prices.read_all()
            if overrides is not None and overrides != self._overrides:
                self._overrides = overrides
                self._build()

    async def follow(self) -> None:
        """Keep the catalogue current, for as long as the worker runs."""
        async with asyncio.TaskGroup() as group:
            for refresh, board, poll_s in (
                (self.refresh_lists, self._lists, LISTS_POLL_S),
                (self.refresh_prices, self._prices, PRICES_POLL_S),
            ):
                group.create_task(_listen(refresh, board))
                group.create_task(_poll(refresh, poll_s))

    def _build(self) -> None:
        self.current = Catalog.build(self._settings, self._listed, self._overrides)


async def _listen(refresh: Callable[[], Awaitable[None]], board: ListBoard | PriceBoard) -> None:
    while True:
        try:
            async for _ in board.changes():
                await refresh()
        except (RedisError, OSError):
            await asyncio.sleep(BOARD_RETRY_S)


async def _poll(refresh: Callable[[], Awaitable[None]], poll_s: float) -> None:
    while True:
        pause_s = poll_s
        try:
            await refresh()
        except (RedisError, OSError):
            pause_s = BOARD_RETRY_S
        await asyncio.sleep(pause_s)
