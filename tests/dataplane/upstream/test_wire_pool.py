"""The pool over real sockets: what is shared and reused, what waits, what is sent again, and what is left over."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fastgw.dataplane.upstream.transport import Failure, Request, Stats, TransportError
from fastgw.dataplane.upstream.wire import WireBounds, WireTransport
from fastgw.dataplane.upstream.wire.names import AddressInfo
from fastgw.settings.values import ProviderTls
from tests.dataplane.upstream.origin import Certificates, Exchange, Origin, RawServer, until


@asynccontextmanager
async def wired(tls: dict[str, ProviderTls] | None = None, **bounds: int) -> AsyncIterator[WireTransport]:
    """A transport that must have nothing left when it is closed."""
    transport = WireTransport(tls, bounds=WireBounds(**bounds))
    try:
        yield transport
    finally:
        await transport.aclose()
    assert transport.stats() == Stats(0, 0, 0, 0)


def request(origin: RawServer | str, target: bytes = b"/", **fields: Any) -> Request:
    url = origin if isinstance(origin, str) else origin.url
    return Request(b"POST", url, target, (), fields.pop("body", b"{}"), **fields)


async def call(transport: WireTransport, message: Request) -> bytes:
    response = await transport.send(message)
    try:
        body = await response.read_all(1 << 20)
        assert body is not None
        return body
    finally:
        response.close()


async def held(exchange: Exchange) -> None:
    """Answer the head, then keep the exchange open until the client ends it."""
    await exchange.head(200)
    await exchange.data(b"x")
    await exchange.wait_gone()


async def test_calls_one_after_the_other_share_a_connection() -> None:
    async with Origin() as origin, wired() as transport:
        for _ in range(5):
            assert await call(transport, request(origin)) == b"ok 2"
        assert len(origin.connections) == 1
        assert transport.stats() == Stats(1, 1, 0, 0)


async def test_at_the_limit_calls_wait_for_a_connection_and_all_are_served() -> None:
    async with Origin() as origin, wired(http1_connections_per_origin_max=3) as transport:
        answers = await asyncio.gather(*[call(transport, request(origin)) for _ in range(30)])
        assert answers == [b"ok 2"] * 30
        assert len(origin.connections) == 3
        assert transport.stats() == Stats(3, 3, 0, 0)


async def test_too_many_waiters_are_refused_at_once() -> None:
    async with Origin() as origin, wired(http1_connections_per_origin_max=1, waiters_per_origin_max=2) as transport:
        origin.on("/held", held)
        response = await transport.send(request(origin, b"/held"))
        waiting = [asyncio.ensure_future(call(transport, request(origin))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TransportError) as caught:
            await transport.send(request(origin))
        assert (caught.value.failure, caught.value.sent) == (Failure.POOL_FULL, False)
        response.close()
        assert await asyncio.gather(*waiting) == [b"ok 2"] * 2


async def test_a_wait_for_a_busy_pool_ends_with_the_connect_deadline() -> None:
    async with Origin() as origin, wired(http1_connections_per_origin_max=1) as transport:
        origin.on("/held", held)
        response = await transport.send(request(origin, b"/held"))
        with pytest.raises(TransportError) as caught:
            await transport.send(request(origin, timeout_connect_ms=50))
        assert (caught.value.failure, caught.value.sent) == (Failure.POOL_FULL, False)
        response.close()
        await until(lambda: transport.stats().connections_open == 0)
        assert await call(transport, request(origin)) == b"ok 2"


async def test_a_cancelled_wait_leaves_its_place() -> None:
    async with Origin() as origin, wired(http1_connections_per_origin_max=1, waiters_per_origin_max=1) as transport:
        origin.on("/held", held)
        response = await transport.send(request(origin, b"/held"))
        for _ in range(3):
            waiting = asyncio.ensure_future(transport.send(request(origin)))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        response.close()
        assert await call(transport, request(origin)) == b"ok 2"
        assert [exchange.path for exchange in origin.exchanges] == ["/held", "/"]


async def test_a_wait_cancelled_when_its_place_was_just_given_ends_the_exchange() -> None:
    async with Origin() as origin, wired(http1_connections_per_origin_max=1) as transport:
        origin.on("/held", held)
        response = await transport.send(request(origin, b"/held"))
        waiting = asyncio.ensure_future(transport.send(request(origin, b"/held")))
        await asyncio.sleep(0.01)
        response.close()
        while not transport.stats().exchanges_open:
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(lambda: transport.stats() == Stats(0, 0, 0, 0))


async def test_idle_connections_are_closed_after_their_time() -> None:
    async with Origin() as origin, wired(idle_ms=100) as transport:
        await call(transport, request(origin))
        assert transport.stats().connections_idle == 1
        await until(lambda: transport.stats() == Stats(0, 0, 0, 0))
        await until(lambda: not origin.open_connections)
        await until(lambda: transport._sweeper is None)
        assert await call(transport, request(origin)) == b"ok 2"


async def test_idle_connections_that_the_provider_closes_are_forgotten() -> None:
    async with Origin() as origin, wired() as transport:
        await call(transport, request(origin))
        origin.connections[0].close()
        await until(lambda: transport.stats().connections_open == 0)
        assert await call(transport, request(origin)) == b"ok 2"


async def one_answer_then_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers the first request; closes when the second one has come."""
    await reader.readuntil(b"\r\n\r\n{}")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    await reader.readuntil(b"\r\n\r\n{}")


