"""The caller's side of a stream: one writer, with comments in the silences and never two sends at once."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastgw.observe.tasks import spawn

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

KEEPALIVE = b": keep-alive\n\n"
BLANK = b"\n"
"""White space means nothing between the elements of a JSON array, nor before it (RFC 8259 section 2)."""

STREAM_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # A CDN must neither keep nor recompress a stream (RFC 9111 5.2.2.5, 5.2.2.6); nginx is told not to buffer it.
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)
ARRAY_HEADERS: tuple[Header, ...] = ((b"content-type", b"application/json; charset=utf-8"), *STREAM_HEADERS[1:])
"""Of a stream that is framed as one JSON array."""

_EMPTY_NAME = "PyEmptyAwaitable"
_empty: type | None = None


def _is_done(sent: Awaitable[None]) -> bool:
    """Whether a `send` has nothing to wait for.

    Granian answers with an empty awaitable when its channel had room (2.8: about fifty writes of a stream), which needs
    no `await`. Its class has no public name. From any other server, whatever it returns is awaited.
    """
    global _empty  # noqa: PLW0603 - found once
    kind = sent.__class__
    if kind is _empty:
        return True
    if kind.__name__ == _EMPTY_NAME:
        _empty = kind
        return True
    return False


class Downstream:
    """Writes one answer to its caller.

    Everything but `keep_alive` is called by the one task that serves the exchange. A comment that is still being sent
    when that task writes is waited for, so that sends never overlap and the order of events is kept.
    """

    __slots__ = (
        "_comment",
        "_filler",
        "_headers",
        "_held",
        "_pending",
        "_send",
        "framed",
        "last_write_ns",
        "pushed",
        "quiet",
        "started",
        "writing",
    )

    def __init__(self, send: Send) -> None:
        self._send = send
        self._headers: Callable[[], list[Header]] | None = None
        self._filler = KEEPALIVE
        self._comment: asyncio.Task[None] | None = None
        self.started = False
        """The head has gone out, so the status can no longer change."""
        self.framed = False
        """The answer is a stream of events, so that an error can be one of them."""
        self.writing = False
        """A send is under way; while the client does not read, it stays so."""
        self.quiet = False
        """The end, or an answer that is no stream, is on its way: a comment would be out of place."""
        self.last_write_ns = 0
        self.pushed = False
        """Something was sent since the patrol last looked; it keeps `last_write_ns`, so that no event reads a clock."""
        self._held = b""
        self._pending: Awaitable[None] | None = None

    def tee(self, tee: Callable[[Send], Send]) -> None:
        """Send through `tee` from here on; only before anything was sent. What it makes may return what it was given
        by the server's own `send`, so that `push` keeps its short way."""
        self._send = tee(self._send)

    @property
    def busy(self) -> bool:
        """A send or a comment is under way; while the client does not read, it stays so."""
        return self.writing or (self._comment is not None and not self._comment.done())

    def hold(self, headers: Callable[[], list[Header]], filler: bytes = KEEPALIVE) -> None:
        """Say what the head of the stream will be, once it must go out, and what fills its silences."""
        self._headers = headers
        self._filler = filler
        self.framed = True

    async def start(self, status: int, headers: list[Header]) -> None:
        """Send the head."""
        if self._comment is not None:
            await self._settle_comment()
        if self.started:
            return
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def start_held(self) -> None:
        """Send the head that was prepared."""
        assert self._headers is not None, "a stream has its head prepared"
        await self.start(200, self._headers())

    async def write(self, data: bytes, now_ns: int) -> None:
        """Send whole events; returns when the server has taken them, which a slow client delays."""
        await self.caught_up()
        self.writing = True
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self.writing = False
        self.last_write_ns = now_ns

    def push(self, data: bytes) -> bool:
        """Send whole events now. False when the server could not take them at once: then `caught_up` is due before
        anything else, and while the client does not read it stays so."""
        if self._comment is not None and not self._comment.done():
            self._held = data
            return False
        sent = self._send({"type": "http.response.body", "body": data, "more_body": True})
        if _is_done(sent):
            self.pushed = True
            return True
        self.writing = True
        self._pending = sent
        return False

    async def caught_up(self) -> None:
        """Wait until the server has taken all that was pushed."""
        if self._comment is not None:
            await self._settle_comment()
        held, self._held = self._held, b""
        if held:
            self.writing = True
            self._pending = self._send({"type": "http.response.body", "body": held, "more_body": True})
        pending, self._pending = self._pending, None
        if pending is not None:
            await pending
            self.writing = False
            self.pushed = True

    async def finish(self, data: bytes) -> None:
        """Send the last bytes and end the answer."""
        self.quiet = True
        if self._pending is not None or self._comment is not None or self._held:
            await self.caught_up()
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    def keep_alive(self, now_ns: int) -> None:
        """Send a comment, and the head before it if that is still due; does nothing while another send is under way."""
        if self.quiet or self.busy:
            return
        self.last_write_ns = now_ns
        self._comment = spawn(self._send_comment(), name="keep-alive")

    async def _send_comment(self) -> None:
        if not self.started:
            assert self._headers is not None, "a stream that may be kept alive has its head prepared"
            self.started = True
            await self._send({"type": "http.response.start", "status": 200, "headers": self._headers()})
        await self._send({"type": "http.response.body", "body": self._filler, "more_body": True})

    async def settle(self) -> None:
        """Let no comment follow, and wait for one that is under way: only now it is certain whether the head is out."""
        self.quiet = True
        await self._settle_comment()

    async def _settle_comment(self) -> None:
        if self._comment is not None:
            # Stays so when the wait is cancelled: the client does not read, and nothing can be said to it any more.
            self.writing = True
            await self._comment
            self._comment = None
            self.writing = False
