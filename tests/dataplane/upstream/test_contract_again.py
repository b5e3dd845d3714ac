"""The contract: what is sent once more and what is not, and what a provider may say about its connections."""

import asyncio

import pytest

from tests.dataplane.upstream.origin import Exchange, Http1Exchange, Http2Connection, Http2Exchange, Origin, until
from tests.dataplane.upstream.rig import Failure, Rig, body_of, failure_of

REFUSED_STREAM = 7


async def reset_on_reuse(exchange: Exchange) -> None:
    await exchange.body_done.wait()
    number = len(getattr(exchange.connection, "streams", None) or exchange.connection.exchanges)
    if number >= 2:
        exchange.connection.abort()
        return
    await exchange.reply(200, [], b"fine")


async def test_stale_connection_is_replaced_once(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = reset_on_reuse
    for _ in range(2):
        response = await transport.send(rig.request(origin.url, b"/", b"POST", body=b"{}"))
        assert await body_of(response) == b"fine"
    assert len(origin.connections) == 2
    assert len(origin.exchanges) == 3


async def test_stale_connection_is_not_replaced_when_forbidden(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    origin.default = reset_on_reuse
    assert await body_of(await transport.send(rig.request(origin.url))) == b"fine"
    error = await failure_of(transport, rig.request(origin.url, b"/", b"POST", body=b"{}", resend=False))
    assert (error.failure, error.sent) == (Failure.RESET, True)
    assert len(origin.exchanges) == 2


async def test_fresh_connection_is_not_replaced(rig: Rig) -> None:
    async def resets(exchange: Exchange) -> None:
        exchange.connection.abort()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = resets
    error = await failure_of(transport, rig.request(origin.url, b"/", b"POST", body=b"{}"))
    assert (error.failure, error.sent) == (Failure.RESET, True)
    assert len(origin.exchanges) == 1


async def test_not_again_once_a_byte_has_come(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        if exchange.path == "/ok":
            await exchange.reply(200, [], b"fine")
            return
        await exchange.head(200)
        await exchange.data(b"some")
        await asyncio.sleep(0.05)
        exchange.connection.abort()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    assert await body_of(await transport.send(rig.request(origin.url, b"/ok"))) == b"fine"
    error = await failure_of(transport, rig.request(origin.url, b"/cut"))
    assert (error.failure, error.sent) == (Failure.RESET, True)
    assert len(origin.exchanges) == 2


@pytest.mark.http1_only
async def test_connection_close_is_honoured(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, [("connection", "close")], b"bye")
        exchange.connection.close()

    async def until_close(exchange: Exchange) -> None:
        assert isinstance(exchange, Http1Exchange)
        await exchange.raw(b"HTTP/1.1 200 OK\r\n\r\nno length at all")
        exchange.connection.close()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    origin.on("/until-close", until_close)
    assert await body_of(await transport.send(rig.request(origin.url))) == b"bye"
    assert await body_of(await transport.send(rig.request(origin.url, b"/until-close"))) == b"no length at all"
    assert len(origin.connections) == 2


async def test_connections_are_kept(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    for _ in range(5):
        assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"
    assert len(origin.connections) == 1
    assert transport.stats().connections_open == 1


async def test_idle_connections_expire(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport(idle_ms=300)
    assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"
    await until(origin.connections[0].closed.is_set, "the idle connection closes")
    await until(lambda: transport.stats().connections_open == 0)


@pytest.mark.http2_only
async def test_hundred_streams_share_connections(rig: Rig) -> None:
    gate = asyncio.Event()

    async def waits(exchange: Exchange) -> None:
        await gate.wait()
        await exchange.reply(200, [], b"through")

    origin, transport = await rig.origin(), rig.transport()
    origin.default = waits
    calls = [asyncio.ensure_future(transport.send(rig.request(origin.url))) for _ in range(100)]
    await until(lambda: len(origin.exchanges) == 100, "100 streams open at once")
    count = len(origin.connections)
    print(f"100 streams over {count} connection(s)")
    assert count == transport.stats().connections_open == 1
    assert transport.stats().exchanges_open == 100
    gate.set()
    assert [await body_of(response) for response in await asyncio.gather(*calls)] == [b"through"] * 100


@pytest.mark.http2_only
async def test_concurrent_streams_are_limited_by_the_peer(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        await asyncio.sleep(0.01)
        await exchange.reply(200, [], b"fine")

    origin, transport = await rig.origin(settings={3: 3}), rig.transport(http2_connections_per_origin_max=2)
    origin.default = answer

    async def call() -> bytes:
        return await body_of(await transport.send(rig.request(origin.url)))

    assert await asyncio.gather(*[call() for _ in range(30)]) == [b"fine"] * 30
    assert len(origin.connections) <= 2
    assert all(connection.open_max <= 3 for connection in connections_of(origin))


def connections_of(origin: Origin) -> list[Http2Connection]:
    return [connection for connection in origin.connections if isinstance(connection, Http2Connection)]


@pytest.mark.http2_only
async def test_refused_stream_goes_once_more(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        assert isinstance(exchange, Http2Exchange)
        if exchange.path == "/never" or len(origin.exchanges) == 2:
            exchange.reset(REFUSED_STREAM)
        else:
            await exchange.reply(200, [], b"fine")

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    assert await body_of(await transport.send(rig.request(origin.url))) == b"fine"
    # Even a request that must not be sent twice: the peer says that it did not touch it.
    assert await body_of(await transport.send(rig.request(origin.url, resend=False))) == b"fine"
    error = await failure_of(transport, rig.request(origin.url, b"/never"))
    assert (error.failure, error.sent) == (Failure.RESET, False)
    assert len(origin.exchanges) == 5


@pytest.mark.http2_only
async def test_goaway_sends_refused_streams_elsewhere(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        assert isinstance(exchange, Http2Exchange)
        if exchange.connection.number == 0 and exchange.stream_id > 1:
            exchange.connection.goaway(1)
            return
        await exchange.reply(200, [], b"fine")

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    assert await body_of(await transport.send(rig.request(origin.url))) == b"fine"
    assert await body_of(await transport.send(rig.request(origin.url, resend=False))) == b"fine"
    assert len(origin.connections) == 2


@pytest.mark.http2_only
async def test_goaway_lets_accepted_streams_finish(rig: Rig) -> None:
    go_on = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        assert isinstance(exchange, Http2Exchange)
        await exchange.head(200)
        await exchange.data(b"before ")
        exchange.connection.goaway(exchange.stream_id)
        await go_on.wait()
        await exchange.data(b"after")
        await exchange.end()

    origin, transport = await rig.origin(), rig.transport()
    origin.on("/long", answer)
    response = await transport.send(rig.request(origin.url, b"/long"))
    try:
        assert await response.read() == b"before "
        assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"
        assert len(origin.connections) == 2
        go_on.set()
        assert await body_of(response) == b"after"
        await until(origin.connections[0].closed.is_set, "the drained connection closes")
    finally:
        response.close()


@pytest.mark.http2_only
async def test_ping_is_answered(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        assert isinstance(exchange, Http2Exchange)
        await exchange.head(200)
        exchange.connection.ping()
        await until(lambda: connections_of(origin)[0].pings_answered == 1)
        await exchange.data(b"alive")
        await exchange.end()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    assert await body_of(await transport.send(rig.request(origin.url))) == b"alive"


@pytest.mark.http2_only
async def test_idle_connection_answers_ping(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"
    [connection] = connections_of(origin)
    connection.ping()
    await until(lambda: connection.pings_answered == 1, patience_s=rig.patience_s)


@pytest.mark.http2_only
async def test_silent_peer_is_asked_for_a_sign_of_life(rig: Rig) -> None:
    async def waits(exchange: Exchange) -> None:
        await until(lambda: connections_of(origin)[0].pings_received >= 2, patience_s=rig.patience_s)
        await exchange.reply(200, [], b"alive")

    origin, transport = await rig.origin(), rig.transport(ping_after_ms=200, ping_timeout_ms=10_000)
    origin.default = waits
    patience_ms = int(rig.patience_s * 1_500)
    response = await transport.send(rig.request(origin.url, timeout_first_byte_ms=patience_ms))
    assert await body_of(response) == b"alive"


@pytest.mark.http2_only
async def test_settings_may_change_in_mid_flight(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        assert isinstance(exchange, Http2Exchange)
        exchange.withhold_credit = True
        size = -1
        while size != len(exchange.body):
            size = len(exchange.body)
            await asyncio.sleep(0.1)
        # A smaller window makes the client's negative, a larger one opens it again (RFC 9113, 6.9.2).
        exchange.connection.update_settings({4: 1000, 5: 20_000})
        await asyncio.sleep(0.05)
        exchange.connection.update_settings({4: 100_000})
        exchange.give_credit()
        await exchange.body_done.wait()
        await exchange.reply(200, [], b"got %d" % len(exchange.body))

    origin, transport = await rig.origin(), rig.transport()
    origin.on("/upload", answer)
    # The origin's library takes any acknowledgement for that of its oldest change: the first must be over.
    assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"
    response = await transport.send(rig.request(origin.url, b"/upload", b"POST", body=bytes(400_000)))
    assert await body_of(response) == b"got 400000"
