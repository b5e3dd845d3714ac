"""One caller at the ASGI edge of a worker: what it sends, what it is sent, and whether it reads or hangs up."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

App = Callable[..., Awaitable[None]]


class Caller:
    """`await Caller(app, key, body).answer()`; or `start()` and look at `sent` while it runs."""

    def __init__(
        self, app: App, key: str, body: Any = None, *, path: str = "/v1/chat/completions", **scope: Any
    ) -> None:
        self.body = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        self._app = app
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "client": ("127.0.0.1", 5),
            "headers": [
                (b"authorization", b"Bearer " + key.encode()),
                (b"content-length", b"%d" % len(self.body)),
            ],
            **scope,
        }
        self.sent: list[MutableMapping[str, Any]] = []
        self.reading = asyncio.Event()
        """Cleared: a body that is sent is not taken before it is set again."""
        self.reading.set()
        self.gone = asyncio.Event()
        self._asked = False
        self.task: asyncio.Task[None] | None = None

    def start(self) -> "Caller":
        self.task = asyncio.create_task(self._run())
        return self

    async def answer(self) -> "Caller":
        await asyncio.wait_for((self.task or self.start().task or asyncio.sleep(0)), 30)
        return self

    async def until(self, condition: Callable[["Caller"], object]) -> "Caller":
        async with asyncio.timeout(30):
            while not condition(self):
                await asyncio.sleep(0.01)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def text(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent)

    @property
    def ended(self) -> bool:
        """The answer is whole."""
        return bool(self.sent) and self.sent[-1].get("more_body") is False

    async def _run(self) -> None:
        await self._app(self.scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body" and not self.reading.is_set():
            await self.reading.wait()
        self.sent.append(message)
