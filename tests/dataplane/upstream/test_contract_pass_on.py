"""The contract of `pass_on`: the same bytes as by reading, stops that lose nothing, faults that reach the reader."""

import asyncio

import pytest

from fastgw.dataplane.upstream.transport import Failure, TransportError
from tests.dataplane.upstream.origin import Exchange
from tests.dataplane.upstream.rig import Rig, body_of

CHUNKS = [bytes([65 + n % 26]) * (n % 7 + 1) for n in range(40)]


async def slowly(exchange: Exchange) -> None:
    await exchange.head()
    for chunk in CHUNKS:
        await exchange.data(chunk)
        await asyncio.sleep(0.002)
    await exchange.end()


async def test_everything_is_passed_on_in_order(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = slowly
    response = await transport.send(rig.request(origin.url))
    got: list[bytes] = []

    def take(data: bytes) -> bool:
        got.append(data)
        return True

    assert await response.pass_on(take) is True
    assert b"".join(got) == b"".join(CHUNKS)
    assert await response.read() == b""
    assert transport.stats().exchanges_open == 0


async def test_a_sink_may_stop_at_any_time_and_nothing_is_lost(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = slowly
    response = await transport.send(rig.request(origin.url))
    got: list[bytes] = []
    stops = 0

    def take(data: bytes) -> bool:
        got.append(data)
        return False

    while not await response.pass_on(take):
        stops += 1
        await asyncio.sleep(0.003)
    assert stops == len(got) > 1
    assert b"".join(got) == b"".join(CHUNKS)


async def test_reading_goes_on_where_a_sink_stopped(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = slowly
    response = await transport.send(rig.request(origin.url))
    first: list[bytes] = []

    def take(data: bytes) -> bool:
        first.append(data)
        return False

    assert await response.pass_on(take) is False
    assert b"".join(first) + await body_of(response) == b"".join(CHUNKS)


async def test_what_a_sink_raises_reaches_the_reader_and_ends_no_connection(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = slowly
    response = await transport.send(rig.request(origin.url))
    seen = 0

    def fail(_data: bytes) -> bool:
        nonlocal seen
        seen += 1
        if seen == 2:
            raise ValueError("enough")
        return True

    with pytest.raises(ValueError, match="enough"):
        await response.pass_on(fail)
    assert await body_of(response)


async def test_a_cut_comes_after_what_had_arrived(rig: Rig) -> None:
    async def cut(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.data(b"part")
        await asyncio.sleep(0.05)
        exchange.reset()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = cut
    response = await transport.send(rig.request(origin.url))
    got: list[bytes] = []

    def take(data: bytes) -> bool:
        got.append(data)
        return True

    with pytest.raises(TransportError) as caught:
        await response.pass_on(take)
    assert caught.value.failure is Failure.RESET
    assert b"".join(got) in {b"part", b""}


async def test_cancelling_ends_the_exchange_at_the_origin(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()

    async def endless(exchange: Exchange) -> None:
        await exchange.head()
        while not exchange.gone.is_set():
            await exchange.data(b"x")
            await asyncio.sleep(0.005)

    origin.default = endless
    response = await transport.send(rig.request(origin.url))
    passing = asyncio.ensure_future(response.pass_on(lambda data: True))
    await asyncio.sleep(0.05)
    passing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await passing
    response.close()
    await origin.exchanges[0].wait_gone()
