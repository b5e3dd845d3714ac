"""The caller's side of a stream: one writer, with comments in the silences and never two sends at once."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastgw.observe.tasks import spawn

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

KEEPALIVE = b": keep-alive\n\n"

STREAM_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    # A CDN must neither keep nor recompress a stream (RFC 9111 5.2.2.5, 5.2.2.6); nginx is told not to buffer it.
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class Downstream:
    """Writes one answer to its caller.

    Everything but `keep_alive` is called by the one task that serves the exchange. A comment that is still being sent
    when that task writes is waited for, so that sends never overlap and the order of events is kept.
    """

    __slots__ = ("_comment", "_headers", "_send", "framed", "last_write_ns", "started", "writing")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._headers: Callable[[], list[Header]] | None = None
        self._comment: asyncio.Task[None] | None = None
        self.started = False
        """The head has gone out, so the status can no longer change."""
        self.framed = False
        """The answer is a stream of events, so that an error can be one of them."""
        self.writing = False
        """A send is under way; while the client does not read, it stays so."""
        self.last_write_ns = 0

    def hold(self, headers: Callable[[], list[Header]]) -> None:
        """Say what the head of the stream will be, once it must go out."""
        self._headers = headers
        self.framed = True

    async def start(self, status: int, headers: list[Header]) -> None:
        """Send the head."""
        if self._comment is not None:
            await self._settle_comment()
        if self.started:
            return
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, now_ns: int) -> None:
        """Send whole events; returns when the server has taken them, which a slow client delays."""
        if self._comment is not None:
            await self._settle_comment()
        self.writing = True
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
        self.writing = False
        self.last_write_ns = now_ns

    async def finish(self, data: bytes) -> None:
        """Send the last bytes and end the answer."""
        if self._comment is not None:
            await self._settle_comment()
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    def keep_alive(self, now_ns: int) -> None:
        """Send a comment, and the head before it if that is still due; does nothing while another send is under way."""
        if self.writing or (self._comment is not None and not self._comment.done()):
            return
        self.last_write_ns = now_ns
        self._comment = spawn(self._send_comment(), name="keep-alive")

    async def _send_comment(self) -> None:
        if not self.started:
            assert self._headers is not None, "a stream that may be kept alive has its head prepared"
            self.started = True
            await self._send({"type": "http.response.start", "status": 200, "headers": self._headers()})
        await self._send({"type": "http.response.body", "body": KEEPALIVE, "more_body": True})

    async def _settle_comment(self) -> None:
        comment, self._comment = self._comment, None
        if comment is not None:
            await comment