async def test_many_stale_connections_cost_each_call_one_more_and_never_two() -> None:
    async with RawServer(one_answer_then_close) as server, wired() as transport:
        assert await asyncio.gather(*[call(transport, request(server)) for _ in range(8)]) == [b"ok"] * 8
        assert await asyncio.gather(*[call(transport, request(server)) for _ in range(8)]) == [b"ok"] * 8


async def test_what_must_not_be_resent_is_not() -> None:
    async with RawServer(one_answer_then_close) as server, wired() as transport:
        await call(transport, request(server))
        with pytest.raises(TransportError) as caught:
            await call(transport, request(server, resend=False))
        assert (caught.value.failure, caught.value.sent) == (Failure.RESET, True)


async def test_a_failed_attempt_fails_the_call_and_the_next_one_tries_again() -> None:
    async with Origin() as origin:
        url = origin.url
    async with wired() as transport:
        for _ in range(2):
            results = await asyncio.gather(*[transport.send(request(url)) for _ in range(5)], return_exceptions=True)
            for result in results:
                assert isinstance(result, TransportError)
                assert (result.failure, result.sent) == (Failure.CONNECT, False)


async def test_an_origin_that_closes_every_connection_at_once_fails_the_call() -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with RawServer(closes) as server, wired() as transport:
        with pytest.raises(TransportError) as caught:
            await transport.send(request(server))
        assert caught.value.failure in (Failure.CONNECT, Failure.RESET)


async def test_a_listener_that_never_answers_a_handshake_meets_the_connect_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with RawServer(silent) as server, wired() as transport:
        url = server.url.replace("http://", "https://")
        for streaming in (False, True):
            with pytest.raises(TransportError) as caught:
                await transport.send(request(url, timeout_connect_ms=100, streaming=streaming))
            assert (caught.value.failure, caught.value.sent) == (Failure.TIMEOUT_CONNECT, False)


