"""The mirror of key records on a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.exchange import Ask, Denial, Principal, Reason
from fastgw.limits import Limits
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.keys import KeyMirror

PRINCIPAL = Principal("key_a", "a" * 64, 1, "first", Limits(requests_per_min=5), models=("x/*",), ips=("10.0.0.0/8",))


@pytest.fixture
async def mirror(server: embedded.Embedded) -> AsyncIterator[KeyMirror]:
    opened = KeyMirror(server.url)
    yield opened
    await opened.aclose()


async def test_nothing_is_known_before_the_mirror_is_complete(mirror: KeyMirror) -> None:
    with pytest.raises(GatewayError) as refused:
        await mirror.read(PRINCIPAL.digest)
    assert refused.value.status == 503
    assert await mirror.sync([PRINCIPAL]) == 1
    assert await mirror.synced()
    assert await mirror.read(PRINCIPAL.digest) == PRINCIPAL
    assert await mirror.read("b" * 64) is None


async def test_an_older_record_never_replaces_a_newer_one(mirror: KeyMirror) -> None:
    revoked = msgspec.structs.replace(PRINCIPAL, epoch=2, disabled=True)
    assert await mirror.put(revoked)
    assert await mirror.sync([PRINCIPAL]) == 0
    assert await mirror.read(PRINCIPAL.digest) == revoked
    assert not await mirror.put(revoked)
    assert await mirror.version() == 1


async def test_a_change_is_announced(mirror: KeyMirror) -> None:
    changes = mirror.changes()
    heard = asyncio.ensure_future(anext(changes))
    epoch = 0
    while not heard.done():
        epoch += 1
        await mirror.put(msgspec.structs.replace(PRINCIPAL, epoch=epoch))
        await asyncio.sleep(0.05)
        assert epoch < 400
    digest, version = await heard
    assert digest == PRINCIPAL.digest
    assert 1 <= version <= epoch
    await changes.aclose()  # type: ignore[attr-defined] # an async generator


async def test_a_revocation_reaches_admission_by_the_epoch_alone(
    mirror: KeyMirror, gate_of: Callable[..., Awaitable[ValkeyGate]]
) -> None:
    gate = await gate_of()
    await mirror.put(msgspec.structs.replace(PRINCIPAL, epoch=2, disabled=True))
    verdict = await gate.admit(Ask("x", PRINCIPAL, "", Limits(), 0))
    assert isinstance(verdict, Denial)
    assert verdict.reason is Reason.STALE_KEY


async def test_wrong_keys_are_counted_by_address(mirror: KeyMirror) -> None:
    assert await mirror.wrong("192.0.2.1", 0) == 0
    assert [await mirror.wrong("192.0.2.1", 1) for _ in range(3)] == [1, 2, 3]
    assert await mirror.wrong("192.0.2.1", 0) == 3
    assert await mirror.wrong("192.0.2.2", 0) == 0


async def test_a_server_that_is_away_is_a_503(server: embedded.Embedded, mirror: KeyMirror) -> None:
    server.stop()
    for ask in (mirror.read("a"), mirror.wrong("a", 1), mirror.version()):
        with pytest.raises(GatewayError) as refused:
            await ask
        assert refused.value.status == 503


async def test_no_cancellation_is_lost_in_a_command(server: embedded.Embedded) -> None:
    for steps in range(60):
        mirror = KeyMirror(server.url)

        async def look(mirror: KeyMirror = mirror) -> None:
            while True:
                await mirror.synced()

        async def listen(mirror: KeyMirror = mirror) -> None:
            async for _ in mirror.changes():
                pass

        tasks = {asyncio.ensure_future(look()), asyncio.ensure_future(listen())}
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        _, going_on = await asyncio.wait(tasks, timeout=5)
        assert not going_on, f"cancelled after {steps} steps"
        await mirror.aclose()
