"""What a contract test holds: one lane (transport, HTTP version, TLS or not) and the means to build origins for it."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple

from fastgw.dataplane.upstream.httpx_transport import HttpxTransport
from fastgw.dataplane.upstream.transport import Failure, Request, Response, Transport, TransportError
from fastgw.dataplane.upstream.wire import WireBounds, WireTransport
from fastgw.settings.values import ProviderTls
from tests.dataplane.upstream.origin import PATIENCE_S, Certificates, Origin, until


class Lane(NamedTuple):
    """One row of the contract's matrix."""

    transport: str
    version: str
    tls: bool

    def __str__(self) -> str:
        return f"{self.transport}-{self.version}-{'tls' if self.tls else 'plain'}"


LANES = [Lane(kind, version, tls) for kind in ("wire", "httpx") for version in ("1.1", "2") for tls in (False, True)]
HTTP1 = [lane for lane in LANES if lane.version == "1.1"]
HTTP2 = [lane for lane in LANES if lane.version == "2"]

KNOWN_GAPS: dict[tuple[str, str, str], str] = {
    ("httpx", "2", "test_slow_reader_is_not_felt_by_other_streams"): (
        "httpcore gives every stream a window as large as the connection's: one that nobody reads starves the others"
    ),
    ("httpx", "2", "test_goaway_lets_accepted_streams_finish"): (
        "httpcore fails every running exchange of a connection when a GOAWAY arrives"
    ),
    ("httpx", "2", "test_wrong_length_ends_only_its_own_stream"): (
        "h2 takes a body that does not fit its content-length as an error of the connection"
    ),
    ("httpx", "2", "test_silent_peer_is_asked_for_a_sign_of_life"): "httpcore sends no PING",
    ("httpx", "2", "test_settings_may_change_in_mid_flight"): "httpcore does not expect a window below zero",
    ("httpx", "2", "test_idle_connection_answers_ping"): "httpcore reads a connection only while an exchange waits",
}
"""By transport, HTTP version and test: why the line of the contract cannot be kept; each is asserted to be a gap."""


class Rig:
    """Origins and transports of one test; `finish` proves that nothing is left open."""

    def __init__(self, lane: Lane, certificates: Certificates, patience_s: float = PATIENCE_S) -> None:
        self.lane = lane
        self.patience_s = patience_s
        """How long to wait for what a known gap may keep from coming."""
        self.certificates = certificates
        self._stack = AsyncExitStack()
        self._transports: list[Transport] = []

    async def origin(self, **settings: Any) -> Origin:
        """An origin of the lane's kind."""
        if self.lane.tls:
            settings.setdefault("certificates", self.certificates)
        return await self._stack.enter_async_context(Origin(**settings))

    async def enter(self, server: Any) -> Any:
        """Start some other server and stop it with the test."""
        return await self._stack.enter_async_context(server)

    def transport(self, **settings: Any) -> Transport:
        """A transport that trusts the test's authority under the name `test`."""
        bounds = WireBounds(**settings)
        client = ProviderTls(
            ca_file=self.certificates.ca_file,
            client_cert=self.certificates.client_cert,
            client_key=self.certificates.client_key,
        )
        tls = {"test": ProviderTls(ca_file=self.certificates.ca_file), "client": client, "system": ProviderTls()}
        made: Transport = (WireTransport if self.lane.transport == "wire" else HttpxTransport)(tls, bounds=bounds)
        self._transports.append(made)
        return made

    def request(self, url: str, target: bytes = b"/", method: bytes = b"GET", **fields: Any) -> Request:
        """A request in the lane's HTTP version."""
        fields.setdefault("headers", ())
        fields.setdefault("body", b"")
        fields.setdefault("tls", "test")
        fields.setdefault("timeout_connect_ms", 20_000)
        fields.setdefault("http_version", self.lane.version)
        return Request(method=method, origin=url, target=target, **fields)

    async def finish(self) -> None:
        """No exchange may be open any more; then everything is closed, and no connection may be left."""
        for transport in self._transports:
            await until(partial(_nothing_open, transport), "exchanges left open")
            await asyncio.wait_for(transport.aclose(), 10)
            stats = transport.stats()
            assert (stats.connections_open, stats.exchanges_open, stats.connecting) == (0, 0, 0)
        await self._stack.aclose()


def _nothing_open(transport: Transport) -> bool:
    return transport.stats().exchanges_open == 0


async def body_of(response: Response) -> bytes:
    """The whole body, piece by piece."""
    pieces = []
    while piece := await response.read():
        pieces.append(piece)
    response.close()
    return b"".join(pieces)


async def failure_of(transport: Transport, request: Request) -> TransportError:
    """The error that `request` ends with, in its head or its body."""
    try:
        response = await transport.send(request)
        await body_of(response)
    except TransportError as error:
        return error
    raise AssertionError("the request went through")


__all__ = ["HTTP1", "HTTP2", "KNOWN_GAPS", "LANES", "Failure", "Lane", "Rig", "body_of", "failure_of"]
