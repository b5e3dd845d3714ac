"""The connections to one origin: which of them takes a request, when a new one is opened, and who waits.

A request takes an idle connection without waiting. Otherwise it waits in its lane (`choice.Lane`) and the pool opens as
many connections as the waiters need; a waiter takes whichever connection is free first, an old or a new one. A failed
attempt fails the waiters that it was to serve. A request that is sent a second time waits for a connection that has
carried nothing yet (HTTP/1.1), because any kept-alive one may be just as stale as the first.
"""

import asyncio
from typing import Protocol

from fastgw.dataplane.upstream.transport import Failure, Request, TransportError
from fastgw.dataplane.upstream.wire.choice import Lane, lane_of
from fastgw.dataplane.upstream.wire.connection import Connection, Origin, WireBounds
from fastgw.dataplane.upstream.wire.exchange import Exchange
from fastgw.dataplane.upstream.wire.waiting import Queue, Waiter, fail
from fastgw.observe.tasks import spawn


class Opener(Protocol):
    """Opens connections; `dial.Dialer`."""

    async def dial(self, owner: "Pool", lane: Lane, tls: str, proxy: str, timeout_ms: int) -> Connection:
        """A connection that can take an exchange. Raises `TransportError` with `sent=False`."""


class Pool:
    """Implements `connection.Owner`."""

    def __init__(
        self, origin: Origin, tls: str, proxy: str, bounds: WireBounds, dialer: Opener, exchanges: set[Exchange]
    ) -> None:
        self.origin = origin
        self.bounds = bounds
        self.exchanges = exchanges
        self.connections: set[Connection] = set()
        """All that are open, idle or not."""
        self._tls = tls
        self._proxy = proxy
        self._dialer = dialer
        self._idle: list[Connection] = []
        """HTTP/1.1 without an exchange, the longest idle first."""
        self._shared: list[Connection] = []
        """HTTP/2."""
        self._queues = {Lane.HTTP1: Queue(1), Lane.HTTP2: Queue(bounds.http2_streams_per_connection_max)}
        self._offers_http2: bool | None = None
        self._closed = False
        self._all_closed = asyncio.Event()

    @property
    def connecting(self) -> int:
        """Attempts under way."""
        return sum(len(queue.attempts) for queue in self._queues.values())

    @property
    def unused(self) -> bool:
        """Nothing is open, being opened or waiting."""
        return not self.connections and not any(queue.attempts or queue.waiting for queue in self._queues.values())

    def begin(self, request: Request) -> Exchange | None:
        """Start `request` on a free connection, or None when it has to wait. Raises as `Connection.start`."""
        connection = self._free(self._lane(request), careful=not request.resend)
        if connection is None:
            return None
        try:
            return connection.start(request)
        except TransportError:
            self._keep(connection)
            raise

    async def begin_later(self, request: Request, *, fresh: bool) -> Exchange:
        """Start `request` as soon as a connection is free; `fresh` asks for one that has carried nothing.

        Raises `TransportError` with `sent=False`: as the dialer, or POOL_FULL, or TIMEOUT_CONNECT.
        """
        if self._closed:
            raise TransportError(Failure.CLOSED, "the transport is closed", sent=False)
        if sum(len(queue.waiting) for queue in self._queues.values()) >= self.bounds.waiters_per_origin_max:
            raise TransportError(Failure.POOL_FULL, f"too many calls wait for {self._where}", sent=False)
        lane = self._lane(request)
        if fresh and lane is Lane.HTTP2 and (exchange := self.begin(request)) is not None:
            return exchange
        waiter = Waiter(request, fresh and lane is Lane.HTTP1)
        queue = self._queues[lane]
        if fresh:
            queue.waiting.appendleft(waiter)
        else:
            queue.waiting.append(waiter)
        self._open_more(lane)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            for queue in self._queues.values():
                if waiter in queue.waiting:
                    queue.waiting.remove(waiter)
            if waiter.future.done() and not waiter.future.cancelled() and waiter.future.exception() is None:
                waiter.future.result().close()
            raise

    # What the connections call.

    def freed(self, connection: Connection) -> None:
        """Give the free place to who waits, else keep it."""
        if self._closed or connection not in self.connections:
            return
        if connection.http_version == "2":
            queue = self._queues[Lane.HTTP2]
            queue.room_expected = max(1, connection.exchanges_open + connection.room())
            if queue.waiting:
                self._serve(Lane.HTTP2)
        elif connection.room():
            self._idle.append(connection)
            if self._queues[Lane.HTTP1].waiting:
                self._serve(Lane.HTTP1)

    def lost(self, connection: Connection) -> None:
        """Forget it, and open another if it leaves waiters behind."""
        self.connections.discard(connection)
        for known in (self._idle, self._shared):
            if connection in known:
                known.remove(connection)
        if self._closed:
            self._say_closed()
            return
        for lane, queue in self._queues.items():
            if queue.waiting:
                self._open_more(lane)

    # What the sweeper calls.

    def sweep(self, now_ns: int) -> None:
        """Close what has been idle too long, and end waits that took too long."""
        idle_before_ns = now_ns - self.bounds.idle_ms * 1_000_000
        for connection in [*self._idle, *self._shared]:
            connection.sweep(now_ns)
            if 0 < connection.idle_since_ns < idle_before_ns:
                connection.close()
        for queue in self._queues.values():
            for waiter in [waiter for waiter in queue.waiting if waiter.deadline_ns < now_ns]:
                full = not queue.attempts
                failure = Failure.POOL_FULL if full else Failure.TIMEOUT_CONNECT
                why = "became free" if full else "could be opened"
                detail = f"no connection to {self._where} {why} within {waiter.request.timeout_connect_ms} ms"
                queue.waiting.remove(waiter)
                fail(waiter, TransportError(failure, detail, sent=False))

    async def aclose(self) -> None:
        """End every connection, attempt and wait."""
        self._closed = True
        for queue in self._queues.values():
            for attempt in queue.attempts:
                attempt.cancel()
            while queue.waiting:
                fail(queue.waiting.popleft(), TransportError(Failure.CLOSED, "the transport was closed", sent=False))
        for connection in list(self.connections):
            connection.close()
        self._say_closed()
        await self._all_closed.wait()

    def count_idle(self) -> int:
        """Open connections without an exchange."""
        return sum(1 for connection in self.connections if not connection.exchanges_open)

    def _say_closed(self) -> None:
        if self.unused:
            self._all_closed.set()

    @property
    def _where(self) -> str:
        return self.origin.authority.decode()

    def _lane(self, request: Request) -> Lane:
        if self.origin.http1_target_prefix:
            return Lane.HTTP1
        return lane_of(request, tls=self.origin.scheme == "https", offers_http2=self._offers_http2)

    def _free(self, lane: Lane, *, careful: bool) -> Connection | None:
        if lane is Lane.HTTP1:
            while self._idle:
                connection = self._idle.pop()
                if careful and connection.room() and not connection.silent():
                    connection.close()
                if connection.room():
                    return connection
            return None
        for connection in self._shared:
            if connection.room():
                return connection
        return None

    def _serve(self, lane: Lane) -> None:
        """Start waiting requests while connections are free, then see whether more are needed."""
        queue = self._queues[lane]
        passed_over: list[Waiter] = []
        while queue.waiting:
            waiter = queue.waiting.popleft()
            if waiter.future.done():
                continue
            if waiter.fresh:
                passed_over.append(waiter)
                continue
            connection = self._free(lane, careful=not waiter.request.resend)
            if connection is None:
                queue.waiting.appendleft(waiter)
                break
            self._start(waiter, connection)
        queue.waiting.extendleft(reversed(passed_over))
        self._open_more(lane)

    def _keep(self, connection: Connection) -> None:
        """Put back a connection that refused a request before it wrote anything."""
        if connection.http_version == "1.1" and connection.room():
            self._idle.append(connection)

    def _start(self, waiter: Waiter, connection: Connection) -> None:
        try:
            exchange = connection.start(waiter.request)
        except TransportError as error:
            fail(waiter, error)
            self._keep(connection)
        else:
            waiter.future.set_result(exchange)

    def _open_more(self, lane: Lane) -> None:
        """Begin as many attempts as the waiters need and the bounds allow."""
        queue, bounds = self._queues[lane], self.bounds
        shared = len(self._shared)
        if lane is Lane.HTTP2:
            left = bounds.http2_connections_per_origin_max - shared
        else:
            left = bounds.http1_connections_per_origin_max - (len(self.connections) - shared)
        while queue.waiting and queue.waiting[0].future.done():
            queue.waiting.popleft()
        # A connection that has not heard its limit yet will take more than it says now.
        unsettled = sum(not connection.settled for connection in self._shared) if lane is Lane.HTTP2 else 0
        while len(queue.attempts) < left and (
            (len(queue.attempts) + unsettled) * queue.room_expected < len(queue.waiting)
        ):
            timeout_ms = max(waiter.request.timeout_connect_ms for waiter in queue.waiting)
            attempt = spawn(self._attempt(lane, timeout_ms), name=f"connect {self._where}")
            queue.attempts.add(attempt)

    async def _attempt(self, lane: Lane, timeout_ms: int) -> None:
        queue = self._queues[lane]
        error: TransportError | None = None
        connection: Connection | None = None
        try:
            connection = await self._dialer.dial(self, lane, self._tls, self._proxy, timeout_ms)
        except TransportError as failed:
            error = failed
        except Exception as failed:  # whatever it is, the waiters must hear of it, and the log from `spawn`
            self._not_opened(queue, TransportError(Failure.CONNECT, f"{self._where}: {failed!r}", sent=False))
            raise
        finally:
            task = asyncio.current_task()
            assert task is not None
            queue.attempts.discard(task)
            if self._closed and connection is None:  # cancelled by `aclose`
                self._say_closed()
        if connection is not None:
            self._opened(connection, lane)
        elif error is not None:
            self._not_opened(queue, error)
        if self._closed:
            self._say_closed()
        else:
            self._open_more(lane)

    def _opened(self, connection: Connection, lane: Lane) -> None:
        if self._closed:
            connection.close()
            return
        if not connection.room():
            detail = f"{self._where} closed the connection as soon as it was made"
            self._not_opened(self._queues[lane], TransportError(Failure.CONNECT, detail, sent=False))
            return
        self.connections.add(connection)
        if connection.http_version == "2":
            self._offers_http2 = True
            self._shared.append(connection)
            self._serve(Lane.HTTP2)
            return
        if lane is Lane.HTTP2:
            self._offers_http2 = False
            queue, other = self._queues[Lane.HTTP2], self._queues[Lane.HTTP1]
            other.waiting.extend(queue.waiting)
            queue.waiting.clear()
        waiting = self._queues[Lane.HTTP1].waiting
        for waiter in waiting:
            if waiter.fresh and not waiter.future.done():
                waiting.remove(waiter)
                self._start(waiter, connection)
                return
        self._idle.append(connection)
        self._serve(Lane.HTTP1)

    def _not_opened(self, queue: Queue, error: TransportError) -> None:
        """Fail as many waiters, the oldest first, as the attempt was to serve."""
        for _ in range(min(queue.room_expected, len(queue.waiting))):
            fail(queue.waiting.popleft(), error)
