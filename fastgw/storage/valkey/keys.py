"""The mirror of key records: SQL is the truth, this is what workers read. Implements `dataplane.auth.keys.KeyStore`.

Revoked keys stay as tombstones (`disabled`), so that a revocation outlives a lost message and a late mirror run.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal
from fastgw.storage.valkey.subjects import KEY_MEMORY_US, gate_name

VERSION = "fgw:keys:version"
SYNCED = "fgw:keys:synced"
CHANNEL = "fgw:keys:changes"
WRONG_WINDOW_S = 60
TIMEOUT_S = 0.5
SYNC_BATCH = 500

_PUT = (files("fastgw.storage.valkey") / "scripts" / "put_key.lua").read_text()
_decode = msgspec.json.Decoder(Principal).decode


@contextmanager
def _cancellable() -> Iterator[None]:
    """Raise the cancellation that was swallowed inside.

    redis-py writes commands under `asyncio.wait_for`, which on Python 3.11 swallows a cancellation that comes just as
    the command is written (python/cpython#86296, mended in 3.12): the task would go on as if nobody had told it to end.
    """
    task = asyncio.current_task()
    assert task is not None, "commands are sent by tasks"
    before = task.cancelling()
    yield
    if task.cancelling() > before:
        raise asyncio.CancelledError


class _Client(Redis):
    """redis-py's client without that flaw."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """One command and its answer."""
        with _cancellable():
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


def client(url: str, *, text: bool = True) -> Redis:
    """redis-py's client for everything that is not admission: answers as text or as bytes, within half a second."""
    return _Client.from_url(url, decode_responses=text, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)


class KeyMirror:
    """Key records in Valkey or Redis. Methods for workers raise `GatewayError` (503) when the store does not answer;
    `sync` and `put`, which the keeper and the command line call, raise `redis.RedisError`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis = client(url)
        self._put = self._redis.register_script(_PUT)

    async def sync(self, principals: Iterable[Principal]) -> int:
        """Write all records, then the mark that all are there; how many were new or newer than the mirror's."""
        changed = 0
        batch: list[Principal] = []
        for principal in principals:
            batch.append(principal)
            if len(batch) == SYNC_BATCH:
                changed += await self._write(batch)
                batch = []
        changed += await self._write(batch)
        await self._redis.set(SYNCED, "1")
        return changed

    async def put(self, principal: Principal) -> bool:
        """Write one record and announce it; False if the mirror holds this record already, or a newer one."""
        return await self._write([principal]) == 1

    async def synced(self) -> bool:
        """Whether all records have been mirrored since the store was last empty."""
        return bool(await self._redis.exists(SYNCED))

    async def read(self, digest: str) -> Principal | None:
        """The record of the key with this SHA-256, None if there is no such key."""
        try:
            record, synced = await self._redis.mget(f"fgw:key:{digest}", SYNCED)
        except (RedisError, OSError) as error:
            raise _away() from error
        if record is not None:
            return _decode(str(record).partition(" ")[2])
        if synced is None:
            raise _away()
        return None

    async def wrong(self, address: str, count: int) -> int:
        """Add `count` to the wrong keys that this address tried in the running minute; the sum."""
        name = f"fgw:{{{address}}}:wrong"
        try:
            if count == 0:
                return int(await self._redis.get(name) or 0)
            async with self._redis.pipeline(transaction=True) as both:
                both.incrby(name, count)
                both.expire(name, WRONG_WINDOW_S, nx=True)
                total, _ = await both.execute()
        except (RedisError, OSError) as error:
            raise _away() from error
        return int(total)

    async def version(self) -> int:
        """How many changes there have been."""
        try:
            return int(await self._redis.get(VERSION) or 0)
        except (RedisError, OSError) as error:
            raise _away() from error

    async def changes(self) -> AsyncIterator[tuple[str, int]]:
        """SHA-256 and version for each announced change; raises `OSError` when the connection ends."""
        async for message in listen(self._url, CHANNEL):
            version, _, digest = message.partition(" ")
            yield digest, int(version)

    async def aclose(self) -> None:
        """Disconnect."""
        await self._redis.aclose()

    async def _write(self, principals: list[Principal]) -> int:
        if not principals:
            return 0
        async with self._redis.pipeline(transaction=False) as pipeline:
            for principal in principals:
                await self._put(
                    keys=[f"fgw:key:{principal.digest}", VERSION, gate_name(principal.key_id)],
                    args=[
                        principal.epoch,
                        msgspec.json.encode(principal),
                        principal.digest,
                        CHANNEL,
                        KEY_MEMORY_US // 1000,
                    ],
                    client=pipeline,
                )
            return sum(await pipeline.execute())


async def listen(url: str, channel: str) -> AsyncIterator[str]:
    """Messages of one channel over a connection of their own; raises `OSError` when it ends."""
    # Without retries: a client that reconnects by itself would hide that messages may have been lost.
    redis = Redis.from_url(
        url, decode_responses=True, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0), protocol=2
    )
    subscription = redis.pubsub(ignore_subscribe_messages=True)
    try:
        with _cancellable():
            await subscription.subscribe(channel)
        while True:
            message = await subscription.get_message(timeout=None)
            if message is not None:
                yield message["data"]
    except RedisError as error:
        raise OSError(str(error)) from error
    finally:
        await subscription.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped
        await redis.aclose()


def _away() -> GatewayError:
    return GatewayError(
        ErrorKind.GATE_UNAVAILABLE, "The gateway cannot check API keys right now. Try again.", retry_after_s=1
    )
