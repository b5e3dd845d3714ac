"""The contract: what is sent arrives, and what comes back is given as it came."""

import asyncio
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dataplane.upstream.origin import Exchange
from tests.dataplane.upstream.rig import Rig, body_of


async def test_request_arrives_as_it_was_given(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    headers = ((b"authorization", b"Bearer secret"), (b"x-twice", b"1"), (b"x-twice", b"2"), (b"x-empty", b""))
    body = bytes(range(256)) * 20
    response = await transport.send(rig.request(origin.url, b"/v1/chat?x=%20y&z", b"POST", headers=headers, body=body))
    assert (response.status, response.http_version) == (200, rig.lane.version)
    assert await body_of(response) == b"ok 5120"
    [got] = origin.exchanges
    assert (got.method, got.path, bytes(got.body)) == ("POST", "/v1/chat?x=%20y&z", body)
    ours = [(name, value) for name, value in got.headers if name in {b"authorization", b"x-twice", b"x-empty"}]
    assert ours == list(headers)
    authority = f"127.0.0.1:{origin.port}".encode()
    assert (got.header(b"host") or got.header(b":authority")) == authority
    assert got.header(b"content-length") == b"5120"
    added = {name for name, _ in got.headers if not name.startswith(b":")} - {name for name, _ in headers}
    assert added <= {b"host", b"content-length"}


async def test_empty_post_says_so(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    assert await body_of(await transport.send(rig.request(origin.url, b"/", b"POST"))) == b"ok 0"
    assert origin.exchanges[0].header(b"content-length") == b"0"


async def test_large_request_body(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    body = random.Random(1).randbytes(3_000_000)
    response = await transport.send(rig.request(origin.url, b"/", b"POST", body=body))
    assert await body_of(response) == b"ok 3000000"
    assert bytes(origin.exchanges[0].body) == body


async def test_response_headers_keep_order_and_duplicates(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(201, [("x-b", "1"), ("x-a", "2"), ("x-b", "3"), ("x-empty", "")], b"hi")

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    response = await transport.send(rig.request(origin.url))
    assert response.status == 201
    headers = [header for header in response.headers if header[0].startswith(b"x-")]
    assert headers == [(b"x-b", b"1"), (b"x-a", b"2"), (b"x-b", b"3"), (b"x-empty", b"")]
    assert await body_of(response) == b"hi"


async def test_coded_body_is_not_decoded(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, [("content-encoding", "gzip")], b"\x1f\x8bnot really")

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    assert await body_of(await transport.send(rig.request(origin.url))) == b"\x1f\x8bnot really"


async def test_informational_responses_are_skipped(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.informational(103, [("link", "</x>; rel=preload")])
        await exchange.informational(102)
        await exchange.reply(200, [("x-final", "yes")], b"body")

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    response = await transport.send(rig.request(origin.url))
    assert response.status == 200
    assert (b"x-final", b"yes") in response.headers
    assert all(name != b"link" for name, _ in response.headers)
    assert await body_of(response) == b"body"


async def test_head_and_204_and_304_have_no_body(rig: Rig) -> None:
    async def head(exchange: Exchange) -> None:
        await exchange.head(200, length=12345)
        await exchange.end()

    async def empty(exchange: Exchange) -> None:
        await exchange.head(int(exchange.path[1:]))
        await exchange.end()

    origin, transport = await rig.origin(), rig.transport()
    origin.on("/head", head)
    origin.on("/204", empty)
    origin.on("/304", empty)
    response = await transport.send(rig.request(origin.url, b"/head", b"HEAD"))
    assert (b"content-length", b"12345") in response.headers
    assert await body_of(response) == b""
    for status in (204, 304):
        response = await transport.send(rig.request(origin.url, b"/%d" % status))
        assert response.status == status
        assert await body_of(response) == b""
    assert await body_of(await transport.send(rig.request(origin.url, b"/", b"POST", body=b"x"))) == b"ok 1"
    assert len(origin.connections) == 1, "a bodiless response must not cost the connection"


async def test_trailers_are_dropped(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.head(200)
        await exchange.data(b"abc")
        await exchange.data(b"def")
        await exchange.end([("x-checksum", "1"), ("x-other", "2")])

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    response = await transport.send(rig.request(origin.url))
    assert await body_of(response) == b"abcdef"
    assert all(name != b"x-checksum" for name, _ in response.headers)
    await body_of(await transport.send(rig.request(origin.url)))
    assert len(origin.connections) == 1


async def test_read_all_gives_up_without_losing_a_byte(rig: Rig) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.stream([b"%05d" % number * 100 for number in range(100)])

    origin, transport = await rig.origin(), rig.transport()
    origin.default = answer
    whole = b"".join(b"%05d" % number * 100 for number in range(100))
    response = await transport.send(rig.request(origin.url))
    assert await response.read_all(len(whole)) == whole
    response.close()
    response = await transport.send(rig.request(origin.url))
    assert await response.read_all(len(whole) - 1) is None
    assert await body_of(response) == whole


async def test_read_after_the_end_and_close_twice(rig: Rig) -> None:
    origin, transport = await rig.origin(), rig.transport()
    response = await transport.send(rig.request(origin.url))
    assert await response.read_all(100) == b"ok 0"
    assert await response.read() == b""
    response.close()
    response.close()
    assert transport.stats().exchanges_open == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 40_000), max_size=12), pauses=st.integers(0, 4095), seed=st.integers(0, 2**32))
async def test_bodies_are_exact_at_any_chunking(rig: Rig, sizes: list[int], pauses: int, seed: int) -> None:
    chunks = [random.Random(seed + number).randbytes(size) for number, size in enumerate(sizes)]
    whole = b"".join(chunks)

    async def answer(exchange: Exchange) -> None:
        await exchange.body_done.wait()
        assert bytes(exchange.body) == whole
        await exchange.head(200)
        for number, chunk in enumerate(chunks):
            await exchange.data(chunk)
            if pauses >> number & 1:
                await asyncio.sleep(0)
        await exchange.end()

    fresh = Rig(rig.lane, rig.certificates)
    origin, transport = await fresh.origin(), fresh.transport()
    origin.default = answer
    assert await body_of(await transport.send(fresh.request(origin.url, b"/", b"POST", body=whole))) == whole
    await fresh.finish()
