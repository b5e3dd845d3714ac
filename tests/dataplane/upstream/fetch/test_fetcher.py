"""Fetching over real sockets: what is brought back, and the bounds in bytes, time and number."""

import asyncio
import base64
import gzip
import tracemalloc

import pytest

from fastgw.errors import ErrorKind
from fastgw.protocols.hub.conversation import Source
from tests.dataplane.upstream.fetch.world import PDF, PNG, World, refusal, serves
from tests.dataplane.upstream.origin import Exchange, Http1Exchange, until


async def test_pictures_and_documents_come_back_as_base64_with_the_type_of_their_bytes(world: World) -> None:
    server = await world.origin()
    server.on("/a.png", serves(PNG, ("content-type", "text/html")))
    server.on("/b", serves(PDF))
    a, b = f"http://media.test:{server.port}/a.png?size=1#top", f"http://media.test:{server.port}/b"
    got = await world.fetcher(f"media.test:{server.port}").fetch_all((a, b, a))
    assert got == {
        a: Source(media_type="image/png", data=base64.b64encode(PNG).decode()),
        b: Source(media_type="application/pdf", data=base64.b64encode(PDF).decode()),
    }
    assert sorted(exchange.path for exchange in server.exchanges) == ["/a.png?size=1", "/b"]
    seen = dict(server.exchanges[0].headers)
    assert seen[b"host"] == b"media.test:%d" % server.port
    assert seen.keys() <= {b"host", b"accept", b"accept-encoding", b"user-agent"}


async def test_a_large_picture_arrives_whole(world: World) -> None:
    server = await world.origin()
    large = PNG + bytes(3_000_000)
    server.on("/", serves(large))
    url = f"http://media.test:{server.port}/"
    got = await world.fetcher(f"media.test:{server.port}").fetch_all([url])
    assert base64.b64decode(got[url].data) == large


@pytest.mark.parametrize("status", [204, 304, 403, 404, 500])
async def test_any_other_status_is_told(world: World, status: int) -> None:
    server = await world.origin()
    server.default = serves(b"", status=status)
    message = await refusal(world.fetcher(f"media.test:{server.port}"), f"http://media.test:{server.port}/")
    assert f"status {status}" in message


@pytest.mark.parametrize("body", [b"", b"<html>", b"root:x:0:0:root:/root:/bin/bash\n" * 20, b"\x00" * 500, b"ID3\x04"])
async def test_what_is_neither_picture_nor_document_is_not_passed_on(world: World, body: bytes) -> None:
    server = await world.origin()
    server.default = serves(body, ("content-type", "image/png"))
    message = await refusal(world.fetcher(f"media.test:{server.port}"), f"http://media.test:{server.port}/")
    assert "neither an image nor a PDF" in message


async def test_of_a_wrong_type_only_the_beginning_is_read(world: World) -> None:
    server = await world.origin()

    async def endless(exchange: Exchange) -> None:
        await exchange.head()
        while True:
            await exchange.data(b"<html>" * 1_000)

    server.default = endless
    message = await refusal(world.fetcher(f"media.test:{server.port}"), f"http://media.test:{server.port}/")
    assert "neither an image nor a PDF" in message
    await server.exchanges[0].wait_gone()


