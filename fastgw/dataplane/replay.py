"""`Idempotency-Key`: a request that comes twice runs once, and is answered and charged once.

The header is that of draft-ietf-httpapi-idempotency-key-header-06 (2025-02); what happens follows its section 2 and
what Stripe's API made of it (docs.stripe.com/api/idempotent_requests, 2026-08), with rules of the gateway's own:

- A name belongs to one API key of one account. A request is the same if its path, its query and its body are, byte for
  byte after inflating. The name of another request is answered with 422, that of one which still runs with 409.
- Kept for 24 h are answers with status 200 that came to their end, streams as the bytes that were sent. Errors, cut
  streams and what a dead worker left free the name, and the next request runs anew.
- An answer larger than 1 MiB, or one for which there is no room, is not kept, but that it was given is: 409 again.
- When the caller hangs up after the provider was asked, the exchange goes on to its end within its usual deadlines, so
  that the answer is there when the caller comes back. It is charged once, like any other.
- While the store is away, requests with the header get 503: the promise could not be kept.

A replay asks no provider, is not admitted and not recorded. The answer is kept before its last byte leaves. It is
charged a moment earlier, so that a worker which dies in between leaves a charge whose answer is not kept.
"""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import MutableMapping
from typing import Any, Protocol

from fastgw.clock import monotonic_ns
from fastgw.dataplane.relay.downstream import Downstream
from fastgw.dataplane.replay_run import Ending, Run, answer_of
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal
from fastgw.observe.tasks import end, spawn

_log = logging.getLogger("fastgw.replay")

HEADER = b"idempotency-key"
NAME_LENGTH_MAX = 255
BEAT_S = 15.0
"""How often the store is told which requests still run; it forgets one after a minute."""
AGAIN_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before the store is told once more how a request ended."""
CLOSE_S = 2.0
"""How long a worker that stops waits for the store to be told."""
HELD_BYTES_MAX = 128 * 1024 * 1024
"""Of answers that a worker holds to keep or to replay them; beyond it they are not kept, and a replay gets 503."""

REPLAYED = ((b"x-fastgw-replayed", b"true"), (b"idempotent-replayed", b"true"))
"""The second is Stripe's name."""

Name = tuple[str, str, str]


class AnswerStore(Protocol):
    """Where answers are kept. Methods raise `OSError` when it does not answer."""

    async def begin(self, name: Name, mark: bytes, owner: bytes) -> tuple[str, bytes]:
        """Take `name` (account, API key, SHA-256 of the caller's name) for the request with this `mark`.

        `("", b"")` when `owner` has it now. Else "running", "kept" with the answer, "unkept", "other" when it is the
        name of another request, "full" when there may be no more names.
        """

    async def renew(self, name: Name, mark: bytes, owner: bytes) -> bool:
        """The request still runs; False when another has its name by now."""

    async def keep(self, name: Name, mark: bytes, owner: bytes, answer: bytes) -> str:
        """The request is answered. May be said twice. An empty answer is not kept, only that there was one."""

    async def release(self, name: Name, owner: bytes) -> None:
        """The request has come to nothing: its name is free."""


