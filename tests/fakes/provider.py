"""A fake OpenAI-speaking provider over real sockets: it answers by script, and records what it got and when.

It runs in a thread with an event loop of its own, so that synchronous tests can use it, and so that a test that is busy
does not disturb what it observes.
"""

import asyncio
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tests.dataplane.upstream.origin.certificates import Certificates
from tests.fakes import answers
from tests.fakes.answers import End, Step

PATIENCE_S = 15.0
"""How long a test waits for what should come at once, on a busy machine."""


@dataclass(frozen=True)
class Answer:
    """One scripted answer; `tests.fakes.answers` has the common ones."""

    steps: Sequence[Step]
    delay_s: float = 0.0
    """Before the first step."""


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


class FakeProvider:
    """`with FakeProvider() as p:`, or `async with`. `p.next(…)` scripts, `p.url` is the base URL, `p.requests` the log.

    Without a script each chat request gets `default(request)`: a plausible completion, or stream if it asked for one.
    `GET …/models` is always answered from `models` and recorded in `listings`, because the gateway asks by itself.
    """

    def __init__(
        self,
        *,
        certificates: Certificates | None = None,
        models: Sequence[str] = ("fake-1", "fake-2"),
        refusing: bool = False,
        send_buffer_bytes: int = 0,
    ) -> None:
        """With `certificates` it speaks TLS; `refusing` refuses connections until `accept()`; 0: the kernel's size."""
        self._tls = certificates.server_context(("http/1.1",)) if certificates else None
        self.models = list(models)
        self.requests: list[Seen] = []
        self.listings: list[Seen] = []
        self.connections = 0
        self.default: Callable[[Seen], Answer] = plausible
        self._refusing = refusing
        self._script: deque[Answer] = deque()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if send_buffer_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        # A socket that is bound but does not listen refuses connections and keeps its port.
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake provider", daemon=True)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What goes into a provider's `base_url`."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def next(self, *given: Answer | Sequence[Step]) -> None:
        """Script the next answers, in order."""
        self._script.extend(one if isinstance(one, Answer) else Answer(one) for one in given)

    def forget(self) -> None:
        """Drop scripts, records and a default of the test's own."""
        self._script.clear()
        self.requests.clear()
        self.listings.clear()
        self.default = plausible

    def wait_requests(self, count: int = 1, patience_s: float = PATIENCE_S) -> list[Seen]:
        """Wait until so many requests have come."""
        deadline = time.monotonic() + patience_s
        while len(self.requests) < count:
            assert time.monotonic() < deadline, f"{len(self.requests)} requests within {patience_s} s, not {count}"
            time.sleep(0.005)
        return list(self.requests)

    async def until_requests(self, count: int = 1, patience_s: float = PATIENCE_S) -> list[Seen]:
        """`wait_requests` without blocking the loop."""
        return await asyncio.to_thread(self.wait_requests, count, patience_s)

    def accept(self) -> None:
        """Begin to accept connections, if it was made `refusing`."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE_S)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._refusing:
            self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()
        self._socket.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.__exit__)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._socket, ssl=self._tls, backlog=1024)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        number = self.connections
        try:
            line = _Line(reader)
            while await self._exchange(await line.request(number), line, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, seen: Seen, line: "_Line", writer: asyncio.StreamWriter) -> bool:
        """Serve one request; False when the connection has ended."""
        if seen.target.partition("?")[0].endswith("/models"):
            self.listings.append(seen)
            answer = Answer(answers.unary(_listing(self.models)))
        else:
            self.requests.append(seen)
            answer = self._script.popleft() if self._script else self.default(seen)
        playing = asyncio.ensure_future(self._play(answer, seen, writer))
        # Reading on while the answer is written is what notices a hang-up.
        reading = asyncio.ensure_future(line.until_gone())
        try:
            await asyncio.wait({playing, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                seen.gone_at_s = time.monotonic()
                seen.gone.set()
                return False
            return playing.result()
        except ConnectionError:
            seen.gone_at_s = time.monotonic()
            seen.gone.set()
            return False
        finally:
            seen.done.set()
            playing.cancel()
            reading.cancel()
            await asyncio.gather(playing, reading, return_exceptions=True)

    async def _play(self, answer: Answer, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        for step in (answer.delay_s, *answer.steps):
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                    seen.sent_bytes += len(step)
                case End.CLOSE:
                    writer.close()
                    return False
                case End.RESET:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    writer.transport.abort()
                    return False
                case End.STALL:
                    await asyncio.Event().wait()
                case seconds if seconds:
                    await asyncio.sleep(float(seconds))
        return True


def plausible(seen: Seen) -> Answer:
    """A completion, or a stream if the request asked for one; usage as OpenAI would give it."""
    asked = seen.json
    if not asked.get("stream"):
        return Answer(answers.unary())
    wanted = (asked.get("stream_options") or {}).get("include_usage")
    return Answer(answers.sse(answers.events(usage=answers.USAGE if wanted else None)))


def _listing(models: Sequence[str]) -> dict[str, Any]:
    data = [{"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "fake"} for name in models]
    return {"object": "list", "data": data}


class _Line:
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
