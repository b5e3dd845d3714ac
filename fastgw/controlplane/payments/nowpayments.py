"""NOWPayments: invoices that are paid in USDT and other coins.

Sources: the vendor's API pages (documenter.getpostman.com/view/7907941/S1a32n38), its article on IPN and its
integration scenarios for developers (nowpayments.io, all read 2026-11).

- Each deposit is a payment of its own there; an invoice may have several (the payer chooses another coin, or pays once
  more). They share `order_id`, and add up.
- Only `finished` and `partially_paid` are final about money. What is credited is the part of the price that was
  paid: `price_amount * actually_paid / pay_amount`, be it less or more than the price.
- A deposit with `parent_payment_id` came to an address after its payment had ended, perhaps in another coin, and may be
  `finished` with the whole first price, whatever it brought. It counts by what arrived, if that is a dollar coin; else
  it is left to the operator.
- `refunded` does not say how much: all of that deposit.
- The signature is HMAC-SHA512 over the body with sorted keys. Notices have no id, and come again until answered with
  200.
"""

import hashlib
import hmac
import logging
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal, localcontext

import msgspec

from fastgw.controlplane.payments.line import Line, word
from fastgw.controlplane.payments.provider import (
    Checkout,
    Headers,
    Notice,
    NoticeRefused,
    Order,
    ProviderFailed,
    Terms,
    header,
)
from fastgw.controlplane.payments.sorted_json import Lists, sorted_json
from fastgw.money.amounts import AMOUNT_MAX
from fastgw.money.topups import Claim

BASE_URL = "https://api.nowpayments.io"
DECIMALS = 2
"""Of the currencies that prices are in."""
IPN_BYTES_MAX = 32 * 1024
"""Of a notice: it is sorted before its signature can be checked. Theirs have 1 KB (2026)."""
DOLLAR_COINS = ("usdt", "usdc", "tusd", "busd", "dai", "usdd", "pyusd", "fdusd")
"""Beginnings of the names of coins that are worth a dollar, whatever network they are on (`usdttrc20`)."""

_DIGITS = 100

_log = logging.getLogger("fastgw.payments")


class _Invoice(msgspec.Struct):
    id: str | int
    invoice_url: str


class _Ipn(msgspec.Struct):
    payment_id: str | int
    payment_status: str
    price_amount: Decimal = Decimal(0)
    price_currency: str = ""
    pay_amount: Decimal | None = None
    pay_currency: str | None = None
    actually_paid: Decimal | None = None
    order_id: str | int | None = None
    invoice_id: str | int | None = None
    parent_payment_id: str | int | None = None


_ipn = msgspec.json.Decoder(_Ipn).decode


