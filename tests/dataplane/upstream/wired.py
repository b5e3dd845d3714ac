"""What the tests of the wire transport share: a transport that must end with nothing left, and a call in one line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastgw.dataplane.upstream.transport import Request, Stats
from fastgw.dataplane.upstream.wire import WireBounds, WireTransport
from fastgw.settings.values import ProviderTls
from tests.dataplane.upstream.origin import Exchange, RawServer


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
