"""Top-ups for the holder of a key: redemption codes, payments through providers, and the providers' notices."""

from decimal import Decimal
from typing import Any

import msgspec

from fastgw.clock import wall_ms
from fastgw.controlplane.answering import Answer, Refused, Request, told
from fastgw.controlplane.moments import amount_nano
from fastgw.controlplane.ports import Books, Callers, Clerk, Desk, Holder
from fastgw.errors import ErrorKind, GatewayError
from fastgw.money.amounts import usd
from fastgw.money.topups import Payment

NOTICE_BYTES_MAX = 256 * 1024
"""Of a provider's notice; theirs have some kilobytes."""
NOTICES_MAX = 64
"""That are read or acted upon at once in a worker: with the largest bodies 16 MB. Others get 503, and come again."""
PAYMENTS_MAX = 100
"""That are listed."""


class Redeem(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/billing/redeem`."""

    code: str


class Checkout(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/billing/checkout`."""

    provider: str
    amount_usd: Decimal


class Billing:
    """The endpoints of top-ups."""

    def __init__(self, clerk: Clerk, callers: Callers, desk: Desk) -> None:
        self._clerk = clerk
        self._callers = callers
        self._desk = desk
        self._notices = 0

    async def redeem(self, request: Request) -> Answer:
        """`POST /api/billing/redeem`: credits a code to the account of the key, once.

        An account that tries many wrong codes gets 429.
        """
        holder = await self._holder(request)
        bucket = f"codes:{holder.account_id}"
        if await self._callers.blocked(bucket):
            raise Refused(429, "rate_limited", "Too many wrong codes. Wait a minute.", retry_after_s=60)
        asked = await request.json(Redeem)
        now_ms = wall_ms()

        def redeem(books: Books) -> dict[str, Any]:
            redeemed = books.codes.redeem(asked.code, holder.account_id, now_ms=now_ms)
            account = books.accounts.find(holder.account_id)
            return {
                "amount_usd": usd(redeemed.amount_nano),
                "amount_nano_usd": redeemed.amount_nano,
                "again": redeemed.again,
                "balance_nano_usd": account.balance_nano if account is not None else 0,
            }

        try:
            found = await self._clerk.run(redeem)
        except Refused as refused:
            if refused.code == "invalid_code":
                await self._callers.wrong(bucket)
            raise
        if not found["again"]:
            await self._clerk.moved(holder.account_id)
        return told(found)

    async def checkout(self, request: Request) -> Answer:
        """`POST /api/billing/checkout`: where the payer goes to pay so much into the account of the key."""
        holder = await self._holder(request)
        asked = await request.json(Checkout)
        started = await self._desk.checkout(holder.account_id, asked.provider, amount_nano(asked.amount_usd))
        return told(
            {
                "id": started.payment_id,
                "url": started.url,
                "currency": started.currency,
                "amount_minor": started.amount_minor,
                "credit_usd": usd(started.credit_nano),
                "credit_nano_usd": started.credit_nano,
            },
            201,
        )

    async def payments(self, request: Request) -> Answer:
        """`GET /api/billing/payments`: those of the key's account, newest first."""
        holder = await self._holder(request)
        found = await self._clerk.run(
            lambda books: books.payments.all(account_id=holder.account_id, limit=PAYMENTS_MAX)
        )
        return told({"data": [_shown(payment) for payment in found]})

    async def payment(self, request: Request) -> Answer:
        """`GET /api/billing/payments/{id}`: one of the key's account, 404 for any other."""
        holder = await self._holder(request)
        wanted = request.part("id")
        found = await self._clerk.run(lambda books: books.payments.get(wanted))
        if found is None or found.account_id != holder.account_id:
            raise Refused(404, "payment_not_found", "There is no such payment.")
        return told(_shown(found))

    async def notify(self, request: Request) -> Answer:
        """`POST /api/payments/{provider}/notify`: for providers, who prove by a signature that it is them."""
        provider = request.part("provider")
        if self._notices >= NOTICES_MAX:
            raise GatewayError(ErrorKind.OVERLOADED, "Too many notices come at once. Try again.", retry_after_s=1)
        self._notices += 1
        try:
            body = await request.body(NOTICE_BYTES_MAX)
            address, _ = self._callers.address(request)
            status, text = await self._desk.notify(provider, request.headers, body, address)
        finally:
            self._notices -= 1
        return Answer(status, text.encode(), "text/plain; charset=utf-8")

    async def _holder(self, request: Request) -> Holder:
        holder = await self._callers.holder(request)
        if not holder.account_id:
            raise Refused(409, "no_account", "This key belongs to no account, so there is no balance to pay into.")
        return holder


def _shown(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "provider": payment.provider,
        "state": payment.state,
        "currency": payment.currency,
        "amount_minor": payment.amount_minor,
        "paid_minor": payment.paid_minor,
        "credited_usd": usd(payment.credited_nano),
        "credited_nano_usd": payment.credited_nano,
        "returned_nano_usd": payment.returned_nano,
        "created_at_ms": payment.created_at_ms,
        "updated_at_ms": payment.updated_at_ms,
    }
