"""The desk of top-ups in a worker: made when it is first needed, and never more than a few at once.

Its steps in the database and its calls to providers run beside the loop, in threads that model calls use too: so their
number is bounded, and who comes when too many wait is told to come again, as providers do.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from fastgw.controlplane.answering import Refused
from fastgw.controlplane.payments.desk import PaymentRefused, Payments, Started
from fastgw.controlplane.payments.offers import providers_of
from fastgw.errors import ErrorKind, GatewayError
from fastgw.settings import Settings
from fastgw.storage.sql.payments import PaymentStore

AT_ONCE = 2
"""Payments that are begun, and as many notices: a provider that is slow with the ones holds up none of the others."""
WAITING_MAX = 64
"""Of each, that run or wait; beyond it, 503."""
_CODES = {
    400: "invalid_request",
    404: "not_found",
    429: "rate_limited",
    502: "provider_refused",
    503: "provider_unavailable",
}


class _Turns:
    """A few at once, and not too many who wait."""

    def __init__(self, waiting_max: int) -> None:
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._waiting_max = waiting_max

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn. Raises `GatewayError` (503) when too many do."""
        if self._waiting >= self._waiting_max:
            raise _busy()
        self._waiting += 1
        try:
            async with self._at_once:
                yield
        finally:
            self._waiting -= 1


class TopUps:
    """Implements `controlplane.ports.Desk`. Every method belongs to one event loop."""

    def __init__(self, payments: Payments, *, waiting_max: int = WAITING_MAX) -> None:
        self._payments = payments
        self._begun, self._taken = _Turns(waiting_max), _Turns(waiting_max)

    @classmethod
    def open(cls, settings: Settings, book: PaymentStore, moved: Callable[[str], Awaitable[None]]) -> "TopUps":
        """The desk with the providers that the settings switch on."""
        return cls(Payments(providers_of(settings.payments), book, moved=moved))

    async def checkout(self, account_id: str, provider: str, amount_nano: int) -> Started:
        """Begin a payment. Raises `Refused` and `GatewayError` (503)."""
        async with self._begun.turn():
            try:
                return await self._payments.checkout(account_id, provider, amount_usd_nano=amount_nano)
            except PaymentRefused as refused:
                code = _CODES.get(refused.status, "payment_refused")
                raise Refused(refused.status, code, refused.message) from refused
            except SQLAlchemyError as error:
                raise _busy() from error

    async def notify(
        self, provider: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, address: str
    ) -> tuple[int, str]:
        """Act upon a notice: HTTP status and text for its sender. Raises `GatewayError` (503)."""
        async with self._taken.turn():
            answer = await self._payments.notify(provider, headers, body, address)
        return answer.status, answer.text


def _busy() -> GatewayError:
    return GatewayError(ErrorKind.OVERLOADED, "Top-ups cannot be taken right now. Try again.", retry_after_s=1)
