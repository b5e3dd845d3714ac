"""What a worker is made of: every stage with its store behind it, connected at start and settled at the end."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping

import msgspec
from redis.exceptions import RedisError

from fastgw.app.control import Control
from fastgw.app.control_plane import ControlPlane
from fastgw.app.shelf import Shelf
from fastgw.clock import monotonic_ns
from fastgw.dataplane.account import Recent, billed_of, subscription_of, usage_of
from fastgw.dataplane.actions import Actions
from fastgw.dataplane.auth.address import Addresses
from fastgw.dataplane.auth.keys import Keys
from fastgw.dataplane.book import Book
from fastgw.dataplane.counting import TokenCount
from fastgw.dataplane.drain import Drain
from fastgw.dataplane.ingress.body import BodyBudget
from fastgw.dataplane.models import Models
from fastgw.dataplane.patrol import Patrol
from fastgw.dataplane.pipeline import Chat
from fastgw.dataplane.remember import Remember
from fastgw.dataplane.replay import Replay
from fastgw.dataplane.routing.failover import Cooling
from fastgw.dataplane.settlement.settle import Settlement
from fastgw.dataplane.stages import Stages
from fastgw.dataplane.upstream.credentials import signers
from fastgw.dataplane.upstream.fetch import Fetcher
from fastgw.dataplane.upstream.transport import Transport
from fastgw.dataplane.upstream.wire import WireTransport
from fastgw.dataplane.upstream.wire.proxy import proxy_for
from fastgw.errors import StartupError
from fastgw.exchange import Principal, worker_number
from fastgw.limits import Limits
from fastgw.money.amounts import nano_up
from fastgw.observe.tasks import end, spawn
from fastgw.records import JournalRecord
from fastgw.settings import Settings
from fastgw.settings.values import ProviderSettings, ProviderTls
from fastgw.storage.journal.writer import JournalWriter
from fastgw.storage.valkey.ahead import AheadGate
from fastgw.storage.valkey.answers import AnswerShelf
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.keys import KeyMirror
from fastgw.storage.valkey.models import ModelBoard
from fastgw.storage.valkey.prices import PriceBoard
from fastgw.storage.valkey.seals import SealStore

_log = logging.getLogger("fastgw.worker")

JOURNAL_FOLDER = "journal"
"""Below the data folder; the keeper of the same machine drains it."""
SYNC_POLL_S = 0.05
STORE_WAIT_MS = 10_000
"""The store may be starting at the same time."""


class GuardedMirror:
    """Key records with the default guard filled in where a key has no limit of its own."""

    def __init__(self, mirror: KeyMirror, guard: Limits) -> None:
        self._mirror = mirror
        self._guard = guard

    async def read(self, digest: str) -> Principal | None:
        """The record of a key, None if there is none."""
        principal = await self._mirror.read(digest)
        if principal is None:
            return None
        return msgspec.structs.replace(principal, limits=guarded(principal.limits, self._guard))

    async def wrong(self, address: str, count: int) -> int:
        """Add to the wrong keys of an address; the sum."""
        return await self._mirror.wrong(address, count)

    async def version(self) -> int:
        """The number of changes so far."""
        return await self._mirror.version()

    def changes(self) -> AsyncIterator[tuple[str, int]]:
        """Changes as they happen: SHA-256 of the key, and the version."""
        return self._mirror.changes()


class WorkerJournal:
    """The journal of this worker: opened when the worker starts, not when its parts are put together."""

    def __init__(self) -> None:
        self._writer: JournalWriter | None = None

    def open(self, settings: Settings, slot: int) -> None:
        """Begin a stream of records. Raises `StartupError` when the data folder cannot take it."""
        self._writer = JournalWriter.open(settings.stores.data_dir / JOURNAL_FOLDER, f"worker-{slot}")

    @property
    def stream(self) -> str:
        """The name by which the keeper knows it, and the gate this worker."""
        assert self._writer is not None, "the journal is opened first"
        return self._writer.stream.name

    def append(self, record: JournalRecord) -> None:
        """Write one record."""
        assert self._writer is not None, "the journal is open while exchanges run"
        self._writer.append(record)

    def room(self) -> bool:
        """Whether a new exchange may begin."""
        return self._writer is not None and self._writer.room()

    def close(self) -> None:
        """Sync, and let the keeper know that this worker has ended."""
        if self._writer is not None:
            self._writer.close()


class Wiring:
    """All parts of one worker. `start` and `aclose` belong to its event loop."""

    def __init__(self, settings: Settings, slot: int = 0) -> None:
        self._settings = settings = with_proxies(settings, os.environ)
        self._slot = slot
        url = settings.stores.redis_url
        self._journal = WorkerJournal()
        money = settings.money
        allowance_nano = nano_up(money.allowance_usd) if money.gate_away == "allowance" else 0
        self._gate = AheadGate(ValkeyGate(url, allowance_nano=allowance_nano))
        self._mirror, self._board, self._seals = KeyMirror(url), ModelBoard(url), SealStore(url)
        guarded_mirror = GuardedMirror(self._mirror, settings.guard.key)
        self._keys = Keys(guarded_mirror, wrong_keys_per_min=settings.guard.wrong_keys_per_min)
        self._prices = PriceBoard(url)
        self._shelf = Shelf(settings, self._board, self._prices)
        self._transport = transport(settings)
        self._fetcher = Fetcher(frozenset(settings.guard.fetch_hosts))
        self._answers = AnswerShelf(url)
        self._replay = Replay(self._answers)
        settlement = Settlement(self._journal, self._gate)
        book = Book(settlement)
        stages = Stages(
            settings=settings,
            addresses=Addresses(settings.listen.trusted_proxies),
            keys=self._keys,
            gate=self._gate,
            catalog=self._shelf,
            cooling=Cooling(),
            transport=self._transport,
            settlement=settlement,
            bodies=BodyBudget(settings.bounds.body_bytes_in_flight_max),
            fetcher=self._fetcher,
            remember=Remember(self._seals),
            replay=self._replay,
            signers=signers(settings),
        )
        patrol = Patrol(settings.deadlines, book.checkpoint)
        self.drain = Drain(patrol)
        self.chat = Chat(stages, patrol, book)
        self.completions = Chat(stages, patrol, book, "completions")
        self.responses = Chat(stages, patrol, book, "responses")
        self.compact = Chat(stages, patrol, book, "compact")
        self.messages = Chat(stages, patrol, book, "messages")
        self.gemini = Chat(stages, patrol, book, "gemini")
        self.models = Models(stages, patrol)
        self.count_messages = TokenCount(stages, patrol, "messages")
        self.count_responses = TokenCount(stages, patrol, "responses")
        self.actions = Actions(
            {
                "generateContent": self.gemini,
                "streamGenerateContent": self.gemini,
                "countTokens": TokenCount(stages, patrol, "gemini"),
            },
            self.models,
        )
        self.control = Control(settings)
        recent = Recent(self.control)
        self.usage = usage_of(stages, recent)
        self.subscription, self.billed = subscription_of(stages, recent), billed_of(stages, recent)
        self.control_plane = ControlPlane(stages, guarded_mirror, self.control)
        self._synced = False
        self._tasks: list[asyncio.Task[None]] = []

    def ready(self) -> bool:
        """Whether this worker wants requests: it knows keys and prices, can record, and is not about to stop."""
        return self._synced and self._journal.room() and not self.drain.draining

    async def start(self) -> None:
        """Open the journal and connect. Raises `StartupError`."""
        self._journal.open(self._settings, self._slot)
        await self._reach_gate()
        await self._keys.start()
        self._tasks = [spawn(self._shelf.follow(), name="catalogue"), spawn(self._await_keys(), name="keys mirrored")]

    async def aclose(self) -> None:
        """End what runs in the background, give leases back, sync the journal, disconnect."""
        await end(self._tasks)
        await self.control.aclose()
        await self._keys.aclose()
        await self._replay.aclose()
        await self._answers.aclose()
        await self._transport.aclose()
        await self._fetcher.aclose()
        await self._gate.aclose()
        self._journal.close()
        await self._mirror.aclose()
        await self._board.aclose()
        await self._prices.aclose()
        await self._seals.aclose()

    async def _reach_gate(self) -> None:
        deadline_ns = monotonic_ns() + STORE_WAIT_MS * 1_000_000
        while True:
            try:
                await self._gate.start(worker_number(self._journal.stream))
            except StartupError:
                if monotonic_ns() > deadline_ns:
                    raise
                await asyncio.sleep(SYNC_POLL_S)
            else:
                return

    async def _await_keys(self) -> None:
        while not self._synced:
            try:
                if await self._mirror.synced():
                    # The keeper posts prices before it sets that mark, so no request is charged by older ones.
                    await self._shelf.refresh_prices()
                    self._synced = True
            except (RedisError, OSError):
                _log.warning("the store of keys does not answer yet")
            await asyncio.sleep(SYNC_POLL_S)


def guarded(limits: Limits, guard: Limits) -> Limits:
    """`limits` with the guard's values where a key has none. A rate and its burst belong together."""
    own_requests, own_tokens = limits.requests_per_min, limits.tokens_per_min
    return Limits(
        requests_per_min=own_requests or guard.requests_per_min,
        requests_burst=limits.requests_burst if own_requests else guard.requests_burst,
        tokens_per_min=own_tokens or guard.tokens_per_min,
        tokens_burst=limits.tokens_burst if own_tokens else guard.tokens_burst,
        concurrency=limits.concurrency or guard.concurrency,
    )


def transport(settings: Settings) -> Transport:
    """The transport that the settings name, with the TLS settings of each provider by its name."""
    tls: dict[str, ProviderTls] = {provider.name: provider.tls for provider in settings.providers}
    if settings.transport == "wire":
        return WireTransport(tls)
    # Only whoever selects it pays for importing it.
    from fastgw.dataplane.upstream.httpx_transport import HttpxTransport  # noqa: PLC0415

    return HttpxTransport(tls)


def with_proxies(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """Settings whose providers go through the proxy that the environment names, unless they name their own."""

    def routed(provider: ProviderSettings) -> ProviderSettings:
        if provider.proxy or not provider.base_url:
            return provider
        return msgspec.structs.replace(provider, proxy=proxy_for(provider.base_url, environ))

    return msgspec.structs.replace(settings, providers=tuple(routed(provider) for provider in settings.providers))
