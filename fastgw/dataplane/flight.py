"""One exchange in flight: the mutable record that the pipeline fills and the patrol watches."""

import asyncio
import enum
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from fastgw.clock import monotonic_ns
from fastgw.dataplane.relay.downstream import Downstream
from fastgw.dataplane.replay_run import Run
from fastgw.dataplane.routing.catalog import Catalog
from fastgw.exchange import Call, Candidate, Charge, Grant
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import Tap
from fastgw.usage import Usage

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Stop(enum.Enum):
    """Why an exchange is ended from outside its own task."""

    CLIENT_GONE = "client_gone"
    BODY_STALLED = "body_stalled"
    TOTAL_DEADLINE = "total_deadline"
    DRAINED = "drained"
    LINGERED = "lingered"
    """The answer was complete and delivered; the provider just did not end its stream."""


class Phase(enum.IntEnum):
    """How far an exchange has come."""

    BODY = 0
    WAITING = 1
    """For admission or for the provider."""
    STREAM = 2
    """The head is out or may go out at any time."""
    LINGER = 3
    """Everything is delivered; only the provider's end of stream is awaited, so that its connection can be reused."""


class Closable(Protocol):
    """An upstream response, as far as ending it goes."""

    def close(self) -> None:
        """End it at once if it has not ended."""


class Flight:
    """Times are in nanoseconds of the monotonic clock, 0 where the moment has not come."""

    __slots__ = (
        "address",
        "asked",
        "attempts",
        "body_bytes",
        "bucket",
        "call",
        "candidate",
        "catalog",
        "charge",
        "checkpoint_bytes",
        "checkpoint_ns",
        "delivered_bytes",
        "detected",
        "dialect",
        "down",
        "dropped",
        "exchange_id",
        "first_byte_ns",
        "gone_ns",
        "grant",
        "held_bytes",
        "linger_ns",
        "listener",
        "opened",
        "output_tokens_counted",
        "phase",
        "progress_ns",
        "prompt_tokens",
        "receive",
        "replay",
        "response",
        "sent_upstream",
        "settled",
        "started_ms",
        "started_ns",
        "stop_reason",
        "tap",
        "task",
        "tell_cost",
        "upstream_ns",
        "usage",
        "waiting_ns",
    )

    def __init__(
        self,
        exchange_id: str,
        started_ns: int,
        started_ms: int,
        task: asyncio.Task[Any] | None,
        receive: Receive,
        down: Downstream,
        dialect: str = "chat",
    ) -> None:
        self.exchange_id = exchange_id
        self.started_ns = started_ns
        self.started_ms = started_ms
        self.task = task
        self.receive = receive
        self.down = down
        self.dialect = dialect
        """In which the caller is answered: the endpoint's, unless the body turned out to be of another."""
        self.detected = False
        """The body was of another dialect than its endpoint."""
        self.asked: tuple[Conversation, tuple[str, ...]] | None = None
        """The question in the hub's terms, once a candidate needed it, and what of it nobody understands."""
        self.dropped: tuple[str, ...] = ()
        """Parameters that the present candidate could not be told."""
        self.phase = Phase.BODY
        self.progress_ns = started_ns
        self.address = self.bucket = ""
        self.body_bytes = self.held_bytes = 0
        self.call: Call | None = None
        self.grant: Grant | None = None
        self.candidate: Candidate | None = None
        self.catalog: Catalog | None = None
        """The models and prices of when the exchange was admitted."""
        self.charge: Charge | None = None
        """What it comes to, once it is closed."""
        self.tell_cost = ""
        """How a stream is to tell its cost before its end: `comment`, `event`, or not at all."""
        self.prompt_tokens = 0
        """The gateway's own count of the prompt, once somebody needed it; 0 before."""
        self.replay: Run | None = None
        """Set where the request carries `Idempotency-Key`."""
        self.gone_ns = 0
        """Since when the caller is gone, while the provider is still listened to for the true usage; else 0."""
        self.response: Closable | None = None
        self.tap: Tap | None = None
        self.usage: Usage | None = None
        self.output_tokens_counted = 0
        """The gateway's own count of a whole answer whose provider reported nothing."""
        self.attempts = 0
        self.opened = self.sent_upstream = self.settled = False
        self.first_byte_ns = 0
        self.upstream_ns = 0
        self.waiting_ns = 0
        """Since when the provider is waited for, 0 while it is not; `upstream_ns` has the waits that are over."""
        self.delivered_bytes = 0
        self.checkpoint_bytes = 0
        self.checkpoint_ns = started_ns
        self.linger_ns = 0
        self.stop_reason: Stop | None = None
        self.listener: asyncio.Task[Any] | None = None

    def stop(self, reason: Stop) -> None:
        """End the exchange from outside: its task is cancelled and finds the reason here. The first reason stands."""
        if self.stop_reason is None:
            self.stop_reason = reason
            if self.task is not None:
                self.task.cancel()

    def hang_up(self) -> None:
        """The caller has gone: end the exchange, or go on where its answer is kept for when the caller comes back, or
        for a while where its lane is to tell what it used."""
        if self.replay is not None and self.sent_upstream:
            if self.replay.outlives(lambda: self.stop(Stop.CLIENT_GONE)):
                return
        candidate = self.candidate
        if candidate is not None and candidate.drain_ms and self.sent_upstream:
            self.gone_ns = monotonic_ns()
        else:
            self.stop(Stop.CLIENT_GONE)

    def progress(self) -> None:
        """Note that some of the body has arrived."""
        self.progress_ns = monotonic_ns()

    def wait_upstream(self) -> None:
        """From here on the provider is waited for."""
        self.waiting_ns = monotonic_ns()

    def waited(self) -> int:
        """The wait is over, whatever came of it; what time it is."""
        now_ns = monotonic_ns()
        self.upstream_ns += now_ns - self.waiting_ns
        self.waiting_ns = 0
        return now_ns

    def upstream_ns_at(self, now_ns: int) -> int:
        """How long the provider has been waited for until `now_ns`, the running wait included."""
        return self.upstream_ns + (now_ns - self.waiting_ns if self.waiting_ns else 0)

    def release_response(self) -> None:
        """End the upstream exchange, if one is open."""
        response, self.response = self.response, None
        if response is not None:
            response.close()
