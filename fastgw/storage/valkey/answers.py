"""Answers kept for callers who ask the same thing twice: implements `dataplane.replay.AnswerStore`.

A record is a hash: `state` ('running', 'kept', 'unkept'), `mark` of the request, `owner` that runs it, `answer`. While
the request runs, the record lives for a lease that its worker renews, so that what a dead worker left goes by itself.
All methods raise `OSError` when the store does not answer, or refuses.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.storage.valkey.keys import client

LEASE_MS = 60_000
"""How long a name stays taken after the last sign of the worker that runs its request."""
KEPT_S = 86_400
"""How long an answer is kept after its request has ended."""
KEY_NAMES_MAX = 100_000
"""Names that one API key may have at a time, some 350 bytes each; beyond it, requests with new ones are refused."""
KEY_BYTES_MAX = 64 * 1024 * 1024
"""Of answers that are kept for one API key at a time; beyond it only their names are."""
ALL_NAMES_MAX = 500_000
"""The same two for the whole deployment: the store must always have room for what admission needs."""
ALL_BYTES_MAX = 256 * 1024 * 1024
CALLS_MAX = 64
"""Connections to the store that a worker uses for this at a time."""
LOOK_NS = 10_000_000_000
"""How often the sum of the deployment is read anew."""

ALL = "fgw:answers"
"""What the whole deployment keeps: a hash of `n<hour>` and `b<hour>`, as each API key has one."""
_HOUR_MS = 3_600_000

Name = tuple[str, str, str]
"""Account, id of the API key, and the SHA-256 of the name that the caller gave to its request."""


class AnswerShelf:
    """The answers of all workers. Every method belongs to one event loop."""

    def __init__(
        self,
        url: str,
        *,
        lease_ms: int = LEASE_MS,
        key_names_max: int = KEY_NAMES_MAX,
        key_bytes_max: int = KEY_BYTES_MAX,
        all_names_max: int = ALL_NAMES_MAX,
        all_bytes_max: int = ALL_BYTES_MAX,
    ) -> None:
        self._redis = client(url, text=False)
        self._calls = asyncio.Semaphore(CALLS_MAX)
        self._begin = self._script("begin")
        self._renew = self._script("renew")
        self._keep = self._script("keep")
        self._release = self._script("release")
        self._lease_ms = lease_ms
        self._key_names_max = key_names_max
        self._key_bytes_max = key_bytes_max
        self._all_names_max = all_names_max
        self._all_bytes_max = all_bytes_max
        self._looked_ns = 0
        self._all_names = self._all_bytes = 0

    async def begin(self, name: Name, mark: bytes, owner: bytes) -> tuple[str, bytes]:
        """Take a name: `("", b"")` when `owner` has it now, else its state and, where it is "kept", the answer."""
        with _as_os_error():
            await self._look()
            most = 0 if self._all_names >= self._all_names_max else self._key_names_max
            found = await self._run(self._begin, _keys(name), (mark, owner, self._lease_ms, KEPT_S, most))
        return (found[0].decode(), found[1] if len(found) > 1 else b"") if found else ("", b"")

    async def renew(self, name: Name, mark: bytes, owner: bytes) -> bool:
        """The request still runs; False when another has its name by now."""
        with _as_os_error():
            return bool(await self._run(self._renew, _keys(name)[:1], (mark, owner, self._lease_ms)))

    async def keep(self, name: Name, mark: bytes, owner: bytes, answer: bytes) -> str:
        """The request is answered: "kept", "unkept" when `answer` is empty or nothing fits any more, "lost" when
        another request has its name by now. May be said twice.
        """
        with _as_os_error():
            if self._all_bytes + len(answer) > self._all_bytes_max:
                answer = b""
            given = (mark, owner, answer, KEPT_S, self._key_bytes_max)
            state = bytes(await self._run(self._keep, _keys(name), given)).decode()
            if state != "lost":
                await self._count(len(answer) if state == "kept" else 0)
            return state

    async def release(self, name: Name, owner: bytes) -> None:
        """The request has come to nothing: its name is free."""
        with _as_os_error():
            await self._run(self._release, _keys(name)[:1], (owner,))

    async def aclose(self) -> None:
        """Disconnect."""
        await self._redis.aclose()

    def _script(self, verb: str) -> AsyncScript:
        text = (files("fastgw.storage.valkey") / "scripts" / f"answer_{verb}.lua").read_text()
        return self._redis.register_script(text)

    async def _run(self, script: AsyncScript, keys: list[str], given: tuple[Any, ...]) -> Any:
        async with self._calls:
            return await script(keys=keys, args=list(given))

    async def _look(self) -> None:
        now_ns = monotonic_ns()
        if self._looked_ns and now_ns - self._looked_ns < LOOK_NS:
            return
        self._looked_ns = now_ns
        oldest = (wall_ms() - KEPT_S * 1_000) // _HOUR_MS
        names = size = 0
        gone: list[bytes] = []
        async with self._calls:
            tally: dict[Any, Any] = await self._redis.hgetall(ALL)
            for field, count in tally.items():
                if int(field[1:]) < oldest:
                    gone.append(field)
                elif field[:1] == b"n":
                    names += int(count)
                else:
                    size += int(count)
            if gone:
                await self._redis.hdel(ALL, *gone)
        self._all_names, self._all_bytes = names, size

    async def _count(self, size_bytes: int) -> None:
        hour = wall_ms() // _HOUR_MS
        self._all_names += 1
        self._all_bytes += size_bytes
        async with self._calls, self._redis.pipeline(transaction=False) as both:
            both.hincrby(ALL, f"n{hour}", 1)
            both.hincrby(ALL, f"b{hour}", size_bytes)
            both.expire(ALL, KEPT_S + 7_200)
            await both.execute()


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except RedisError as exc:
        raise OSError(f"the store of answers: {exc}") from exc


def _keys(name: Name) -> list[str]:
    # Tagged, so that on a cluster all of one account lies on one node and a script may touch both.
    account, key_id, digest = name
    return [f"fgw:{{{account}}}:answer:{key_id}:{digest}", f"fgw:{{{account}}}:answers:{key_id}"]
