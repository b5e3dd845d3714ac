"""The keeper's side of purses at the gate: what the ledger knows goes there, what is wanted comes back (0008)."""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from importlib.resources import files
from typing import Any

import msgspec

from fastgw.exchange import Purse
from fastgw.money.amounts import AMOUNT_MAX
from fastgw.storage.valkey.keys import client, listen
from fastgw.storage.valkey.link import run_number
from fastgw.storage.valkey.purses import WANTED, purse_name

PUBLISH_BATCH = 200
"""Purses of one round trip."""
WANTED_MAX = 1_000
"""Names taken off the list at once; more follow."""
TOKENS_MAX = 100_000
"""Places that are remembered; an older one is asked for again."""

_scripts = files("fastgw.storage.valkey") / "scripts"
_PUT = (_scripts / "put_purse.lua").read_text()
_KEEP = (_scripts / "keep_purses.lua").read_text()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[int]).decode
WRITTEN, SILENT, OLDER, ABSENT, TOKEN_MIN = 0, 1, 2, 3, 16
FIRST_ENTRY, ENTRY = 13, 7


class Standing(msgspec.Struct, frozen=True):
    """What the gate knows of one purse, in nano-USD."""

    held_nano: int
    """By exchanges that run."""
    undrained_nano: int
    """Spent, and not in the ledger's figures yet."""
    silent: int
    """Workers that have not told their numbers: while there is one, nothing is granted."""


class PurseBoard:
    """What the ledger tells the gate. Methods raise `redis.RedisError` when the store does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._redis = client(url, text=False)
        self._put = self._redis.register_script(_PUT)
        self._keep = self._redis.register_script(_KEEP)
        self._tokens: dict[str, int] = {}

    async def publish(self, purses: Sequence[Purse], *, create: bool) -> list[str]:
        """Write what the ledger knows, unless the store has it from a later reading.

        Without a record nothing is written, unless `create`: then the record is made, if its figures were read after
        its loss was known, that is after `wanted` named it. Returns the names that cannot be asked yet: a worker has
        not told its numbers, or the purse has to be read and published once more.
        """
        waiting: list[str] = []
        # Asked for before, so that it is never later than what is written: an older run's record is made anew.
        run = await self._run() if create else 0
        for start in range(0, len(purses), PUBLISH_BATCH):
            some = purses[start : start + PUBLISH_BATCH]
            for purse, answer in zip(some, await self._write(some, create, run), strict=True):
                if answer >= TOKEN_MIN:
                    self._remember(purse.name, answer)
                else:
                    self._tokens.pop(purse.name, None)
                if answer == SILENT or answer >= TOKEN_MIN:
                    waiting.append(purse.name)
        return waiting

    async def wanted(self) -> set[str]:
        """Take the names that somebody asked for in vain, at most `WANTED_MAX`: to be read now, and published."""
        answer: list[Any] = await self._keep(keys=[WANTED], args=[WANTED_MAX, _random()])
        names: set[str] = set()
        for name, token in zip(answer[::2], answer[1::2], strict=True):
            names.add(name.decode())
            if int(token):
                self._remember(name.decode(), int(token))
        return names

    def wanted_changes(self) -> AsyncIterator[str]:
        """Names as they come to be wanted; raises `OSError` when the connection ends."""
        return listen(self._url, WANTED)

    async def want(self, names: Iterable[str]) -> None:
        """Have the keeper publish these now."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.sadd(WANTED, name)
                pipeline.publish(WANTED, name)
            await pipeline.execute()

    async def names(self) -> AsyncIterator[list[str]]:
        """The names of all records that are there, some at a time; one may come twice."""
        cursor = 0
        while True:
            step: tuple[int, list[Any]] = await self._redis.scan(cursor, match=purse_name("*"), count=PUBLISH_BATCH)
            cursor, keys = step
            if keys:
                yield [key.decode()[5:-7] for key in keys]
            if cursor == 0:
                return

    async def held(self, names: Iterable[str]) -> dict[str, Standing]:
        """What the gate knows of these; those without a record are left out."""
        listed = list(names)
        found: dict[str, Standing] = {}
        for start in range(0, len(listed), PUBLISH_BATCH):
            some = listed[start : start + PUBLISH_BATCH]
            seconds, micros = await self._redis.time()
            records: list[Any] = await self._redis.mget([purse_name(name) for name in some])
            for name, record in zip(some, records, strict=True):
                numbers = _decode(record) if record is not None else []
                if len(numbers) >= FIRST_ENTRY:
                    found[name] = _standing(numbers, seconds * 1_000_000 + micros)
        return found

    async def forget(self, name: str) -> None:
        """Remove a purse's record: an account that is limited no more, or figures that went back in time."""
        await self._redis.delete(purse_name(name), purse_name(name) + ":leaving")

    async def aclose(self) -> None:
        """Disconnect."""
        await self._redis.aclose()

    async def _run(self) -> int:
        facts: dict[str, Any] = await self._redis.info("server")
        return run_number(f"run_id:{facts.get('run_id', '')}")

    async def _write(self, purses: Sequence[Purse], create: bool, run: int) -> list[int]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for purse in purses:
                figures, leaving = _figures(purse)
                numbers = [int(create), self._tokens.get(purse.name, 0), purse.version, purse.journals_version, run]
                for worker, drained_nano in purse.drained:
                    figures += (worker, min(drained_nano, AMOUNT_MAX))
                await self._put(
                    keys=[purse_name(purse.name), purse_name(purse.name) + ":leaving"],
                    args=[_encode(numbers + figures), leaving, _random()],
                    client=pipeline,
                )
            return list(await pipeline.execute())

    def _remember(self, name: str, token: int) -> None:
        if len(self._tokens) >= TOKENS_MAX:
            self._tokens.clear()
        self._tokens[name] = token


def _figures(purse: Purse) -> tuple[list[int], bytes]:
    """The record's figures from the balance on, and the list of what leaves the windows (empty for an account)."""
    known = purse.balance_nano or purse.spent_nano
    figures = [_bounded(known), purse.month_until_s, _bounded(purse.month_nano)]
    for window in purse.leaving:
        soonest = min((at_s for at_s, _ in window), default=0)
        figures += (_bounded(sum(amount for _, amount in window)), soonest)
    leaving: list[list[int]] = [[number for pair in window for number in pair] for window in purse.leaving]
    return figures, _encode(leaving) if any(leaving) else b""


def _bounded(amount_nano: int) -> int:
    return max(-AMOUNT_MAX, min(amount_nano, AMOUNT_MAX))


def _random() -> int:
    return secrets.randbits(48) + TOKEN_MIN


def _standing(numbers: list[int], now_us: int) -> Standing:
    held = undrained = silent = 0
    for at in range(FIRST_ENTRY, len(numbers), ENTRY):
        _, _, state, spent, drained, holds, until_us = numbers[at : at + ENTRY]
        silent += state == 0
        undrained += max(spent - drained, 0)
        held += holds if until_us > now_us else 0
    return Standing(held, undrained, silent)
