"""What the holder of a key may ask about its account: `GET /v1/usage`, and OpenAI's old `/dashboard/billing`.

Always answered, also when the balance is empty or a quota exhausted: only the limits of requests count. An expired key
is told so in the answer instead of being refused, because that is what its holder comes to look for.
"""

import asyncio
import logging
from collections.abc import Callable, MutableMapping
from time import monotonic
from typing import Any, Protocol

import msgspec

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane.account_range import Days, asked_days
from fastgw.dataplane.account_shape import billed, subscription, usage
from fastgw.dataplane.asking import Denied, admit, admit_free, changed_again
from fastgw.dataplane.flight import Flight, Phase, Receive
from fastgw.dataplane.minting import Minter
from fastgw.dataplane.models import asked_in, query_of
from fastgw.dataplane.relay.downstream import Downstream, Send
from fastgw.dataplane.reply import JSON_HEADERS, head, send_error
from fastgw.dataplane.stages import Stages
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal
from fastgw.observe.tasks import spawn
from fastgw.spending import KeySpending, day_of

FRESH_S = 1.5
"""How long what was read is told again: a client that polls costs one look at the database in that time."""
KEPT_MAX = 2_000
"""Answers that are kept, and reads under way; when full they start anew."""

_log = logging.getLogger("fastgw.account")
_encode = msgspec.json.encode


class SpendingSource(Protocol):
    """Where the figures come from; see `storage.sql.spending`."""

    async def spending(self, key_id: str, account_id: str, first_day: int, last_day: int) -> KeySpending:
        """One key, and who pays for it. Raises `GatewayError` (503) when it cannot be known soon."""


class Recent:
    """Figures as they were a moment ago; requests for the same ones wait for one read together."""

    def __init__(self, source: SpendingSource, *, fresh_s: float = FRESH_S) -> None:
        self._source = source
        self._fresh_s = fresh_s
        self._kept: dict[tuple[str, str, Days], tuple[float, asyncio.Task[KeySpending | GatewayError]]] = {}

    async def read(self, principal: Principal, days: Days) -> KeySpending:
        """Figures that are at most `fresh_s` old. Raises `GatewayError`."""
        asked = (principal.key_id, principal.account_id, days)
        until, task = self._kept.get(asked, (0.0, None))
        if task is None or (task.done() and until < monotonic()):
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            task = spawn(self._read(*asked), name="spending")
            self._kept[asked] = (monotonic() + self._fresh_s, task)
        # Shielded: one caller that hangs up must not end the read for the others.
        found = await asyncio.shield(task)
        if isinstance(found, GatewayError):
            raise found
        return found

    async def _read(self, key_id: str, account_id: str, days: Days) -> KeySpending | GatewayError:
        """Read anew; an error is a value here, for all who wait for it."""
        try:
            return await self._source.spending(key_id, account_id, *days)
        except GatewayError as error:
            return error


class Account:
    """One endpoint, as an ASGI application. Make it with `usage_of`, `subscription_of` or `billed_of`."""

    def __init__(
        self,
        stages: Stages,
        recent: Recent,
        told: Callable[[Principal, KeySpending, int], dict[str, Any]],
        *,
        by_days: bool,
    ) -> None:
        self._s = stages
        self._recent = recent
        self._told = told
        self._by_days = by_days
        self._mint = Minter()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        now_ms = wall_ms()
        flight = Flight(
            self._mint.next(now_ms), monotonic_ns(), now_ms, None, receive, Downstream(send), asked_in(scope)
        )
        flight.phase = Phase.WAITING
        try:
            principal = await self._principal(flight, scope)
            today = day_of(now_ms)
            days = asked_days(query_of(scope["query_string"]), now_ms) if self._by_days else Days(today, today)
            told = self._told(principal, await self._recent.read(principal, days), now_ms)
        except GatewayError as error:
            await send_error(flight, error, error.rate if isinstance(error, Denied) else None)
            return
        except Exception as exc:  # a defect of ours must not leave the caller without an answer
            _log.exception("account %s failed", flight.exchange_id, exc_info=exc)
            failed = GatewayError(ErrorKind.INTERNAL, "The gateway failed. Its operator can look it up.")
            await send_error(flight, failed)
            return
        await flight.down.start(200, head(flight, JSON_HEADERS))
        await flight.down.finish(_encode(told))

    async def _principal(self, flight: Flight, scope: MutableMapping[str, Any]) -> Principal:
        try:
            return await admit_free(self._s, flight, scope)
        except GatewayError as error:
            if error.kind is not ErrorKind.KEY_EXPIRED:
                raise
            principal = self._s.keys.expired(scope["headers"], flight.address)
            if principal is None:
                raise
        grant = await admit(self._s, flight, principal, 0)
        if grant is None:
            raise changed_again()
        self._s.settlement.released(grant)
        return principal


def usage_of(stages: Stages, recent: Recent) -> Account:
    """`GET /v1/usage`."""
    return Account(stages, recent, usage, by_days=True)


def subscription_of(stages: Stages, recent: Recent) -> Account:
    """`GET /dashboard/billing/subscription`."""
    return Account(stages, recent, lambda principal, spending, _: subscription(principal, spending), by_days=False)


def billed_of(stages: Stages, recent: Recent) -> Account:
    """`GET /dashboard/billing/usage`."""
    return Account(stages, recent, lambda principal, spending, _: billed(principal, spending), by_days=False)
