"""The contract: who hangs up ends the exchange at the provider at once, and who reads slowly stops the reading."""

import asyncio
import socket
from typing import Any

import pytest

from fastgw.dataplane.upstream.transport import Unsent
from tests.dataplane.upstream.origin import Exchange, Http1Exchange, Http2Exchange, until
from tests.dataplane.upstream.rig import Lane, Rig, body_of

MIB = 1024 * 1024


async def hangs(exchange: Exchange) -> None:
    await exchange.wait_gone()


async def gives_one_chunk_and_hangs(exchange: Exchange) -> None:
    await exchange.head(200)
    await exchange.data(b"first")
    await exchange.wait_gone()


async def gives_one_chunk_and_a_half_and_hangs(exchange: Exchange) -> None:
    await exchange.head(200)
    await exchange.data(b"first")
    if isinstance(exchange, Http1Exchange):
        await exchange.raw(b"ff\r\nhalf of a chun")
    elif isinstance(exchange, Http2Exchange):
        exchange.connection.raw(b"\0\0\xff\0\0" + exchange.stream_id.to_bytes(4, "big") + b"half of a fram")
    await exchange.wait_gone()


def assert_ended(lane: Lane, exchange: Exchange) -> None:
    """The origin saw the right kind of end."""
    assert exchange.hang_up is not None
    expected = ("closed", 0) if lane.version == "1.1" else ("reset", 8)
    assert (exchange.hang_up.kind, exchange.hang_up.code) == expected


async def test_cancelled_before_the_head(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = hangs
    sending = asyncio.ensure_future(transport.send(rig.request(origin.url, b"/", b"POST", body=b"{}")))
    await until(lambda: origin.exchanges)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError) as cancelled:
        await sending
    assert not isinstance(cancelled.value, Unsent)
    await origin.exchanges[0].wait_gone()
    assert_ended(rig.lane, origin.exchanges[0])
    assert transport.stats().exchanges_open == 0


async def test_cancelled_before_anything_has_left(rig: Rig) -> None:
    # The kernel takes connections and nobody says a word: a handshake of TLS hangs there.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        transport = rig.transport()
        sending = asyncio.ensure_future(transport.send(rig.request(url, b"/", b"POST", body=b"{}")))
        await until(lambda: transport.stats().connecting)
        sending.cancel()
        with pytest.raises(Unsent):
            await sending


@pytest.mark.parametrize("handler", [gives_one_chunk_and_hangs, gives_one_chunk_and_a_half_and_hangs])
async def test_cancelled_while_reading(rig: Rig, handler: object) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = handler  # type: ignore[assignment]
    response = await transport.send(rig.request(origin.url))
    data = b""
    while len(data) < 5:
        data += await response.read()
    assert data.startswith(b"first")

    async def read_on() -> None:
        while True:
            await response.read()

    reading = asyncio.ensure_future(read_on())
    await asyncio.sleep(0.05)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await origin.exchanges[0].wait_gone()
    assert_ended(rig.lane, origin.exchanges[0])
    response.close()


@pytest.mark.parametrize("handler", [gives_one_chunk_and_hangs, gives_one_chunk_and_a_half_and_hangs])
async def test_closed_by_the_reader(rig: Rig, handler: object) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = handler  # type: ignore[assignment]
    response = await transport.send(rig.request(origin.url))
    assert (await response.read()).startswith(b"first")
    response.close()
    response.close()
    await origin.exchanges[0].wait_gone()
    assert_ended(rig.lane, origin.exchanges[0])


async def test_hang_up_spares_the_others(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.on("/hang", gives_one_chunk_and_hangs)
    for _ in range(30):
        response = await transport.send(rig.request(origin.url, b"/hang"))
        assert await response.read() == b"first"
        response.close()
        assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"
    if rig.lane.version == "2":
        assert len(origin.connections) == 1
    await until(lambda: all(one.gone.is_set() for one in origin.exchanges if one.path == "/hang"))


@pytest.mark.http2_only
async def test_cancelled_streams_do_not_use_up_the_connection(rig: Rig) -> None:
    origin, transport = await rig.origin(settings={3: 10}), rig.transport()
    origin.on("/hang", hangs)
    for number in range(25):
        sending = asyncio.ensure_future(transport.send(rig.request(origin.url, b"/hang")))
        await until(lambda: len(origin.exchanges) > number)  # noqa: B023 - polled within this turn of the loop
        sending.cancel()
        await asyncio.wait([sending])
        await origin.exchanges[-1].wait_gone()
    assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"
    assert len(origin.connections) == 1


async def floods(exchange: Exchange) -> None:
    await exchange.head(200)
    piece = b"x" * 65536
    for _ in range(48 * 16):
        await exchange.data(piece)
    await exchange.end()


async def settled(exchange: Exchange) -> int:
    """Wait until the origin can push no more, and say how much it could."""
    pushed = -1
    while pushed != exchange.pushed:
        pushed = exchange.pushed
        await asyncio.sleep(0.3)
    return pushed


async def test_slow_reader_stops_the_reading(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = floods
    response = await transport.send(rig.request(origin.url))
    first = await response.read()
    pushed = await settled(origin.exchanges[0])
    # Over HTTP/1.1 nearly all of it lies in the kernel's two socket buffers.
    assert pushed < 24 * MIB
    if rig.lane.transport == "wire" and rig.lane.version == "2":
        assert pushed <= 2 * 128 * 1024 + len(first)
    assert len(first) + len(await body_of(response)) == 48 * MIB


@pytest.mark.http2_only
async def test_slow_reader_is_not_felt_by_other_streams(rig: Rig) -> None:
    async def gives_four_mib(exchange: Exchange) -> None:
        await exchange.reply(200, [], b"y" * 4 * MIB)

    origin, transport = await rig.origin(), rig.transport()
    origin.on("/flood", floods)
    origin.on("/four", gives_four_mib)
    patience_ms = int(rig.patience_s * 1_000)
    patience: dict[str, Any] = {"timeout_first_byte_ms": patience_ms, "timeout_idle_ms": patience_ms}
    slow = [await transport.send(rig.request(origin.url, b"/flood", **patience)) for _ in range(8)]
    try:
        for response in slow:
            await response.read()
        await settled(origin.exchanges[0])
        for _ in range(3):
            quick = await transport.send(rig.request(origin.url, b"/four", **patience))
            assert len(await body_of(quick)) == 4 * MIB
    finally:
        for response in slow:
            response.close()
    assert len(origin.connections) == 1
