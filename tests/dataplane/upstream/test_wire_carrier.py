"""The transport as a whole: deadlines, the end of everything, and the limits on origins and addresses."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from fastgw.dataplane.upstream.transport import Failure, Stats, TransportError
from fastgw.dataplane.upstream.wire import WireBounds, WireTransport
from fastgw.dataplane.upstream.wire.http1 import Http11Connection
from fastgw.dataplane.upstream.wire.names import AddressInfo
from fastgw.settings.values import ProviderTls
from tests.dataplane.upstream.origin import Certificates, Exchange, Origin, RawServer, until
from tests.dataplane.upstream.wired import call, held, request, wired


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


async def test_closing_does_not_wait_for_a_peer_that_has_stopped_reading(tmp_path: Path) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(60)

    certificates = Certificates(tmp_path)
    async with RawServer(deaf, tls=certificates.server_context(("h2",))) as server:
        transport = WireTransport({"x": ProviderTls(ca_file=certificates.ca_file)})
        sending = asyncio.ensure_future(transport.send(request(server, tls="x", http_version="2")))
        await until(lambda: transport.stats().exchanges_open)
        async with asyncio.timeout(15):
            await transport.aclose()
        with pytest.raises(TransportError) as caught:
            await sending
        assert caught.value.failure is Failure.CLOSED


async def test_the_kernel_may_not_hold_more_for_a_slow_reader_than_asked_for() -> None:
    async def size_of(transport: WireTransport, origin: Origin) -> int:
        await call(transport, request(origin))
        connection = next(iter(next(iter(transport._pools.values())).connections))
        assert isinstance(connection, Http11Connection)
        with socket.fromfd(
            connection._transport.get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM
        ) as sock:
            return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    async with (
        Origin() as origin,
        wired(socket_receive_bytes=20_000) as narrow,
        wired(socket_receive_bytes=0) as unlimited,
    ):
        assert await size_of(narrow, origin) <= 40_000
        assert await size_of(unlimited, origin) > 40_000


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
