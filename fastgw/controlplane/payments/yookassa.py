"""YooKassa: Russian cards, SBP and wallets, on hosted pages.

Sources: yookassa.ru/developers/api (payments, refunds), /using-api/interaction-format (idempotence) and
/using-api/webhooks (all read 2026-11).

- Notices are not signed. They only make the gateway ask the API how the payment stands, with the shop's own
  credentials, and only for payments that it has made itself. So a forged notice can move nothing, and a replayed one
  finds what is there already.
- A payment tells its `amount` once it is `succeeded`, and `refunded_amount`, all that was refunded of it so far.
- Addresses for notices are set in the dashboard. They come for 24 hours until answered with 200.
- The vendor lists the networks that notices come from (`NETWORKS`); whoever wants can refuse others.
- Chargebacks are not told over the API; they are settled by hand.
"""

import base64
import ipaddress
import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from fastgw.controlplane.payments.line import Line, word
from fastgw.controlplane.payments.provider import (
    ORDER_KEY,
    Checkout,
    Headers,
    Notice,
    NoticeRefused,
    Order,
    ProviderFailed,
    Terms,
)
from fastgw.money.amounts import AMOUNT_MAX
from fastgw.money.topups import Claim

BASE_URL = "https://api.yookassa.ru"
DECIMALS = 2
NETWORKS = (
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.154.128/25",
    "77.75.156.11/32",
    "77.75.156.35/32",
    "2a02:5180::/32",
)
"""Where notices come from, as the vendor says (yookassa.ru/developers/using-api/webhooks, read 2026-11)."""

_ID = re.compile(r"[0-9A-Za-z-]{8,64}\Z")


class _Amount(msgspec.Struct):
    value: Decimal
    currency: str


class _Confirmation(msgspec.Struct):
    confirmation_url: str = ""


class _Payment(msgspec.Struct):
    id: str
    status: str
    amount: _Amount
    refunded_amount: _Amount | None = None
    metadata: dict[str, str] | None = None
    confirmation: _Confirmation | None = None


class _Object(msgspec.Struct):
    """A payment or a refund, as a notice has it: for its ids alone."""

    id: str
    payment_id: str = ""


class _Notice(msgspec.Struct):
    event: str
    object: _Object


_notice = msgspec.json.Decoder(_Notice).decode


class YooKassa:
    """YooKassa with one shop's number and secret key."""

    name = "yookassa"

    def __init__(
        self,
        *,
        shop_id: str,
        secret_key: str,
        terms: Terms,
        return_url: str,
        networks: Sequence[str] = (),
        base_url: str = "",
    ) -> None:
        """Notices from outside of `networks` are refused, if there are any; `ValueError` for one that is none."""
        self.terms = terms
        self._return_url = return_url
        self._networks = tuple(ipaddress.ip_network(network) for network in networks)
        credentials = base64.b64encode(f"{shop_id}:{secret_key}".encode()).decode()
        self._line = Line(base_url or BASE_URL, {"authorization": f"Basic {credentials}"})

    async def checkout(self, order: Order) -> Checkout:
        """Make a payment; its id is the idempotence key, which YooKassa remembers for 24 hours."""
        wanted = {
            "amount": {"value": f"{Decimal(order.amount_minor).scaleb(-DECIMALS):f}", "currency": order.currency},
            "capture": True,
            "confirmation": {"type": "redirect", "return_url": self._return_url},
            "description": "Account balance",
            "metadata": {ORDER_KEY: order.payment_id},
        }
        answer = await self._line.post(
            "v3",
            "payments",
            body=msgspec.json.encode(wanted),
            media_type="application/json",
            headers={"idempotence-key": order.payment_id},
        )
        made = _payment(answer)
        url = made.confirmation.confirmation_url if made.confirmation else ""
        if not url:
            raise ProviderFailed(f"its payment is {word(made.status)} and has no address to go to", again=False)
        return Checkout(url, made.id)

    async def understand(self, headers: Headers, body: bytes, source_ip: str) -> list[Notice]:
        """Which payment it is about. Nothing else of an unsigned notice is read."""
        if self._networks and not self._from_there(source_ip):
            raise NoticeRefused("notices do not come from this address", status=403)
        try:
            notice = _notice(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise NoticeRefused("the notice cannot be read") from None
        about, _, _ = notice.event.partition(".")
        if about not in {"payment", "refund"}:
            return []
        payment = notice.object.payment_id if about == "refund" else notice.object.id
        if not _ID.match(payment):
            raise NoticeRefused("the notice names no payment")
        return [Notice(event=payment, kind=word(notice.event)[:64], provider_ref=payment, proven=False)]

    async def confirm(self, notice: Notice) -> Notice | None:
        """How the payment stands now."""
        payment = _payment(await self._line.get("v3", "payments", notice.provider_ref))
        if payment.id != notice.provider_ref:
            raise ProviderFailed("its answer is about another payment", again=False)
        claims: list[Claim] = []
        if payment.status == "succeeded":
            claims.append(Claim("", "paid", _minor(payment.amount)))
        elif payment.status == "canceled":
            claims.append(Claim("", "failed"))
        refunded = payment.refunded_amount
        if refunded is not None and refunded.value:
            if refunded.currency != payment.amount.currency:
                raise ProviderFailed("its refund is in another currency", again=False)
            claims.append(Claim("", "refunded", _minor(refunded)))
        told = ":".join(f"{claim.about}={claim.amount_minor}" for claim in claims) or word(payment.status)
        return Notice(
            event=f"{payment.id}:{told}",
            kind=notice.kind,
            payment_id=(payment.metadata or {}).get(ORDER_KEY, ""),
            provider_ref=payment.id,
            currency=payment.amount.currency,
            claims=tuple(claims),
        )

    def _from_there(self, source_ip: str) -> bool:
        try:
            address = ipaddress.ip_address(source_ip)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._networks)


def _payment(answer: bytes) -> _Payment:
    try:
        return msgspec.json.decode(answer, type=_Payment)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProviderFailed("its answer is no payment", again=False) from None


def _minor(amount: _Amount) -> int:
    minor = amount.value.scaleb(DECIMALS) if amount.value.is_finite() else Decimal(-1)
    if not 0 <= minor <= AMOUNT_MAX or minor != minor.to_integral_value():
        raise ProviderFailed("its amount is none", again=False)
    return int(minor)
