"""Opening a connection: names, addresses, proxy, TLS, and the HTTP version that comes of it."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import cast
from urllib.parse import SplitResult, urlsplit

import aiohappyeyeballs

from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.dataplane.upstream.wire.choice import Lane
from fastgw.dataplane.upstream.wire.connection import Connection, ConnectionFactory, Origin, Owner, WireBounds
from fastgw.dataplane.upstream.wire.h2 import Http2Connection
from fastgw.dataplane.upstream.wire.http1 import Http11Connection
from fastgw.dataplane.upstream.wire.names import AddressInfo, Names
from fastgw.dataplane.upstream.wire.proxy import open_tunnel, split_proxy
from fastgw.dataplane.upstream.wire.trust import Trust

AddressFilter = Callable[[str, list[AddressInfo]], list[AddressInfo]]
"""Given a name and its addresses just before connecting, those that may be connected to."""
_HAPPY_EYEBALLS_DELAY_S = 0.25
"""RFC 8305 section 5."""
_KEEPALIVE_S = 60
"""Silence before the kernel probes a peer: shorter than the idle limits of the NATs between."""
_GOODBYE_S = 1.0
"""How long a closed TLS connection waits for the peer's close_notify before the socket goes."""
FACTORIES: dict[str, ConnectionFactory] = {"http/1.1": Http11Connection, "h2": Http2Connection}
"""By ALPN protocol name."""


def every_address(host: str, found: list[AddressInfo]) -> list[AddressInfo]:
    """The default filter: all of them."""
    return found


def origin_of(url: str, proxy: str) -> Origin:
    """What connections to `url`, through `proxy` if that is not empty, need to know. Raises `TransportError`."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        authority = _authority(parts)
    except ValueError as error:
        raise TransportError(Failure.CONNECT, f"not an origin: {url}", sent=False) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TransportError(Failure.CONNECT, f"not an origin: {url}", sent=False)
    lines, prefix = b"host: %b\r\n" % authority, b""
    if proxy and parts.scheme == "http":
        lines += split_proxy(proxy)[2]
        prefix = b"http://" + authority
    return Origin(parts.scheme, parts.hostname, port, authority, lines, prefix)


def _authority(parts: SplitResult) -> bytes:
    host = parts.hostname or ""
    name = f"[{host}]".encode() if ":" in host else host.encode("idna")
    default = 443 if parts.scheme == "https" else 80
    return name if parts.port in (None, default) else b"%b:%d" % (name, parts.port)


class Dialer:
    """Opens connections for all pools of a transport."""

    def __init__(self, trust: Trust, names: Names, addresses: AddressFilter, bounds: WireBounds) -> None:
        self._bounds = bounds
        self._trust = trust
        self._names = names
        self._addresses = addresses

    async def dial(self, owner: Owner, lane: Lane, tls: str, proxy: str, timeout_ms: int) -> Connection:
        """A connection that can take an exchange; its `http_version` may be 1.1 though `lane` is HTTP2.

        Raises `TransportError` with `sent=False`.
        """
        where = owner.origin.authority.decode()
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await self._open(owner, lane, tls, proxy)
        except TimeoutError as error:
            detail = f"no connection to {where} within {timeout_ms} ms"
            raise TransportError(Failure.TIMEOUT_CONNECT, detail, sent=False) from error
        except (ssl.SSLError, ssl.CertificateError, KeyError) as error:
            raise TransportError(Failure.TLS, f"TLS to {where}: {error}", sent=False) from error
        except OSError as error:
            raise TransportError(Failure.CONNECT, f"cannot connect to {where}: {error}", sent=False) from error

    async def _open(self, owner: Owner, lane: Lane, tls: str, proxy: str) -> Connection:
        origin, loop = owner.origin, asyncio.get_running_loop()
        secure = origin.scheme == "https"
        context: ssl.SSLContext | None = None
        if secure:
            alpn = ("h2", "http/1.1") if lane is Lane.HTTP2 else ("http/1.1",)
            context = await self._trust.context(tls, alpn)
        if proxy:
            host, port, authorization = split_proxy(proxy)
            sock = await self._connect(host, port)
            if secure:
                await open_tunnel(sock, origin, authorization)
        else:
            sock = await self._connect(origin.host, origin.port)
        chooser = _Chooser(owner, "" if secure else ("h2" if lane is Lane.HTTP2 else "http/1.1"))
        name = origin.host if secure else None
        try:
            await loop.create_connection(
                lambda: chooser,
                sock=sock,
                ssl=context,
                server_hostname=name,
                ssl_shutdown_timeout=_GOODBYE_S if secure else None,
            )
        except ssl.SSLError:
            raise
        except OSError as error:
            if not secure:
                raise
            raise TransportError(Failure.TLS, f"TLS handshake with {origin.host}: {error}", sent=False) from error
        finally:
            if chooser.connection is None:
                sock.close()
        assert chooser.connection is not None
        return chooser.connection

    async def _connect(self, host: str, port: int) -> socket.socket:
        found = self._addresses(host, await self._names.addresses(host, port))
        if not found:
            raise OSError(f"no permitted address for {host}")
        try:
            sock = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY_S)
        except OSError:
            self._names.forget(host, port)
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._bounds.socket_receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._bounds.socket_receive_bytes)
        idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE", None)
        if idle is not None:
            sock.setsockopt(socket.IPPROTO_TCP, idle, _KEEPALIVE_S)
        return sock


class _Chooser(asyncio.Protocol):
    """Makes the connection once the HTTP version is known, before a byte of the peer is delivered."""

    def __init__(self, owner: Owner, version: str) -> None:
        self._owner = owner
        self._version = version
        self.connection: Connection | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        version = self._version
        if not version:
            version = transport.get_extra_info("ssl_object").selected_alpn_protocol() or "http/1.1"
        self.connection = FACTORIES[version](self._owner)
        transport.set_protocol(cast(asyncio.BaseProtocol, self.connection))
        self.connection.connection_made(transport)
