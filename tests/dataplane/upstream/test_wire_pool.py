"""The pool over real sockets: what is shared and reused, what waits, what is sent again, and what is left over."""

import asyncio
import socket
import threading
from pathlib import Path

import pytest

from fastgw.dataplane.upstream.transport import Failure, Stats, TransportError
from fastgw.settings.values import ProviderTls
from tests.dataplane.upstream.origin import Certificates, Origin, RawServer, until
from tests.dataplane.upstream.wired import call, held, request, wired


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


async def test_what_must_not_be_resent_never_takes_a_connection_that_the_provider_has_ended() -> None:
    end, ended = threading.Event(), threading.Event()

    def serve() -> None:
        for number in range(2):
            client, _ = listener.accept()
            with client:
                while not client.recv(65536).endswith(b"{}"):
                    pass
                client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % number)
                end.wait(10)
            ended.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        message = request(f"http://127.0.0.1:{listener.getsockname()[1]}", resend=False)
        async with wired() as transport:
            assert await call(transport, message) == b"0"
            end.set()
            # Blocks the loop, which therefore has not noticed the end when it picks a connection.
            assert ended.wait(10)
            assert await call(transport, message) == b"1"
        server.join()


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
