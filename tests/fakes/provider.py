"""A fake provider over real sockets: it answers by script, and records what it got and when.

It speaks OpenAI's chat, completions and Responses, Anthropic's Messages and Gemini, each on its own paths: a `Scene` in
the script is answered in the dialect that was asked, an `Answer` as it is.

It runs in a thread with an event loop of its own, so that synchronous tests can use it, and so that a test that is busy
does not disturb what it observes.
"""

import asyncio
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from tests.dataplane.upstream.origin.certificates import Certificates
from tests.fakes import answers, speech
from tests.fakes.answers import End, Step
from tests.fakes.line import PATIENCE_S, Line, Seen
from tests.fakes.scene import Scene, Trouble

__all__ = ["Answer", "FakeProvider", "Seen", "plausible"]


@dataclass(frozen=True)
class Answer:
    """One scripted answer; `tests.fakes.answers` has the common ones."""

    steps: Sequence[Step]
    delay_s: float = 0.0
    """Before the first step."""


class FakeProvider:
    """`with FakeProvider() as p:`, or `async with`. `p.next(…)` scripts, `p.url` is the base URL, `p.requests` the log.

    Without a script each request gets `default(request)`: a plausible completion, or stream if it asked for one.
    A `GET` of a path in `files` gets what lies there (media type and bytes), and is recorded nowhere.
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
        self.files: dict[str, tuple[str, bytes]] = {}
        self.default: Callable[[Seen], Answer] = plausible
        self._refusing = refusing
        self._script: deque[Answer | Scene | Trouble] = deque()
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

    @property
    def gemini_url(self) -> str:
        """The base URL where Gemini has its native paths."""
        return f"{self.url.removesuffix('/v1')}/v1beta"

    def next(self, *given: Answer | Scene | Trouble | Sequence[Step]) -> None:
        """Script the next answers, in order."""
        self._script.extend(one if isinstance(one, Answer | Scene | Trouble) else Answer(one) for one in given)

    def always(self, scene: Scene | Trouble) -> None:
        """What each request gets that finds no script, until `forget`."""
        self.default = lambda seen: Answer(speech.answer(scene, seen.target, seen.json))

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
            line = Line(reader)
            while await self._exchange(await line.request(number), line, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, seen: Seen, line: Line, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; False when the connection has ended."""
        if seen.target in self.files:
            media_type, data = self.files[seen.target]
            answer = Answer(answers.whole(data, headers=(("content-type", media_type),)))
        elif seen.target.partition("?")[0].endswith("/models"):
            self.listings.append(seen)
            answer = Answer(answers.unary(_listing(self.models, seen)))
        else:
            self.requests.append(seen)
            scripted = self._script.popleft() if self._script else self.default(seen)
            if not isinstance(scripted, Answer):
                scripted = Answer(speech.answer(scripted, seen.target, seen.json))
            answer = scripted
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
                case threading.Event():
                    while not step.is_set():
                        await asyncio.sleep(0.002)
                case End.STALL:
                    await asyncio.Event().wait()
                case seconds if seconds:
                    await asyncio.sleep(float(seconds))
        return True


def plausible(seen: Seen) -> Answer:
    """A completion, or a stream if the request asked for one; usage as the provider of that dialect would give it."""
    if not seen.target.partition("?")[0].endswith("/chat/completions"):
        return Answer(speech.answer(Scene(), seen.target, seen.json))
    asked = seen.json
    if not asked.get("stream"):
        return Answer(answers.unary())
    wanted = (asked.get("stream_options") or {}).get("include_usage")
    return Answer(answers.sse(answers.events(usage=answers.USAGE if wanted else None)))


def _listing(models: Sequence[str], seen: Seen) -> dict[str, Any]:
    """The list of models: Gemini's for who brings its key to its own paths, else what OpenAI and Anthropic share."""
    if seen.header("x-goog-api-key") and "/openai/" not in seen.target:
        methods = {"supportedGenerationMethods": ["generateContent", "countTokens"]}
        return {"models": [{"name": f"models/{name}", "displayName": name} | methods for name in models]}
    data = [{"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "fake"} for name in models]
    return {"object": "list", "data": data, "has_more": False, "first_id": None, "last_id": None}
