"""What stands around the model calls: health, readiness, and the answers to unknown paths and methods."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane.flight import Flight, Receive
from fastgw.dataplane.ingress.paths import ACTIONS
from fastgw.dataplane.minting import Minter
from fastgw.dataplane.relay.downstream import Downstream, Send
from fastgw.dataplane.reply import JSON_HEADERS, Header, error_head, head
from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors import table

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def _flight(mint: Minter, receive: Receive, send: Send, dialect: str = "chat") -> Flight:
    now_ms = wall_ms()
    return Flight(mint.next(now_ms), monotonic_ns(), now_ms, None, receive, Downstream(send), dialect)


def dialect_of(path: str) -> str:
    """In which dialect to answer at a path that no endpoint serves: the one whose SDKs would ask there."""
    if "/v1beta" in path or (":" in path and path.rpartition(":")[2] in ACTIONS):
        return "gemini"
    if "/messages" in path:
        return "messages"
    return "responses" if "/responses" in path else "chat"


class Probe:
    """A health endpoint: 200 while `ready` says so, 503 otherwise. Needs no key."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready
        self._mint = Minter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        flight = _flight(self._mint, receive, send)
        status, body = (200, b'{"status":"ok"}') if self._ready() else (503, b'{"status":"unavailable"}')
        await flight.down.start(status, head(flight, JSON_HEADERS))
        await flight.down.finish(b"" if scope["method"] == "HEAD" else body)


class Hello:
    """`HEAD /api/hello`: Claude Code asks whether the server is there (2.1.329, 2026-11). 200, empty; needs no key."""

    def __init__(self) -> None:
        self._mint = Minter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        flight = _flight(self._mint, receive, send, "messages")
        await flight.down.start(200, head(flight, ((b"content-length", b"0"), (b"cache-control", b"no-store"))))
        await flight.down.finish(b"")


class UpgradeRefused:
    """The GET of a path that other servers take a WebSocket at: 426 to an upgrade, 405 to a plain GET. Needs no key.

    Codex opens a WebSocket first; after a 426 it falls back to POST at once, after a 404 it tries seven times more
    (0.169, 2026-11). A request for an upgrade comes here as a plain GET while the server's own handling of WebSockets
    is off, and as a scope of type `websocket` when it is on (granian 2.8.7, 2026-11); both get the same answer.
    """

    def __init__(self, allow: str = "POST") -> None:
        self._allow = allow
        self._mint = Minter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"]
        websocket = scope["type"] == "websocket"
        if not websocket and not any(name == b"upgrade" for name, _ in scope["headers"]):
            message = f"{path[:256]} takes {self._allow}, not {scope['method']}."
            error = GatewayError(ErrorKind.METHOD_NOT_ALLOWED, message, should_retry=False)
            extra = [(b"allow", self._allow.encode())]
        else:
            message = f"There is no WebSocket at {path[:256]}. Send {self._allow} over HTTP."
            error = GatewayError(
                ErrorKind.METHOD_NOT_ALLOWED, message, code="upgrade_required", status=426, should_retry=False
            )
            # RFC 9110 15.5.22: the answer names the protocol that is spoken here. A server that handles WebSockets
            # writes headers of that name itself.
            extra = [] if websocket else [(b"upgrade", b"HTTP/1.1"), (b"connection", b"upgrade")]
        if websocket:
            send = _denial(send)
            await receive()
        flight = _flight(self._mint, receive, send, dialect_of(path))
        await flight.down.start(error.status, error_head(flight, error) + extra)
        await flight.down.finish(table.render(flight.dialect, error, flight.exchange_id))


def _denial(send: Send) -> Send:
    """`send` for the answer to the handshake of a WebSocket (ASGI, "WebSocket Denial Response")."""

    async def denying(message: MutableMapping[str, Any]) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    return denying


class Unknown:
    """Answers every path that no route takes: 404."""

    def __init__(self) -> None:
        self._mint = Minter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        what = f"{scope['method']} {scope['path'][:256]}"
        error = GatewayError(ErrorKind.NOT_FOUND, f"There is nothing at {what}.", should_retry=False)
        await _refuse(_flight(self._mint, receive, send, dialect_of(scope["path"])), scope, error, [])


class ByMethod:
    """One path with a handler for each method it takes; other methods get 405 with `allow` (RFC 9110 15.5.6)."""

    def __init__(self, handlers: Mapping[str, App]) -> None:
        self._handlers = handlers
        self._allow = ", ".join(sorted(handlers))
        self._mint = Minter()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        handler = self._handlers.get(scope["method"])
        return handler(scope, receive, send) if handler is not None else self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = f"{scope['path'][:256]} takes {self._allow}, not {scope['method']}."
        error = GatewayError(ErrorKind.METHOD_NOT_ALLOWED, message, should_retry=False)
        await _refuse(
            _flight(self._mint, receive, send, dialect_of(scope["path"])),
            scope,
            error,
            [(b"allow", self._allow.encode())],
        )


async def _refuse(flight: Flight, scope: Scope, error: GatewayError, extra: list[Header]) -> None:
    await flight.down.start(error.status, error_head(flight, error) + extra)
    await flight.down.finish(
        b"" if scope["method"] == "HEAD" else table.render(flight.dialect, error, flight.exchange_id)
    )
