"""The internet of one test, over real sockets."""

import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from fastgw.dataplane.upstream.fetch import FetchBounds, Fetcher
from fastgw.dataplane.upstream.wire.names import AddressInfo
from fastgw.errors import ErrorKind, GatewayError
from fastgw.settings.values import ProviderTls
from tests.dataplane.upstream.origin import Certificates, Exchange, Origin, RawServer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
PDF = b"%PDF-1.7\n" + b"x" * 100


class World:
    """The internet of one test: every name below `.test` leads to 127.0.0.1, unless `answers` says otherwise."""

    def __init__(self, stack: AsyncExitStack, certificates: Certificates) -> None:
        self._stack = stack
        self.certificates = certificates
        self.asked: list[str] = []
        self.answers: dict[str, list[str]] = {}
        """Addresses by name, one for each question; the last one stays."""

    def look_up(self, host: str, port: int) -> list[AddressInfo]:
        self.asked.append(host)
        answers = self.answers.get(host, ["127.0.0.1"] if host.endswith(".test") else [])
        if not answers:
            return [info for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]  # type: ignore[misc]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async def origin(self, *, tls: bool = False) -> Origin:
        return await self._stack.enter_async_context(Origin(certificates=self.certificates if tls else None))

    async def raw(self, script: Callable[..., Any]) -> RawServer:
        return await self._stack.enter_async_context(RawServer(script))

    def fetcher(self, *allow: str, **bounds: int) -> Fetcher:
        made = Fetcher(
            frozenset(allow),
            bounds=FetchBounds(**bounds),
            tls=ProviderTls(ca_file=self.certificates.ca_file),
            lookup=self.look_up,
        )
        self._stack.push_async_callback(made.aclose)
        return made


def serves(body: bytes, *headers: tuple[str, str], status: int = 200) -> Callable[[Exchange], Any]:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(status, headers, body)

    return handler


async def refusal(fetcher: Fetcher, *urls: str, kind: ErrorKind = ErrorKind.BAD_REQUEST) -> str:
    with pytest.raises(GatewayError) as raised:
        await fetcher.fetch_all(urls)
    assert raised.value.kind is kind, raised.value.message
    assert "127.0.0.1" not in raised.value.message or "127.0.0.1" in urls[0]
    return raised.value.message
