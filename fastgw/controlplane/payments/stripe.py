"""Stripe Checkout: hosted payment pages, signed notices, refunds and disputes.

Sources: docs.stripe.com/api/checkout/sessions/create, /webhooks#verify-manually, /checkout/fulfillment,
/api/disputes/object, /currencies (all read 2026-11).

- A session is made with the payment's id in its metadata and in the metadata of its payment intent, from where it gets
  to the charge. A dispute has neither: its payment intent is fetched.
- It is in `client_reference_id` too, but only to be seen: buyers of something else, by a payment link of the same
  Stripe account, can name any there, and a refund of that would not lead back to the payment.
- `checkout.session.completed` comes with `payment_status` `unpaid` for methods that take days; the money is told by
  `checkout.session.async_payment_succeeded` or `…_failed`.
- `charge.refunded` tells all that was refunded of a charge so far. A refund that fails later at the payer's bank is
  still owed to the payer, so it is not taken back here.
- A dispute's `status` tells where it stands; notices about one come in any order. Inquiries (`warning_…`) move no
  money.
- Adaptive pricing would change the charge's currency to the payer's; it is switched off.
"""

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from fastgw import clock
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
    header,
)
from fastgw.money.topups import DISPUTE, Claim, Rank

BASE_URL = "https://api.stripe.com"
TOLERANCE_S = 300
"""A notice's signature may be so old, and a clock so wrong; Stripe's own libraries have the same default."""
SIGNATURES_MAX = 16
"""Stripe sends one for each secret that is valid: two while one is rotated."""
ZERO_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
"""Currencies without a minor unit. (UGX and ISK have none either, but Stripe takes them with two digits.)"""
THREE_DECIMALS = frozenset("BHD JOD KWD OMR TND".split())
"""Thousandths, of which Stripe takes only tens."""
WHOLE_ONLY = frozenset(("ISK", "UGX"))
"""Written with two digits that must be 00."""

_NAME = "Account balance"
_DISPUTES = {
    "needs_response": Rank.TAKEN,
    "under_review": Rank.TAKEN,
    "charge_refunded": Rank.NONE,
    "won": Rank.WON,
    "lost": Rank.LOST,
}
"""`status` of a dispute; those that are not here (`warning_…`, `prevented`) have moved no money by themselves."""


class _Data(msgspec.Struct):
    object: msgspec.Raw


class _Event(msgspec.Struct):
    id: str
    type: str
    data: _Data


class _Session(msgspec.Struct):
    id: str
    url: str | None = None
    payment_status: str = ""
    amount_total: int | None = None
    currency: str | None = None
    metadata: dict[str, str] | None = None


class _Owned(msgspec.Struct):
    """A payment intent or a charge: whose it is."""

    id: str
    metadata: dict[str, str] | None = None


class _Charge(_Owned):
    currency: str = ""
    amount_refunded: int = 0
    payment_intent: str | None = None


