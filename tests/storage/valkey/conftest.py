"""A real embedded Valkey for each test, and asks to put to its gate."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from fastgw.exchange import Ask, Principal
from fastgw.limits import Limits
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.gate import LOCAL_NS, ValkeyGate
from fastgw.storage.valkey.purse_board import PurseBoard


@pytest.fixture
def server(tmp_path: Path) -> Iterator[embedded.Embedded]:
    started = embedded.start(tmp_path)
    yield started
    started.stop()


@pytest.fixture
async def redis(server: embedded.Embedded) -> AsyncIterator[Redis]:
    client = Redis.from_url(server.url)
    yield client
    await client.aclose()


GateOf = Callable[..., Awaitable[ValkeyGate]]


@pytest.fixture
async def gate_of(server: embedded.Embedded) -> AsyncIterator[GateOf]:
    opened: list[ValkeyGate] = []

    # A deadline that a busy machine does not miss by itself; tests about the deadline give their own.
    async def build(url: str = server.url, deadline_ns: int = 10_000_000_000, local_ns: int = LOCAL_NS) -> ValkeyGate:
        gate = ValkeyGate(url, deadline_ns=deadline_ns, local_ns=local_ns)
        opened.append(gate)
        await gate.start()
        return gate

    yield build
    for gate in opened:
        await gate.aclose()


@pytest.fixture
async def gate(gate_of: GateOf) -> ValkeyGate:
    return await gate_of()


@pytest.fixture
async def board(server: embedded.Embedded) -> AsyncIterator[PurseBoard]:
    made = PurseBoard(server.url)
    yield made
    await made.aclose()


@pytest.fixture
async def purse_gate_of(server: embedded.Embedded) -> AsyncIterator[GateOf]:
    """Gates of workers by the number that the keeper knows them by; 101 if none is given."""
    opened: list[ValkeyGate] = []

    async def build(worker: int = 101, allowance_nano: int = 0) -> ValkeyGate:
        gate = ValkeyGate(server.url, allowance_nano=allowance_nano, deadline_ns=10_000_000_000)
        opened.append(gate)
        await gate.start(worker)
        return gate

    yield build
    for gate in opened:
        await gate.aclose()


NO_LIMITS = Limits()
AskOf = Callable[..., Ask]


@pytest.fixture
def ask_of() -> AskOf:
    principals: dict[object, Principal] = {}

    def build(
        limits: Limits = NO_LIMITS,
        *,
        key: str = "key_one",
        epoch: int = 1,
        address: str = "192.0.2.1",
        address_limits: Limits = NO_LIMITS,
        tokens: int = 0,
    ) -> Ask:
        principal = principals.setdefault(
            (key, epoch, limits), Principal(key_id=key, digest="0" * 64, epoch=epoch, name="n", limits=limits)
        )
        return Ask("ex_1", principal, address, address_limits, tokens)

    return build
