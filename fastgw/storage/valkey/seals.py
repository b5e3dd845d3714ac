"""Reasoning that clients may not send back, kept for an hour by the key that asked and the id of a tool call."""

import hashlib
from collections.abc import Sequence

from fastgw.storage.valkey.keys import client

KEPT_S = 3_600


class SealStore:
    """Implements `dataplane.remember.Memory`. Methods raise `redis.RedisError` when the store does not answer."""

    def __init__(self, url: str) -> None:
        self._redis = client(url)

    async def keep(self, owner: str, name: str, kept: bytes) -> None:
        """Keep what `owner` may ask for under `name`."""
        await self._redis.set(_key(owner, name), kept, ex=KEPT_S)

    async def recall(self, owner: str, names: Sequence[str]) -> dict[str, str]:
        """What is kept under `names`; those under which nothing is are left out."""
        found = await self._redis.mget([_key(owner, name) for name in names])
        return {name: str(kept) for name, kept in zip(names, found, strict=True) if kept is not None}

    async def aclose(self) -> None:
        """Disconnect."""
        await self._redis.aclose()


def _key(owner: str, name: str) -> str:
    # A name is the caller's own text.
    return f"fgw:seal:{owner}:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