async def test_an_endless_body_is_left_at_the_bound(world: World) -> None:
    server = await world.origin()

    async def endless(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.data(PNG)
        while True:
            await exchange.data(bytes(50_000))

    server.default = endless
    fetcher = world.fetcher(f"media.test:{server.port}", bytes_each_max=1024 * 1024)
    assert "larger than 1 MB" in await refusal(fetcher, f"http://media.test:{server.port}/")
    await server.exchanges[0].wait_gone()


async def test_a_call_has_a_bound_for_all_it_names(world: World) -> None:
    server = await world.origin()
    server.default = serves(PNG + bytes(600_000))
    fetcher = world.fetcher(f"media.test:{server.port}", bytes_per_call_max=1024 * 1024)
    urls = [f"http://media.test:{server.port}/{number}" for number in range(2)]
    assert "1 MB together" in await refusal(fetcher, *urls)
    for url in urls:
        assert await fetcher.fetch_all([url])


async def test_a_worker_has_a_bound_for_all_that_is_half_fetched(world: World) -> None:
    server = await world.origin()
    go = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.data(PNG + bytes(700_000))
        await go.wait()
        await exchange.end()

    server.on("/slow", slow)
    server.on("/", serves(PNG + bytes(700_000)))
    fetcher = world.fetcher(f"media.test:{server.port}", bytes_at_once_max=1024 * 1024)
    url = f"http://media.test:{server.port}/"
    first = asyncio.ensure_future(fetcher.fetch_all([url + "slow"]))
    await until(lambda: fetcher._room.held_bytes > 700_000, "the slow one holds its bytes")
    await refusal(fetcher, url, kind=ErrorKind.OVERLOADED)
    go.set()
    await first
    assert fetcher._room.held_bytes == 0
    assert await fetcher.fetch_all([url])


async def test_a_compressed_body_is_inflated_within_the_same_bound(world: World) -> None:
    server = await world.origin()
    coding = ("content-encoding", "gzip")
    server.on("/fits", serves(gzip.compress(PNG), coding))
    server.on("/bomb", serves(gzip.compress(PNG + bytes(50_000_000)), coding))
    server.on("/void", serves(gzip.compress(b"") * 60_000, coding))
    server.on("/cut", serves(gzip.compress(PNG)[:-9], coding))
    server.on("/odd", serves(PNG, ("content-encoding", "compress")))
    server.on("/not", serves(PNG, coding))
    fetcher = world.fetcher(f"media.test:{server.port}", bytes_each_max=1024 * 1024)
    url = f"http://media.test:{server.port}"
    got = await fetcher.fetch_all([f"{url}/fits"])
    assert base64.b64decode(got[f"{url}/fits"].data) == PNG
    tracemalloc.start()
    try:
        assert "larger than 1 MB" in await refusal(fetcher, f"{url}/bomb")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000, "the bomb went off before it was found"
    finally:
        tracemalloc.stop()
    assert "larger than 1 MB" in await refusal(fetcher, f"{url}/void")
    for broken in ("cut", "odd", "not"):
        assert "Content-Encoding" in await refusal(fetcher, f"{url}/{broken}")


async def test_a_server_that_takes_too_long_is_left(world: World) -> None:
    server = await world.origin()

    async def drips(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.data(PNG)
        while True:
            await exchange.data(b"x")
            await asyncio.sleep(0.01)

    async def says_nothing(exchange: Exchange) -> None:
        await exchange.gone.wait()

    server.on("/drips", drips)
    server.on("/silent", says_nothing)
    fetcher = world.fetcher(f"media.test:{server.port}", timeout_each_ms=300)
    for path in ("drips", "silent"):
        message = await refusal(fetcher, f"http://media.test:{server.port}/{path}")
        assert "in time" in message or "within 0.3 s" in message
    hasty = world.fetcher(f"media.test:{server.port}", timeout_call_ms=300)
    assert "could not all be fetched" in await refusal(hasty, f"http://media.test:{server.port}/drips")
    for exchange in server.exchanges:
        await exchange.wait_gone()


async def test_a_caller_that_gives_up_ends_the_fetching(world: World) -> None:
    server = await world.origin()

    async def says_nothing(exchange: Exchange) -> None:
        await exchange.gone.wait()

    server.default = says_nothing
    fetcher = world.fetcher(f"media.test:{server.port}")
    fetching = asyncio.ensure_future(fetcher.fetch_all([f"http://media.test:{server.port}/"]))
    await until(lambda: server.exchanges)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    await server.exchanges[0].wait_gone()


async def test_as_many_at_once_as_allowed(world: World) -> None:
    server = await world.origin()
    running, most, go = 0, 0, asyncio.Event()

    async def counted(exchange: Exchange) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go.wait()
        running -= 1
        await exchange.reply(200, (), PNG)

    server.default = counted
    urls = [f"http://media.test:{server.port}/{number}" for number in range(6)]
    patient = world.fetcher(f"media.test:{server.port}", at_once_per_call_max=2, at_once_max=3)
    first = asyncio.ensure_future(patient.fetch_all(urls))
    await until(lambda: running == 2)
    second = asyncio.ensure_future(patient.fetch_all(urls))
    await until(lambda: running == 3)
    go.set()
    assert (await first).keys() == (await second).keys() == set(urls)
    assert most == 3


async def test_who_gets_no_place_in_time_is_told_to_try_again(world: World) -> None:
    server = await world.origin()
    go = asyncio.Event()

    async def waits(exchange: Exchange) -> None:
        await go.wait()
        await exchange.reply(200, (), PNG)

    server.default = waits
    url = f"http://media.test:{server.port}/"
    fetcher = world.fetcher(f"media.test:{server.port}", at_once_max=1, wait_ms=50)
    first = asyncio.ensure_future(fetcher.fetch_all([url]))
    await until(lambda: server.exchanges)
    await refusal(fetcher, url, kind=ErrorKind.OVERLOADED)
    go.set()
    assert await first
    assert await fetcher.fetch_all([url])


async def test_too_many_urls_are_refused_before_any_is_fetched(world: World) -> None:
    server = await world.origin()
    urls = [f"http://media.test:{server.port}/{number}" for number in range(3)]
    message = await refusal(world.fetcher(f"media.test:{server.port}", urls_per_call_max=2), *urls)
    assert "at most 2" in message
    assert not server.connections


async def test_the_first_failure_ends_the_others(world: World) -> None:
    server = await world.origin()

    async def says_nothing(exchange: Exchange) -> None:
        await exchange.gone.wait()

    server.on("/silent", says_nothing)
    server.on("/gone", serves(b"", status=404))
    url = f"http://media.test:{server.port}"
    assert "404" in await refusal(world.fetcher(f"media.test:{server.port}"), f"{url}/silent", f"{url}/gone")
    silent = [exchange for exchange in server.exchanges if exchange.path == "/silent"]
    for exchange in silent:
        await exchange.wait_gone()


async def test_what_does_not_answer_in_http_is_told(world: World) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail ESMTP\r\n")
        await reader.read(-1)

    server = await world.raw(nonsense)
    fetcher = world.fetcher(f"media.test:{server.port}")
    message = await refusal(fetcher, f"http://media.test:{server.port}/")
    assert "HTTP" in message
    assert "ESMTP" not in message

    async def cut(exchange: Exchange) -> None:
        assert isinstance(exchange, Http1Exchange)
        await exchange.head(200, (), length=5_000)
        await exchange.raw(PNG)
        exchange.connection.close()

    origin = await world.origin()
    origin.default = cut
    message = await refusal(world.fetcher(f"media.test:{origin.port}"), f"http://media.test:{origin.port}/")
    assert "broke off" in message