class _Dispute(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str
    charge: str | None = None
    payment_intent: str | None = None


_session = msgspec.json.Decoder(_Session).decode
_owned = msgspec.json.Decoder(_Owned).decode


class Stripe:
    """Stripe with one account's secret key and the secrets that its notices are signed with."""

    name = "stripe"

    def __init__(
        self,
        *,
        secret_key: str,
        webhook_secrets: Sequence[str],
        terms: Terms,
        success_url: str,
        cancel_url: str,
        base_url: str = "",
        wall_ms: clock.Clock = clock.wall_ms,
    ) -> None:
        self.terms = terms
        self._secrets = tuple(secret.encode() for secret in webhook_secrets)
        self._success_url = success_url
        self._cancel_url = cancel_url or success_url
        self._line = Line(base_url or BASE_URL, {"authorization": f"Bearer {secret_key}"})
        self._wall_ms = wall_ms

    async def checkout(self, order: Order) -> Checkout:
        """Make a session; the payment's id is the idempotency key."""
        form = {
            "mode": "payment",
            "client_reference_id": order.payment_id,
            f"metadata[{ORDER_KEY}]": order.payment_id,
            f"payment_intent_data[metadata][{ORDER_KEY}]": order.payment_id,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": order.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(order.amount_minor),
            "line_items[0][price_data][product_data][name]": _NAME,
            "adaptive_pricing[enabled]": "false",
            "success_url": self._success_url,
            "cancel_url": self._cancel_url,
        }
        answer = await self._line.post(
            "v1",
            "checkout",
            "sessions",
            body=urlencode(form).encode(),
            media_type="application/x-www-form-urlencoded",
            headers={"idempotency-key": order.payment_id},
        )
        try:
            session = _session(answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ProviderFailed("its answer is no session", again=False) from None
        if not session.url:
            raise ProviderFailed("its session has no address to go to", again=False)
        return Checkout(session.url, session.id)

    async def understand(self, headers: Headers, body: bytes, source_ip: str) -> list[Notice]:
        """Check the signature over the bytes as they came, then read them."""
        self._check(header(headers, b"stripe-signature"), body)
        try:
            event = msgspec.json.decode(body, type=_Event)
            return await self._read(event)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise NoticeRefused("the notice cannot be read") from None

    async def confirm(self, notice: Notice) -> Notice | None:
        """Signed notices need none."""
        return notice

    def _check(self, signature: str, body: bytes) -> None:
        stamps: list[str] = []
        given: list[bytes] = []
        for item in signature.split(",")[: SIGNATURES_MAX + 1]:
            name, _, value = item.strip().partition("=")
            if name == "t":
                stamps.append(value)
            elif name == "v1":
                given.append(value.encode("latin-1"))
        if len(stamps) != 1 or not given or not (stamps[0].isascii() and stamps[0].isdigit()) or len(stamps[0]) > 12:
            raise NoticeRefused("the signature is missing or cannot be read")
        signed = stamps[0].encode() + b"." + body
        right = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in self._secrets]
        # All are compared, each in constant time.
        if not any([hmac.compare_digest(one, other) for one in right for other in given]):
            raise NoticeRefused("the signature is wrong")
        if abs(self._wall_ms() // 1000 - int(stamps[0])) > TOLERANCE_S:
            raise NoticeRefused("the signature is too old")

    async def _read(self, event: _Event) -> list[Notice]:
        match event.type:
            case (
                "checkout.session.completed"
                | "checkout.session.async_payment_succeeded"
                | "checkout.session.async_payment_failed"
                | "checkout.session.expired"
            ):
                return _of_session(event, _session(event.data.object))
            case "charge.refunded":
                charge = msgspec.json.decode(event.data.object, type=_Charge)
                claims = (Claim("", "refunded", charge.amount_refunded),)
                owner = (charge.metadata or {}).get(ORDER_KEY) or await self._owner(charge.payment_intent, None)
                return _notice(event, owner, charge.currency, claims)
            case kind if kind.startswith("charge.dispute."):
                dispute = msgspec.json.decode(event.data.object, type=_Dispute)
                rank = _DISPUTES.get(dispute.status, Rank.NONE)
                claims = (Claim("", DISPUTE + dispute.id, dispute.amount, rank),)
                owner = await self._owner(dispute.payment_intent, dispute.charge)
                return _notice(event, owner, dispute.currency, claims)
            case _:
                return []

    async def _owner(self, payment_intent: str | None, charge: str | None) -> str:
        """The payment's id in the metadata of an intent or charge; empty when it is none of ours."""
        if not payment_intent and not charge:
            return ""
        path = ("payment_intents", payment_intent) if payment_intent else ("charges", charge or "")
        answer = await self._line.get("v1", *path)
        try:
            return (_owned(answer).metadata or {}).get(ORDER_KEY, "")
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ProviderFailed(f"its answer about {word(path[1])} cannot be read", again=True) from None


def _of_session(event: _Event, session: _Session) -> list[Notice]:
    # Not `client_reference_id`: whoever opens a payment link of the same account says it, in the link's query string.
    owner = (session.metadata or {}).get(ORDER_KEY, "")
    claims: tuple[Claim, ...] = ()
    if event.type.endswith("_failed"):
        claims = (Claim("", "failed"),)
    elif event.type.endswith("expired"):
        claims = (Claim("", "expired"),)
    elif session.payment_status == "paid":
        claims = (Claim("", "paid", session.amount_total or 0),)
    return _notice(event, owner, session.currency or "", claims, session.id)


def _notice(event: _Event, owner: str, currency: str, claims: tuple[Claim, ...], ref: str = "") -> list[Notice]:
    if not owner and not ref:
        # Of something else that the same Stripe account sells.
        return []
    return [
        Notice(
            event=event.id,
            kind=event.type[:64],
            payment_id=owner,
            provider_ref=ref,
            currency=currency.upper(),
            claims=claims,
        )
    ]


def step_of(currency: str) -> int:
    """Amounts that Stripe takes are multiples of this."""
    return 10 if currency in THREE_DECIMALS else 100 if currency in WHOLE_ONLY else 1


def decimals_of(currency: str) -> int:
    """Digits behind the point of the amounts that Stripe takes."""
    return 0 if currency in ZERO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
