"""A fake of NOWPayments: invoices behind its HTTP API, deposits to them, and signed notices (IPN)."""

import hashlib
import hmac
import itertools
import json
from decimal import Decimal
from typing import Any

import msgspec

from tests.fakes.till import Asked, Reply, Sent, Till

KEY = "FAKE000-FAKE000-FAKE000-FAKE000"
SECRET = "fake-ipn-secret-of-the-account"


def exact(text: str) -> msgspec.Raw:
    """A number that is written into JSON letter for letter."""
    return msgspec.Raw(text.encode())


class FakeNowPayments(Till):
    """`deposit` begins a payment for an invoice, `ipn` tells how it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.invoices: dict[str, dict[str, Any]] = {}
        self.deposits: dict[int, dict[str, Any]] = {}
        self._numbers = itertools.count(5_000_000_001)

    def forget(self) -> None:
        """Drop all invoices."""
        super().forget()
        self.invoices.clear()
        self.deposits.clear()

    def serve(self, asked: Asked) -> Reply:
        """The API, as far as the gateway uses it."""
        if asked.headers.get("x-api-key") != KEY:
            return 403, {"status": False, "statusCode": 403, "code": "INVALID_API_KEY", "message": "Invalid api key"}
        if (asked.method, asked.path) != ("POST", "/v1/invoice"):
            return 404, {"status": False, "statusCode": 404, "code": "NOT_FOUND", "message": "Endpoint not found"}
        wanted = json.loads(asked.body, parse_float=Decimal, parse_int=Decimal)
        number = str(next(self._numbers))
        invoice = {
            "id": number,
            "token_id": "5998913548",
            "order_id": wanted["order_id"],
            "order_description": wanted.get("order_description"),
            "price_amount": str(wanted["price_amount"]),
            "price_currency": wanted["price_currency"].upper(),
            "pay_currency": wanted.get("pay_currency"),
            "ipn_callback_url": wanted.get("ipn_callback_url"),
            "invoice_url": f"https://nowpayments.io/payment/?iid={number}",
            "success_url": wanted.get("success_url"),
            "cancel_url": wanted.get("cancel_url"),
            "created_at": "2026-11-21T17:00:00.000Z",
        }
        self.invoices[number] = invoice
        return 200, invoice

    def deposit(
        self, invoice: str, *, pay_amount: str, coin: str = "usdttrc20", parent: int | None = None
    ) -> dict[str, Any]:
        """The payer has chosen a coin, or (with `parent`) sends once more to an old address."""
        of = self.invoices[invoice]
        number = next(self._numbers)
        self.deposits[number] = {
            "payment_id": number,
            "parent_payment_id": parent,
            "invoice_id": int(invoice),
            "payment_status": "waiting",
            "pay_address": "TUTruUEpoLAgSdkLUbLAx4wPmSCVqXNx2c",
            "payin_extra_id": None,
            "price_amount": exact(of["price_amount"]),
            "price_currency": of["price_currency"].lower(),
            "pay_amount": exact(pay_amount),
            "actually_paid": exact("0"),
            "actually_paid_at_fiat": 0,
            "pay_currency": coin,
            "order_id": of["order_id"],
            "order_description": "Guthaben für „Zoë“ / balance",
            "purchase_id": "6236048111",
            "outcome_amount": exact("0.0"),
            "outcome_currency": "usdttrc20",
            "payment_extra_ids": None,
            "fee": {"currency": "usdttrc20", "withdrawalFee": 0, "serviceFee": exact("1e-7"), "depositFee": 0},
        }
        return self.deposits[number]

    def ipn(self, deposit: dict[str, Any], status: str, actually_paid: str = "") -> Sent:
        """A notice: the deposit has come to `status`, and so much has arrived."""
        deposit["payment_status"] = status
        if actually_paid:
            deposit["actually_paid"] = exact(actually_paid)
        return self.signed(deposit)

    def signed(self, said: dict[str, Any], *, secret: str = SECRET) -> Sent:
        """`said` in the order of its keys, signed over the sorted form."""
        signature = hmac.new(secret.encode(), text_of(ordered(said)), hashlib.sha512).hexdigest()
        return [(b"x-nowpayments-sig", signature.encode())], text_of(said)


def ordered(said: Any) -> Any:
    """The same with sorted keys at every depth."""
    return {key: ordered(said[key]) for key in sorted(said)} if isinstance(said, dict) else said


def text_of(said: Any) -> bytes:
    """As JavaScript's `JSON.stringify` writes it: no spaces, text as it is."""
    return msgspec.json.encode(said)
