"""The portable way to providers: httpx, for platforms or networks on which `wire` does not work.

Correct rather than fast: about ten times the CPU of `wire` per request. It keeps the contract of `transport`, but for
what its engine, httpcore, makes impossible. Over HTTP/2 (`auto` takes HTTP/1.1 for that reason; `2` asks for it):

- A slow reader holds back its stream only after 16 MB and a bit, the window that httpcore gives each stream, and unread
  bytes of one stream pile up, up to that window, while others of the connection are read.
- Bytes that arrive for a cancelled stream are never credited back to the connection.
- A GOAWAY fails every running exchange of the connection, also those that the provider would have finished.
- There is no PING as a sign of life; a dead provider shows by the deadlines.
- An error in one response (a length that does not fit) ends the whole connection.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import httpcore
import httpx

from fastgw.dataplane.upstream.httpx_failures import FOREIGN, disconnected, mapped, refused_stream
from fastgw.dataplane.upstream.httpx_network import Trail, WatchedBackend, trail_of_call
from fastgw.dataplane.upstream.httpx_response import HttpxResponse
from fastgw.dataplane.upstream.transport import Failure, Request, Stats, TransportError, Unsent
from fastgw.dataplane.upstream.wire.connection import WireBounds
from fastgw.dataplane.upstream.wire.dial import AddressFilter, every_address
from fastgw.dataplane.upstream.wire.trust import Trust
from fastgw.observe.tasks import spawn
from fastgw.settings.values import ProviderTls

_SWEEP_S = 0.2
_BODILESS = (b"GET", b"HEAD", b"DELETE", b"OPTIONS")
_UNFIT = re.compile(rb"[\r\n\0]")
_Key = tuple[str, str, str, str, bool]


class _Carrier(httpx.AsyncHTTPTransport):
    """httpx's transport on sockets that we can reach; one per origin, proxy, TLS settings and HTTP version."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        # Not calling the parent's constructor is the point: it would build a pool on sockets of its own.
        self._pool = pool
        self.open = 0
        """Exchanges that use it."""


