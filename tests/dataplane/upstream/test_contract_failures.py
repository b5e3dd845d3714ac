"""The contract: every way in which a request can fail, and what the error says about it."""

import asyncio
import socket

import pytest

from tests.dataplane.upstream.origin import Exchange, ForwardProxy, Http1Exchange, RawServer, until
from tests.dataplane.upstream.rig import Failure, Rig, body_of, failure_of


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def test_refused_connection(rig: Rig) -> None:
    scheme = "https" if rig.lane.tls else "http"
    error = await failure_of(rig.transport(), rig.request(f"{scheme}://127.0.0.1:{unused_port()}"))
    assert (error.failure, error.sent) == (Failure.CONNECT, False)


async def test_unknown_host(rig: Rig) -> None:
    scheme = "https" if rig.lane.tls else "http"
    error = await failure_of(rig.transport(), rig.request(f"{scheme}://no-such-host.invalid"))
    assert (error.failure, error.sent) == (Failure.CONNECT, False)


async def test_unknown_authority(rig: Rig) -> None:
    origin, transport = await rig.origin(certificates=rig.certificates), rig.transport()
    error = await failure_of(transport, rig.request(origin.url, tls="system"))
    assert (error.failure, error.sent) == (Failure.TLS, False)
    assert origin.exchanges == []


async def test_client_certificate(rig: Rig) -> None:
    origin, transport = await rig.origin(certificates=rig.certificates, require_client=True), rig.transport()
    assert await body_of(await transport.send(rig.request(origin.url, tls="client"))) == b"ok 0"
    error = await failure_of(transport, rig.request(origin.url))
    assert (error.failure, error.sent) == (Failure.TLS, False)


async def test_connect_deadline(rig: Rig) -> None:
    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    if rig.lane.tls:
        # Takes the connection and leaves the handshake without an answer.
        server = await rig.enter(RawServer(says_nothing))
        error = await failure_of(
            rig.transport(), rig.request(f"https://127.0.0.1:{server.port}", timeout_connect_ms=300)
        )
    else:
        # A listener whose queue is full: the kernel drops further connections.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            address = listener.getsockname()
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(address)
            url = f"http://127.0.0.1:{address[1]}"
            error = await failure_of(rig.transport(), rig.request(url, timeout_connect_ms=300))
            for filler in fillers:
                filler.close()
    assert (error.failure, error.sent) == (Failure.TIMEOUT_CONNECT, False)


async def test_first_byte_deadline(rig: Rig) -> None:
    async def hangs(exchange: Exchange) -> None:
        await exchange.wait_gone()

    origin, transport = await rig.origin(), rig.transport()
    origin.on("/hang", hangs)
    error = await failure_of(transport, rig.request(origin.url, b"/hang", timeout_first_byte_ms=300))
    assert (error.failure, error.sent) == (Failure.TIMEOUT_FIRST_BYTE, True)
    await origin.exchanges[0].wait_gone()
    assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"


async def test_idle_deadline(rig: Rig) -> None:
    async def stalls(exchange: Exchange) -> None:
        await exchange.head(200)
        await exchange.data(b"some")
        await exchange.wait_gone()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = stalls
    response = await transport.send(rig.request(origin.url, timeout_idle_ms=300))
    assert await response.read() == b"some"
    error = await failure_from_read(response)
    assert error == (Failure.TIMEOUT_IDLE, True)
    await origin.exchanges[0].wait_gone()


async def failure_from_read(response: object) -> tuple[Failure, bool]:
    from fastgw.dataplane.upstream.transport import TransportError

    with pytest.raises(TransportError) as caught:
        await response.read()  # type: ignore[attr-defined]
    return caught.value.failure, caught.value.sent