async def test_a_hundred_streams_share_one_http2_connection_that_unary_calls_do_not_use(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    tls = {"x": ProviderTls(ca_file=certificates.ca_file)}
    async with Origin(certificates=certificates) as origin, wired(tls) as transport:
        origin.on("/held", held)
        message = request(origin, b"/held", tls="x", streaming=True)
        streams = await asyncio.gather(*[transport.send(message) for _ in range(100)])
        assert {stream.http_version for stream in streams} == {"2"}
        assert len(origin.connections) == 1
        unary = await transport.send(request(origin, tls="x"))
        assert unary.http_version == "1.1"
        unary.close()
        more = await transport.send(message)
        assert [connection.version for connection in origin.connections] == ["2", "1.1", "2"]
        for stream in [*streams, more]:
            stream.close()
        await until(lambda: transport.stats().exchanges_open == 0)


async def test_an_origin_without_http2_takes_streams_over_http1(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    tls = {"x": ProviderTls(ca_file=certificates.ca_file)}
    async with Origin(certificates=certificates, alpn=("http/1.1",)) as origin, wired(tls) as transport:
        message = request(origin, tls="x", streaming=True)
        assert await asyncio.gather(*[call(transport, message) for _ in range(10)]) == [b"ok 2"] * 10
        assert {connection.version for connection in origin.connections} == {"1.1"}
        assert await call(transport, request(origin, tls="x", http_version="2")) == b"ok 2"


async def test_deadlines_are_kept_by_one_sweeper_that_rests_when_nothing_is_open() -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.wait_gone()

    async with Origin() as origin, wired() as transport:
        origin.on("/silent", silent)
        origin.on("/held", held)
        started = time.monotonic()
        with pytest.raises(TransportError) as first:
            await transport.send(request(origin, b"/silent", timeout_first_byte_ms=100))
        assert time.monotonic() - started >= 0.1
        response = await transport.send(request(origin, b"/held", timeout_idle_ms=100))
        assert await response.read() == b"x"
        with pytest.raises(TransportError) as second:
            await response.read()
        whole = await transport.send(request(origin, b"/held", timeout_idle_ms=100))
        with pytest.raises(TransportError) as third:
            await whole.read_all(1000)
        kinds = [caught.value.failure for caught in (first, second, third)]
        assert kinds == [Failure.TIMEOUT_FIRST_BYTE, Failure.TIMEOUT_IDLE, Failure.TIMEOUT_IDLE]
        await until(lambda: not origin.open_connections)
        await until(lambda: transport._sweeper is None)


async def test_no_deadline_runs_while_nobody_reads() -> None:
    async with Origin() as origin, wired() as transport:
        origin.on("/held", held)
        response = await transport.send(request(origin, b"/held", timeout_idle_ms=50))
        await asyncio.sleep(0.6)
        assert await response.read() == b"x"
        response.close()


async def test_closing_the_transport_ends_everything() -> None:
    async with Origin() as origin:
        transport = WireTransport(bounds=WireBounds(http1_connections_per_origin_max=2))
        origin.on("/held", held)
        response = await transport.send(request(origin, b"/held"))
        reading = asyncio.ensure_future(response.read_all(100))
        sending = [asyncio.ensure_future(transport.send(request(origin, b"/held"))) for _ in range(3)]
        await asyncio.sleep(0.05)
        await transport.aclose()
        for task in (reading, *sending[1:]):
            with pytest.raises(TransportError) as caught:
                await task
            assert caught.value.failure is Failure.CLOSED
        assert transport.stats() == Stats(0, 0, 0, 0)
        with pytest.raises(TransportError) as caught:
            await transport.send(request(origin))
        assert caught.value.failure is Failure.CLOSED
        await until(lambda: not origin.open_connections)


async def test_addresses_can_be_refused_before_connecting() -> None:
    asked: list[str] = []

    def none(host: str, found: list[AddressInfo]) -> list[AddressInfo]:
        asked.extend(info[4][0] for info in found)
        return []

    async with Origin() as origin:
        transport = WireTransport(resolve=none)
        with pytest.raises(TransportError) as caught:
            await transport.send(request(origin))
        assert (caught.value.failure, caught.value.sent) == (Failure.CONNECT, False)
        assert (asked, origin.connections) == (["127.0.0.1"], [])
        await transport.aclose()


async def test_an_unused_origin_makes_room_for_another() -> None:
    async with Origin() as first, Origin() as second, wired(origins_max=1) as transport:
        await call(transport, request(first))
        with pytest.raises(TransportError) as caught:
            await call(transport, request(second))
        assert caught.value.failure is Failure.POOL_FULL
        first.connections[0].close()
        await until(lambda: transport.stats().connections_open == 0)
        assert await call(transport, request(second)) == b"ok 2"


async def test_a_refused_request_costs_no_connection() -> None:
    async with Origin() as origin, wired() as transport:
        for _ in range(3):
            with pytest.raises(TransportError) as caught:
                await transport.send(request(origin, b"/a b"))
            assert (caught.value.failure, caught.value.sent) == (Failure.PROTOCOL, False)
            assert await call(transport, request(origin)) == b"ok 2"
        assert len(origin.connections) == 1
