"""The board of prices: what the admin API has set, written by the keeper, read by workers.

One value holds all of them with their version, so that a reader never sees half of a change.
"""

import logging
from collections.abc import AsyncIterator, Mapping

import msgspec

from fastgw.settings.prices import Price
from fastgw.storage.valkey.keys import client, listen

BOARD = "fgw:prices"
CHANNEL = "fgw:prices:changes"


class _Posted(msgspec.Struct, array_like=True):
    version: int
    prices: dict[str, Price]


_log = logging.getLogger("fastgw.prices")
_decode = msgspec.json.Decoder(_Posted).decode
_version = msgspec.json.Decoder(tuple[int, msgspec.Raw]).decode


class PriceBoard:
    """Prices by model. Methods raise `redis.RedisError` or `OSError` when the store does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis = client(url)

    async def publish(self, version: int, prices: Mapping[str, Price]) -> bool:
        """Replace all prices and announce it; False if the board has these already.

        Only the keeper writes; of two during a change of hands, the later one's next look puts right what the earlier
        one wrote late.
        """
        posted = msgspec.json.encode(_Posted(version, dict(prices)), order="deterministic").decode()
        if await self._redis.get(BOARD) == posted:
            return False
        await self._redis.set(BOARD, posted)
        await self._redis.publish(CHANNEL, str(version))
        return True

    async def version(self) -> int | None:
        """The version that the board has, None when it has lost all."""
        posted = await self._redis.get(BOARD)
        return None if posted is None else _version(posted)[0]

    async def read_all(self) -> dict[str, Price] | None:
        """Every price by its model; None when the board has lost them, and whoever knows some keeps to these."""
        posted = await self._redis.get(BOARD)
        if posted is None:
            return None
        try:
            return _decode(posted).prices
        except msgspec.DecodeError as error:
            _log.error("the prices on the board cannot be read by this version: %s", error)
            return None

    def changes(self) -> AsyncIterator[str]:
        """Versions as they are announced; raises `OSError` when the connection ends."""
        return listen(self._url, CHANNEL)

    async def aclose(self) -> None:
        """Disconnect."""
        await self._redis.aclose()
