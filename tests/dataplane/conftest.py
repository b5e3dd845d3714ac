"""A whole worker without its HTTP server: real Valkey, real journal, real transport, a scripted provider."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fastgw import apikey
from fastgw.app.wiring import JOURNAL_FOLDER, Wiring
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.providers import VENDORS
from fastgw.records import Closed, JournalRecord, Opened
from fastgw.settings import load
from fastgw.storage.journal.reader import Journals
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.keys import KeyMirror
from tests.dataplane.caller import Caller
from tests.fakes import FakeProvider
from tests.fakes.gateway import provider_toml

MESSAGES = [{"role": "user", "content": "hi"}]
NO_LIMITS = Limits()


class Worker:
    """The parts of one worker, and how a test uses them."""

    def __init__(self, wiring: Wiring, mirror: KeyMirror, data_dir: Path, provider: FakeProvider) -> None:
        self.wiring = wiring
        self.mirror = mirror
        self.provider = provider
        self.key = ""
        self._journals = Journals(data_dir / JOURNAL_FOLDER)

    async def mint(
        self, name: str = "one", limits: Limits = NO_LIMITS, models: tuple[str, ...] = (), *, strict: bool = False
    ) -> str:
        key = apikey.mint()
        await self.mirror.sync([Principal(f"key_{name}", apikey.digest(key), 1, name, limits, models, strict=strict)])
        return key

    def call(self, key: str = "", *, body: bytes | None = None, scope: Any = None, **fields: Any) -> Caller:
        whole = {"model": "fake/fake-1", "messages": MESSAGES} | fields
        return Caller(self.wiring.chat, key or self.key, whole if body is None else body, **(scope or {}))

    def records(self) -> list[JournalRecord]:
        found: list[JournalRecord] = []
        for stream in self._journals.streams():
            found += self._journals.read(stream, 0, 0, alive=True, records_max=10_000).records
        return found

    async def closed(self) -> Closed:
        """The one record of the one exchange; none is doubled."""
        async with asyncio.timeout(30):
            while not (found := [one for one in self.records() if isinstance(one, Closed)]):
                await asyncio.sleep(0.01)
        assert len(found) == len([one for one in self.records() if isinstance(one, Opened)]) == 1
        return found[0]

    async def until_nothing_is_left(self) -> None:
        """No exchange, no lease, no body and no upstream exchange."""
        wiring = self.wiring
        async with asyncio.timeout(30):
            while wiring.drain.active or wiring._transport.stats().exchanges_open or self.running():
                await asyncio.sleep(0.01)
        assert wiring.chat._s.bodies.held_bytes == 0

    def running(self) -> int:
        """Leases that the gate counts in this worker."""
        return sum(subject.running for subject in self.wiring._gate._gate._sender.subjects.all())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[embedded.Embedded]:
    started = embedded.start(tmp_path)
    yield started
    started.stop()


WorkerOf = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def worker_of(server: embedded.Embedded, tmp_path: Path) -> AsyncIterator[WorkerOf]:
    """Start a worker; `toml` adds to its configuration, `settings` replaces fields of its settings."""
    with FakeProvider() as provider:
        opened: list[tuple[Wiring, KeyMirror]] = []

        async def build(toml: str = "", **settings: Any) -> Worker:
            config = tmp_path / "gateway.toml"
            config.write_text(provider_toml("fake", provider.url) + toml)
            environ = {"FASTGW_DATA_DIR": str(tmp_path), "FASTGW_REDIS_URL": server.url}
            loaded = msgspec.structs.replace(load(environ, config, VENDORS), **settings)
            mirror = KeyMirror(server.url)
            wiring = Wiring(loaded)
            worker = Worker(wiring, mirror, tmp_path, provider)
            worker.key = await worker.mint()
            await wiring.start()
            opened.append((wiring, mirror))
            return worker

        yield build
        for wiring, mirror in opened:
            await wiring.aclose()
            await mirror.aclose()


@pytest.fixture
async def worker(worker_of: WorkerOf) -> Worker:
    return await worker_of()
