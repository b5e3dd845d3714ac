"""What a fake provider reads from a connection: whole requests, as they came."""

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

PATIENCE_S = 15.0
"""How long a test waits for what should come at once, on a busy machine."""


@dataclass(eq=False)
class Seen:
    """One request as it came over the wire."""

    connection: int
    method: str
    target: str
    head: bytes
    headers: list[tuple[str, str]]
    """Names in lower case."""
    body: bytes
    at_s: float
    """`time.monotonic()` when it was whole."""
    sent_bytes: int = 0
    """Of the answer, as far as the socket took them."""
    done: threading.Event = field(default_factory=threading.Event)
    """The script has ended."""
    gone: threading.Event = field(default_factory=threading.Event)
    """The other side hung up before the script had ended."""
    gone_at_s: float = 0.0

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)

    def wait_gone(self, patience_s: float = PATIENCE_S) -> float:
        """Wait for the hang-up; the result is its time."""
        assert self.gone.wait(patience_s), f"nobody hung up within {patience_s} s"
        return self.gone_at_s

    async def until_gone(self, patience_s: float = PATIENCE_S) -> float:
        """`wait_gone` without blocking the loop."""
        return await asyncio.to_thread(self.wait_gone, patience_s)


class Line:
    """What has come over a connection and was not taken yet."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._buffer = bytearray()

    async def until_gone(self) -> None:
        """Wait for the other side to hang up; a next request that comes meanwhile is kept. Safe to cancel."""
        while data := await self._reader.read(65_536):
            self._buffer += data

    async def request(self, number: int) -> Seen:
        """The next request. Raises `IncompleteReadError` when there is none."""
        head = await self._until(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        pairs = (line.partition(":") for line in lines[1:] if line)
        headers = [(name.strip().lower(), value.strip()) for name, _, value in pairs]
        seen = Seen(number, method, target, head, headers, b"", 0.0)
        if seen.header("transfer-encoding") == "chunked":
            while size := int(await self._until(b"\r\n"), 16):
                seen.body += (await self._exactly(size + 2))[:-2]
            await self._until(b"\r\n")
        else:
            seen.body = await self._exactly(int(seen.header("content-length") or 0))
        seen.at_s = time.monotonic()
        return seen

    async def _more(self) -> None:
        data = await self._reader.read(1 << 20)
        if not data:
            raise asyncio.IncompleteReadError(bytes(self._buffer), None)
        self._buffer += data

    async def _until(self, mark: bytes) -> bytes:
        while (at := self._buffer.find(mark)) < 0:
            await self._more()
        return self._take(at + len(mark))

    async def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        return self._take(count)

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data
