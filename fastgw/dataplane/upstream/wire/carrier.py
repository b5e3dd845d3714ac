"""The transport itself: pools by origin, one retry, and the sweeper that keeps every deadline."""

import asyncio
from collections.abc import Mapping

from fastgw.clock import monotonic_ns
from fastgw.dataplane.upstream.transport import Failure, Request, Stats, TransportError, Unsent
from fastgw.dataplane.upstream.wire.connection import WireBounds
from fastgw.dataplane.upstream.wire.dial import AddressFilter, Dialer, every_address, origin_of
from fastgw.dataplane.upstream.wire.exchange import Again, Exchange
from fastgw.dataplane.upstream.wire.names import Lookup, Names, look_up
from fastgw.dataplane.upstream.wire.pool import Pool
from fastgw.dataplane.upstream.wire.trust import Trust
from fastgw.settings.values import ProviderTls

_SWEEP_S = 0.2
"""How late a deadline may be noticed, in seconds."""


class WireTransport:
    """Implements `upstream.transport.Transport`; to be used by the tasks of one event loop."""

    def __init__(
        self,
        tls: Mapping[str, ProviderTls] | None = None,
        *,
        bounds: WireBounds | None = None,
        resolve: AddressFilter = every_address,
        lookup: Lookup = look_up,
    ) -> None:
        """`tls` by the names that `Request.tls` uses; `resolve` may refuse addresses just before connecting."""
        self._bounds = bounds or WireBounds()
        self._names = Names(self._bounds, lookup=lookup)
        self._dialer = Dialer(Trust(tls or {}), self._names, resolve, self._bounds)
        self._pools: dict[tuple[str, str, str], Pool] = {}
        self._exchanges: set[Exchange] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(self, request: Request) -> Exchange:
        """Send, and wait for the head of the response. Raises `TransportError`."""
        pool = self._pools.get((request.origin, request.tls, request.proxy)) or self._pool(request)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)
        exchange = pool.begin(request)
        if exchange is None:
            try:
                exchange = await pool.begin_later(request, fresh=False)
            except asyncio.CancelledError:
                raise Unsent from None
        try:
            await exchange.head_of_response()
        except TransportError:
            again = exchange.again
            if again is Again.NO or (again is Again.IF_RESEND and not request.resend) or self._closed:
                raise
        else:
            return exchange
        exchange = await pool.begin_later(request, fresh=True)
        await exchange.head_of_response()
        return exchange

    def stats(self) -> Stats:
        """What is open right now."""
        pools = self._pools.values()
        return Stats(
            connections_open=sum(len(pool.connections) for pool in pools),
            connections_idle=sum(pool.count_idle() for pool in pools),
            exchanges_open=len(self._exchanges),
            connecting=sum(pool.connecting for pool in pools),
        )

    async def aclose(self) -> None:
        """End all connections and running exchanges."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        await asyncio.gather(*[pool.aclose() for pool in self._pools.values()])
        self._names.close()

    def _pool(self, request: Request) -> Pool:
        if self._closed:
            raise TransportError(Failure.CLOSED, "the transport is closed", sent=False)
        if len(self._pools) >= self._bounds.origins_max:
            unused = next((key for key, pool in self._pools.items() if pool.unused), None)
            if unused is None:
                raise TransportError(Failure.POOL_FULL, "too many origins are in use at once", sent=False)
            del self._pools[unused]
        origin = origin_of(request.origin, request.proxy)
        pool = Pool(origin, request.tls, request.proxy, self._bounds, self._dialer, self._exchanges)
        self._pools[request.origin, request.tls, request.proxy] = pool
        return pool

    def _sweep(self) -> None:
        now_ns = monotonic_ns()
        for exchange in [one for one in self._exchanges if 0 < one.deadline_ns < now_ns]:
            exchange.expire()
        for pool in self._pools.values():
            pool.sweep(now_ns)
        self._sweeper = None
        if any(not pool.unused for pool in self._pools.values()):
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)