class Replay:
    """Knows the requests with the header that run in this worker. Every method belongs to one event loop."""

    def __init__(self, store: AnswerStore) -> None:
        self._store = store
        self._running: set[Run] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None
        self._renewing = asyncio.Lock()
        self._held_bytes = 0

    def run(self, principal: Principal, scope: MutableMapping[str, Any], body: bytes, down: Downstream) -> Run:
        """For a request that carries the header. Nothing is taken yet. Raises `GatewayError` (400)."""
        given = name_in(scope["headers"])
        digest = hashlib.sha256(given).hexdigest()
        name = (principal.account_id or principal.key_id, principal.key_id, digest)
        asked = scope["path"].encode("utf-8", "surrogatepass") + b"\0" + scope["query_string"] + b"\0"
        return Run(self, name, secrets.token_bytes(16), asked, body, down)

    async def begin(self, run: Run) -> bool:
        """True: the request ran before, its caller has the answer of then, and the exchange is over. False: it is to
        run now. Raises `GatewayError`: 409, 422, 429, 503.
        """
        try:
            state, answer = await self._store.begin(run.name, await run.marked(), run.owner)
        except OSError as exc:
            _log.warning("an answer cannot be looked up: %s", exc)
            away = "The gateway cannot honour the Idempotency-Key right now. Try again."
            raise GatewayError(ErrorKind.GATE_UNAVAILABLE, away, retry_after_s=1) from exc
        if not state:
            self._running.add(run)
            if self._beating is None:
                self._beating = spawn(self._beat(), name="names of running requests")
            run.begun()
            return False
        run.ended = True
        if state != "kept":
            raise _refused(state)
        if not self.hold(len(answer)):
            raise GatewayError(ErrorKind.OVERLOADED, "The gateway is at its limit. Try again soon.", retry_after_s=1)
        try:
            headers, said = answer_of(answer)
            timing = (b"server-timing", b"gw;dur=%.3f" % ((monotonic_ns() - run.started_ns) / 1_000_000))
            await run.down.start(200, [*headers, timing, *REPLAYED])
            await run.down.finish(said)
        finally:
            self._held_bytes -= len(answer)
        return True

    def hold(self, count: int) -> bool:
        """Hold `count` bytes more; False when there is no room."""
        if self._held_bytes + count > HELD_BYTES_MAX:
            return False
        self._held_bytes += count
        return True

    def let_go(self, count: int) -> None:
        """Hold `count` bytes less."""
        self._held_bytes -= count

    def end(self, run: Run, ending: Ending) -> asyncio.Task[None]:
        """Tell the store how the request ended, in the background and more than once if need be."""
        self._running.discard(run)
        task = spawn(self._end(run, ending), name="the end of a named request")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    async def aclose(self) -> None:
        """Tell the store what it does not know yet, for a moment at most."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=CLOSE_S)
        await end([*self._ending, *((self._beating,) if self._beating is not None else ())])

    async def _end(self, run: Run, ending: Ending) -> None:
        try:
            async with self._renewing:
                # A renewal that comes after the release would take the name again.
                pass
            for pause_s in (*AGAIN_S, 0.0):
                try:
                    if ending.answered:
                        await self._store.keep(run.name, run.mark, run.owner, ending.answer)
                    else:
                        await self._store.release(run.name, run.owner)
                except OSError as exc:
                    if not pause_s:
                        _log.warning("how a request with an Idempotency-Key ended cannot be kept: %s", exc)
                    await asyncio.sleep(pause_s)
                else:
                    return
        finally:
            self._held_bytes -= ending.held_bytes

    async def _beat(self) -> None:
        try:
            while self._running:
                await asyncio.sleep(BEAT_S)
                try:
                    for run in list(self._running):
                        async with self._renewing:
                            if run in self._running:
                                await self._store.renew(run.name, run.mark, run.owner)
                except OSError as exc:
                    _log.warning("the names of running requests cannot be renewed: %s", exc)
        finally:
            self._beating = None


def name_in(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The caller's name for its request: 1 to 255 visible ASCII characters. Raises `GatewayError` (400)."""
    names = {value.strip() for name, value in headers if name == HEADER}
    if len(names) == 1:
        (given,) = names
        if 0 < len(given) <= NAME_LENGTH_MAX and all(0x21 <= char <= 0x7E for char in given):
            return given
    raise GatewayError(
        ErrorKind.BAD_REQUEST,
        f"The header Idempotency-Key must be one value of 1 to {NAME_LENGTH_MAX} visible ASCII characters.",
        param="Idempotency-Key",
    )


def _refused(state: str) -> GatewayError:
    match state:
        case "running":
            return GatewayError(
                ErrorKind.IDEMPOTENCY_IN_FLIGHT,
                "The first request with this Idempotency-Key is still running. Try again soon to get its answer.",
                retry_after_s=2,
            )
        case "other":
            return GatewayError(
                ErrorKind.IDEMPOTENCY_MISMATCH,
                "This Idempotency-Key was used for another request. Take a new one for each request.",
                param="Idempotency-Key",
                should_retry=False,
            )
        case "full":
            return GatewayError(
                ErrorKind.RATE_LIMITED,
                "Too many values of Idempotency-Key within 24 hours. Leave the header out, or try again later.",
                param="Idempotency-Key",
                retry_after_s=3_600,
                should_retry=False,
            )
        case _:
            return GatewayError(
                ErrorKind.IDEMPOTENCY_NOT_KEPT,
                "The request with this Idempotency-Key was answered and charged, but there was no room to keep the "
                "answer, so it cannot be given again. To run the request once more, take a new Idempotency-Key.",
                param="Idempotency-Key",
                should_retry=False,
            )
