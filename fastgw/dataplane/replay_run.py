"""One request that carries an `Idempotency-Key`: what goes to its caller is copied on the way, and kept at the end."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any, Protocol

import msgspec

from fastgw.clock import monotonic_ns
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES
from fastgw.dataplane.relay.downstream import BLANK, KEEPALIVE, Downstream, Send

Header = tuple[bytes, bytes]
Name = tuple[str, str, str]

ANSWER_BYTES_MAX = 1024 * 1024
"""Of the body of an answer that is kept."""
WAIT_S = 1.0
"""How long the last bytes of an answer wait for the store; it is told the rest in the background."""

_OF_THE_MOMENT = (b"server-timing", b"x-ratelimit-", b"anthropic-ratelimit-")
"""Beginnings of headers that say nothing of the answer."""


class Ending(msgspec.Struct, frozen=True):
    """How a request ended."""

    answered: bool
    answer: bytes = b""
    """What is to be kept; empty when it is too large."""
    held_bytes: int = 0
    """What is held for it in memory until it is kept."""


class Keeper(Protocol):
    """Whoever keeps the answers."""

    async def begin(self, run: "Run") -> bool:
        """Take the name of `run`, or answer it from what is kept under it (True)."""

    def hold(self, count: int) -> bool:
        """Hold `count` bytes more; False when there is no room."""

    def let_go(self, count: int) -> None:
        """Hold `count` bytes less."""

    def end(self, run: "Run", ending: Ending) -> asyncio.Task[None]:
        """Keep the answer or free the name, in the background."""


class Run:
    """Stands between the exchange and its caller. Every method belongs to one event loop."""

    __slots__ = (
        "_asked",
        "_body",
        "_failed",
        "_gone",
        "_headers",
        "_held_bytes",
        "_keeper",
        "_parts",
        "_send",
        "_status",
        "_stop",
        "_too_large",
        "down",
        "ended",
        "mark",
        "name",
        "owner",
        "started_ns",
    )

    def __init__(self, keeper: Keeper, name: Name, owner: bytes, asked: bytes, body: bytes, down: Downstream) -> None:
        self.name = name
        self.owner = owner
        self.mark = b""
        """Of the request: the same for the same request alone."""
        self.down = down
        self.started_ns = monotonic_ns()
        self.ended = False
        """The store has been told how it ended, or has nothing to be told."""
        self._keeper = keeper
        self._asked = asked
        self._body = body
        self._send: Send | None = None
        self._status = 0
        self._headers: list[Header] = []
        self._parts: list[bytes] = []
        self._held_bytes = 0
        self._too_large = False
        self._failed = False
        self._gone = False
        self._stop: Callable[[], None] | None = None

    async def begin(self) -> bool:
        """True: the answer of the first request has been sent, and the exchange is over. False: it is to run now.

        Raises `GatewayError`: 409, 422, 429, 503.
        """
        return await self._keeper.begin(self)

    async def marked(self) -> bytes:
        """The mark of the request, from its path, query and body."""
        body, self._body = self._body, b""
        if len(body) > OFF_LOOP_BYTES:
            self.mark = await asyncio.to_thread(_mark, self._asked, body)
        else:
            self.mark = _mark(self._asked, body)
        return self.mark

    def begun(self) -> None:
        """The name is taken: from here on, what is sent passes through here."""
        self.down.tee(self._through)

    def fail(self) -> None:
        """What is sent from here on is an error: nothing of it is to be kept."""
        self._failed = True

    def outlives(self, stop: Callable[[], None]) -> bool:
        """The caller has hung up. True: the exchange is to go on, and nothing is sent to it any more; `stop` is called
        if that loses its sense, because the answer gets too large to be kept.
        """
        if self._send is None or self._failed or self._too_large or self.ended:
            return False
        self._gone, self._stop = True, stop
        return True

    def close(self) -> None:
        """The exchange is over. Unless its answer was complete, the name is free."""
        if not self.ended:
            self._end(complete=False)

    def _through(self, send: Send) -> Send:
        self._send = send
        return self._pass

    def _pass(self, message: MutableMapping[str, Any]) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], message["headers"]
        else:
            body = message["body"]
            if body and body not in (KEEPALIVE, BLANK) and not self._too_large:
                self._copy(body)
            if not message["more_body"] and not self.ended:
                return self._last(message)
        return self._on(message)

    def _on(self, message: MutableMapping[str, Any]) -> Awaitable[None]:
        assert self._send is not None, "messages come through once the name is taken"
        return _NOWHERE if self._gone else self._send(message)

    async def _last(self, message: MutableMapping[str, Any]) -> None:
        # The task is not cancelled with this one: what the store is told is told whole.
        await asyncio.wait((self._end(complete=True),), timeout=WAIT_S)
        await self._on(message)

    def _copy(self, body: bytes) -> None:
        size = self._held_bytes + len(body)
        if self._status == 200 and size <= ANSWER_BYTES_MAX and self._keeper.hold(len(body)):
            self._parts.append(body)
            self._held_bytes = size
            return
        self._too_large = True
        self._keeper.let_go(self._held_bytes)
        self._parts, self._held_bytes = [], 0
        if self._stop is not None:
            self._stop()

    def _end(self, *, complete: bool) -> asyncio.Task[None]:
        self.ended = True
        held, parts = self._held_bytes, self._parts
        self._parts, self._held_bytes = [], 0
        answered = complete and self._status == 200 and not self._failed
        answer = b"" if self._too_large or not answered else _encoded(self._headers, parts)
        return self._keeper.end(self, Ending(answered, answer, held))


class _Nowhere:
    """What a `send` to a caller who has gone returns: there is nothing to wait for."""

    def __await__(self) -> Iterator[None]:
        return iter(())


_NOWHERE: Any = _Nowhere()


class _Kept(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """How an answer is written down."""

    headers: list[Header]
    body: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


def answer_of(kept: bytes) -> tuple[list[Header], bytes]:
    """Headers and body of an answer that was kept."""
    answer = _decode(kept)
    return answer.headers, answer.body


def _encoded(headers: Iterable[Header], parts: list[bytes]) -> bytes:
    lasting = [(name, value) for name, value in headers if not name.startswith(_OF_THE_MOMENT)]
    return _encode(_Kept(lasting, b"".join(parts)))


def _mark(asked: bytes, body: bytes) -> bytes:
    digest = hashlib.sha256(asked)
    digest.update(body)
    return digest.digest()
