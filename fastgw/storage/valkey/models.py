"""The board of models: which names each provider lists, written by the keeper, read by workers."""

from collections.abc import AsyncIterator, Iterable

import msgspec

from fastgw.storage.valkey.keys import client, listen

BOARD = "fgw:models"
CHANNEL = "fgw:models:changes"

_decode = msgspec.json.Decoder(tuple[str, ...]).decode


class ModelBoard:
    """Lists of models by provider. Methods raise `redis.RedisError` when the store does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis = client(url)

    async def publish(self, provider: str, names: Iterable[str]) -> bool:
        """Replace a provider's list and announce it; False if the list was this already."""
        listed = msgspec.json.encode(sorted(set(names))).decode()
        if await self._redis.hget(BOARD, provider) == listed:
            return False
        await self._redis.hset(BOARD, provider, listed)
        await self._redis.publish(CHANNEL, provider)
        return True

    async def read_all(self) -> dict[str, tuple[str, ...]]:
        """Every provider's list, sorted."""
        return {str(provider): _decode(listed) for provider, listed in (await self._redis.hgetall(BOARD)).items()}

    def changes(self) -> AsyncIterator[str]:
        """Names of providers whose list changed; raises `OSError` when the connection ends."""
        return listen(self._url, CHANNEL)

    async def aclose(self) -> None:
        """Disconnect."""
        await self._redis.aclose()