class HttpxTransport:
    """Implements `upstream.transport.Transport`; to be used by the tasks of one event loop."""

    def __init__(
        self,
        tls: Mapping[str, ProviderTls] | None = None,
        *,
        bounds: WireBounds | None = None,
        resolve: AddressFilter = every_address,
    ) -> None:
        """As `wire.carrier.WireTransport`."""
        self._bounds = bounds or WireBounds()
        self._trust = Trust(tls or {})
        self._backend = WatchedBackend(None if resolve is every_address else resolve)
        self._carriers: dict[_Key, _Carrier] = {}
        self._sending: set[asyncio.Task[Any]] = set()
        self._responses: set[HttpxResponse] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(self, request: Request) -> HttpxResponse:
        """Send, and wait for the head of the response. Raises `TransportError`."""
        if self._closed:
            raise TransportError(Failure.CLOSED, "the transport is closed", sent=False)
        task = asyncio.current_task()
        assert task is not None
        self._sending.add(task)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)
        trail = Trail()
        try:
            try:
                return await self._attempt(request, trail, fresh=False)
            except TransportError as error:
                cause = error.__cause__
                stale = request.resend and not trail.connected and cause is not None and disconnected(cause)
                if self._closed or cause is None or not (stale or refused_stream(cause)):
                    raise
            trail = Trail()
            return await self._attempt(request, trail, fresh=True)
        except asyncio.CancelledError:
            if trail.sending:
                raise
            raise Unsent from None
        finally:
            self._sending.discard(task)

    def stats(self) -> Stats:
        """What is open right now."""
        known = [one for carrier in self._carriers.values() for one in carrier._pool.connections]
        alive = [one for one in known if not one.is_closed()]
        connecting = sum("CONNECTING" in one.info() for one in alive)
        return Stats(
            connections_open=len(alive) - connecting,
            connections_idle=sum(one.is_idle() for one in alive),
            exchanges_open=len(self._sending) + len(self._responses),
            connecting=connecting,
        )

    async def aclose(self) -> None:
        """End all connections and running exchanges."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for response in list(self._responses):
            response.close()
        for task in list(self._sending):
            task.cancel()
        await asyncio.sleep(0)
        for carrier in list(self._carriers.values()):
            await carrier.aclose()
        self._carriers.clear()

    async def _attempt(self, request: Request, trail: Trail, *, fresh: bool) -> HttpxResponse:
        carrier = await self._carrier(request, fresh=fresh)
        carrier.open += 1
        kept = False
        token = trail_of_call.set(trail)
        try:
            async with asyncio.timeout(request.timeout_connect_ms / 1000) as deadline:
                response = await carrier.handle_async_request(_httpx_request(request, trail, deadline))
            answer = HttpxResponse(request, response, trail, lambda: self._done(carrier, answer))
            kept = True
        except TimeoutError as error:
            failure = Failure.TIMEOUT_FIRST_BYTE if trail.sending else Failure.TIMEOUT_CONNECT
            self._give_up(trail)
            raise TransportError(failure, f"{request.origin} did not answer in time", sent=trail.sending) from error
        except FOREIGN as error:
            raise mapped(error, sent=trail.sending) from error
        except asyncio.CancelledError:
            self._give_up(trail)
            if self._closed:
                raise TransportError(Failure.CLOSED, "the transport was closed", sent=trail.sending) from None
            raise
        finally:
            trail_of_call.reset(token)
            carrier.open -= not kept
        self._responses.add(answer)
        self._check_head(answer)
        return answer

    def _check_head(self, answer: HttpxResponse) -> None:
        size = sum(len(name) + len(value) for name, value in answer.headers)
        if len(answer.headers) > self._bounds.header_count_max or size > self._bounds.header_bytes_max:
            answer.close()
            raise TransportError(Failure.PROTOCOL, f"a head of {len(answer.headers)} headers, {size} bytes", sent=True)

    def _done(self, carrier: _Carrier, response: HttpxResponse) -> None:
        carrier.open -= 1
        self._responses.discard(response)

    def _give_up(self, trail: Trail) -> None:
        if trail.resettable:
            spawn(trail.reset(), name="reset an HTTP/2 stream")

    async def _carrier(self, request: Request, *, fresh: bool) -> _Carrier:
        version = "2" if request.http_version == "2" else "1.1"
        key = (request.origin, request.tls, request.proxy, version, fresh)
        carrier = self._carriers.get(key)
        if carrier is None:
            carrier = await self._make(request, version, fresh=fresh)
            carrier = self._carriers.setdefault(key, carrier)
        bounds = self._bounds
        places = bounds.http1_connections_per_origin_max
        if version == "2":
            places = bounds.http2_connections_per_origin_max * bounds.http2_streams_per_connection_max
        if carrier.open >= places + bounds.waiters_per_origin_max:
            raise TransportError(Failure.POOL_FULL, f"too many calls wait for {request.origin}", sent=False)
        return carrier

    async def _make(self, request: Request, version: str, *, fresh: bool) -> _Carrier:
        bounds = self._bounds
        if len(self._carriers) >= bounds.origins_max:
            raise TransportError(Failure.POOL_FULL, "too many origins are in use at once", sent=False)
        secure = request.origin.startswith("https:")
        try:
            context = await self._trust.context(request.tls, ("h2", "http/1.1") if version == "2" else ("http/1.1",))
        except (OSError, KeyError) as error:
            raise TransportError(Failure.TLS, f"TLS settings {request.tls!r}: {error}", sent=False) from error
        settings: dict[str, Any] = {
            "ssl_context": context,
            "max_connections": bounds.http1_connections_per_origin_max,
            # The second attempt of a request must not meet another stale connection: it always opens one.
            "max_keepalive_connections": 0 if fresh else bounds.http1_connections_per_origin_max,
            "keepalive_expiry": bounds.idle_ms / 1000,
            "http1": version == "1.1" or secure,
            "http2": version == "2",
            "network_backend": self._backend,
        }
        if not request.proxy:
            return _Carrier(httpcore.AsyncConnectionPool(**settings))
        try:
            proxy = httpx.Proxy(request.proxy)
        except (ValueError, httpx.InvalidURL) as error:
            raise TransportError(Failure.CONNECT, f"cannot use the proxy: {error}", sent=False) from error
        url = httpcore.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=b"/")
        return _Carrier(httpcore.AsyncHTTPProxy(proxy_url=url, proxy_auth=proxy.raw_auth, **settings))

    def _sweep(self) -> None:
        """The engine drops what has been idle too long only when it is used again; this does it in time."""
        self._sweeper = None
        alive = False
        for carrier in self._carriers.values():
            for connection in carrier._pool.connections:
                if connection.is_closed():
                    continue
                alive = True
                if connection.is_idle() and connection.has_expired():
                    spawn(connection.aclose(), name="close an idle connection")
        if alive or self._sending:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)


def _httpx_request(request: Request, trail: Trail, deadline: asyncio.Timeout) -> httpx.Request:
    """The request in httpx's form; as it passes the engine, it marks the trail and moves the deadline on."""
    loop = asyncio.get_running_loop()

    async def passed(event: str, details: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            trail.connected = True
        elif event.endswith(("send_request_headers.started", "send_request_body.complete")):
            trail.sending = True
            trail.stream_id = details.get("stream_id", trail.stream_id) if event.startswith("http2") else 0
            deadline.reschedule(loop.time() + request.timeout_first_byte_ms / 1000)

    headers = list(request.headers)
    if any(_UNFIT.search(name) or _UNFIT.search(value) for name, value in headers):
        raise TransportError(Failure.PROTOCOL, "a request header has a line break or a zero byte", sent=False)
    if not request.body and request.method not in _BODILESS:
        headers.append((b"content-length", b"0"))
    # Not by the extension `target`: the engine would use it for a proxy's CONNECT too.
    url = httpx.URL(request.origin).copy_with(raw_path=request.target)
    body = request.body or None
    return httpx.Request(request.method.decode(), url, headers=headers, content=body, extensions={"trace": passed})