class NowPayments:
    """NOWPayments with one account's API key and the secret that its notices are signed with."""

    name = "nowpayments"

    def __init__(
        self,
        *,
        api_key: str,
        ipn_secret: str,
        terms: Terms,
        pay_currency: str = "",
        addresses: Mapping[str, str] | None = None,
        base_url: str = "",
    ) -> None:
        """`addresses`: `success_url`, `cancel_url` and `ipn_callback_url`, as far as there are any."""
        self.terms = terms
        self._secret = ipn_secret.encode()
        self._pay_currency = pay_currency
        self._addresses = {name: url for name, url in (addresses or {}).items() if url}
        self._line = Line(base_url or BASE_URL, {"x-api-key": api_key})

    async def checkout(self, order: Order) -> Checkout:
        """Make an invoice. One that nobody gets to see expires: nothing is lost by asking twice."""
        price = Decimal(order.amount_minor).scaleb(-DECIMALS)
        invoice: dict[str, object] = {
            "price_amount": msgspec.Raw(f"{price:f}".encode()),
            "price_currency": order.currency.lower(),
            "order_id": order.payment_id,
            "order_description": "Account balance",
            **self._addresses,
        }
        if self._pay_currency:
            invoice["pay_currency"] = self._pay_currency
        answer = await self._line.post(
            "v1", "invoice", body=msgspec.json.encode(invoice), media_type="application/json", headers={}
        )
        try:
            made = msgspec.json.decode(answer, type=_Invoice)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ProviderFailed("its answer is no invoice", again=False) from None
        return Checkout(made.invoice_url, str(made.id))

    async def understand(self, headers: Headers, body: bytes, source_ip: str) -> list[Notice]:
        """Check the signature, then read what was signed."""
        signed = self._signed(header(headers, b"x-nowpayments-sig").lower(), body)
        try:
            ipn = _ipn(signed)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise NoticeRefused("the notice cannot be read") from None
        if not ipn.order_id:
            return []
        try:
            claims = _claims(ipn)
        except ArithmeticError:
            raise NoticeRefused("the notice has an amount that is none") from None
        digest = hashlib.sha256(signed).hexdigest()[:32]
        return [
            Notice(
                event=f"{word(str(ipn.payment_id))}:{digest}",
                kind=word(ipn.payment_status)[:64] or "?",
                payment_id=str(ipn.order_id),
                provider_ref="" if ipn.invoice_id is None else str(ipn.invoice_id),
                currency=ipn.price_currency.upper(),
                claims=claims,
            )
        ]

    async def confirm(self, notice: Notice) -> Notice | None:
        """Signed notices need none."""
        return notice

    def _signed(self, signature: str, body: bytes) -> bytes:
        """The sorted form of `body` that was signed; amounts are read from there, so from nothing else."""
        if len(signature) != hashlib.sha512().digest_size * 2 or not signature.isascii():
            raise NoticeRefused("the signature is missing or cannot be read")
        if len(body) > IPN_BYTES_MAX:
            raise NoticeRefused(f"a notice has at most {IPN_BYTES_MAX} bytes", status=413)
        for lists in Lists:
            try:
                text = sorted_json(body, lists)
            except ValueError:
                raise NoticeRefused("the notice cannot be read") from None
            right = hmac.new(self._secret, text, hashlib.sha512).hexdigest()
            if hmac.compare_digest(right, signature):
                return text
        raise NoticeRefused("the signature is wrong")


def _claims(ipn: _Ipn) -> tuple[Claim, ...]:
    source = word(str(ipn.payment_id))
    match ipn.payment_status:
        case "finished" | "partially_paid":
            return (Claim(source, "paid", _paid_minor(ipn)),)
        case "refunded":
            # As much as can be: what is returned is never more than what this deposit brought, whenever that is told.
            return (Claim(source, "refunded", AMOUNT_MAX),)
        case "failed" | "expired" as end:
            return (Claim(source, end),)
        case _:
            return ()


def _paid_minor(ipn: _Ipn) -> int:
    paid = ipn.actually_paid or Decimal(0)
    asked = ipn.pay_amount or Decimal(0)
    price = ipn.price_amount
    if ipn.parent_payment_id:
        if ipn.price_currency.upper() == "USD" and (ipn.pay_currency or "").lower().startswith(DOLLAR_COINS):
            return _minor(paid)
        _log.error(
            "nowpayments deposit %s brought %s %s to an address of order %s that was not asked for: credit it by hand",
            word(str(ipn.payment_id)),
            paid,
            word(ipn.pay_currency or ""),
            word(str(ipn.order_id)),
        )
        return 0
    if ipn.payment_status == "finished" and not paid:
        # Closed by hand in the operator's own dashboard.
        return _minor(price)
    # With room for coins of 18 decimals: a rounding on the way would take a cent of what was paid in full.
    with localcontext(prec=_DIGITS):
        return _minor(price * paid / asked) if paid else 0


def _minor(amount: Decimal) -> int:
    if not amount.is_finite() or not 0 <= amount <= AMOUNT_MAX:
        raise NoticeRefused("the notice has an amount that is none")
    return int(amount.scaleb(DECIMALS).to_integral_value(ROUND_FLOOR))