async def test_a_reader_that_is_busy_is_not_idle(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.stream([b"one", b"two"])

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    response = await transport.send(rig.request(origin.url, timeout_idle_ms=300))
    await asyncio.sleep(0.8)
    assert await body_of(response) == b"onetwo"


async def test_body_cut_short(rig: Rig) -> None:
    async def cuts(exchange: Exchange) -> None:
        await exchange.head(200, length=100 if exchange.path == "/length" else None)
        await exchange.data(b"not all")
        await asyncio.sleep(0.05)
        exchange.reset() if exchange.path == "/reset" else exchange.connection.close()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = cuts
    for target in (b"/length", b"/chunked", b"/reset"):
        error = await failure_of(transport, rig.request(origin.url, target))
        assert (error.failure, error.sent) == (Failure.RESET, True), target


@pytest.mark.http2_only
async def test_wrong_length_ends_only_its_own_stream(rig: Rig) -> None:
    async def wrong(exchange: Exchange) -> None:
        await exchange.head(200, length=10)
        await exchange.data(b"five!" if exchange.path == "/short" else b"fifteen bytes!!")
        await exchange.end()

    async def slow(exchange: Exchange) -> None:
        await exchange.head(200)
        await go_on.wait()
        await exchange.data(b"unharmed")
        await exchange.end()

    go_on = asyncio.Event()
    origin, transport = await rig.origin(), rig.transport()
    origin.on("/short", wrong)
    origin.on("/long", wrong)
    origin.on("/slow", slow)
    other = await transport.send(rig.request(origin.url, b"/slow"))
    for target in (b"/short", b"/long"):
        error = await failure_of(transport, rig.request(origin.url, target))
        assert (error.failure, error.sent) == (Failure.PROTOCOL, True)
    go_on.set()
    assert await body_of(other) == b"unharmed"


@pytest.mark.http1_only
async def test_broken_framing(rig: Rig) -> None:
    async def breaks(exchange: Exchange) -> None:
        assert isinstance(exchange, Http1Exchange)
        if exchange.path == "/head":
            await exchange.raw(b"HTTP/1.1 2x0 OK\r\n\r\n")
        else:
            await exchange.raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n")
        await exchange.wait_gone()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = breaks
    for target in (b"/head", b"/chunk"):
        error = await failure_of(transport, rig.request(origin.url, target, timeout_idle_ms=5000))
        assert (error.failure, error.sent) == (Failure.PROTOCOL, True)


@pytest.mark.parametrize("headers", [[("x-a", "y" * 200)] * 8, [(f"x-{number}", "") for number in range(40)]])
async def test_response_heads_are_bounded(rig: Rig, headers: list[tuple[str, str]]) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, headers, b"body")

    origin, transport = await rig.origin(), rig.transport(header_count_max=30, header_bytes_max=1000)
    origin.default = answer
    error = await failure_of(transport, rig.request(origin.url))
    assert (error.failure, error.sent) == (Failure.PROTOCOL, True)


@pytest.mark.parametrize("header", [(b"x-a", b"1\r\nx-b: 2"), (b"x-a\n", b"1"), (b"x-a", b"1\0")])
async def test_headers_that_cannot_be_sent(rig: Rig, header: tuple[bytes, bytes]) -> None:
    origin, transport = await rig.origin(), rig.transport()
    error = await failure_of(transport, rig.request(origin.url, headers=(header,)))
    assert error.failure is Failure.PROTOCOL
    assert origin.exchanges == []
    assert await body_of(await transport.send(rig.request(origin.url))) == b"ok 0"


@pytest.mark.proxied_only
async def test_proxy(rig: Rig) -> None:
    origin, transport, proxy = await rig.origin(), rig.transport(), await rig.enter(ForwardProxy("user:pa ss"))
    url = proxy.url.replace("pa ss", "pa%20ss")
    request = rig.request(origin.url, b"/through?x=1", b"POST", body=b"{}", proxy=url)
    assert await body_of(await transport.send(request)) == b"ok 2"
    assert origin.exchanges[0].path == "/through?x=1"
    assert origin.exchanges[0].header(b"proxy-authorization") is None
    if rig.lane.tls:
        assert proxy.request_lines == [f"CONNECT 127.0.0.1:{origin.port} HTTP/1.1"]
    else:
        assert proxy.request_lines == [f"POST http://127.0.0.1:{origin.port}/through?x=1 HTTP/1.1"]


@pytest.mark.tls_only
async def test_proxy_says_no(rig: Rig) -> None:
    origin, transport, proxy = await rig.origin(), rig.transport(), await rig.enter(ForwardProxy("user:secret"))
    error = await failure_of(transport, rig.request(origin.url, proxy=f"http://127.0.0.1:{proxy.port}"))
    assert (error.failure, error.sent) == (Failure.CONNECT, False)
    assert "secret" not in str(error)


async def test_closing_the_transport_ends_what_runs(rig: Rig) -> None:
    async def hangs(exchange: Exchange) -> None:
        if exchange.path == "/reading":
            await exchange.head(200)
            await exchange.data(b"some")
        await exchange.wait_gone()

    origin, transport = await rig.origin(), rig.transport()
    origin.default = hangs
    response = await transport.send(rig.request(origin.url, b"/reading"))
    assert await response.read() == b"some"
    sending = asyncio.ensure_future(failure_of(transport, rig.request(origin.url, b"/sending")))
    await until(lambda: len(origin.exchanges) == 2)
    await transport.aclose()
    assert (await sending).failure is Failure.CLOSED
    assert (await failure_from_read(response))[0] is Failure.CLOSED
    for exchange in origin.exchanges:
        await exchange.wait_gone()
    assert (await failure_of(transport, rig.request(origin.url))).failure is Failure.CLOSED
