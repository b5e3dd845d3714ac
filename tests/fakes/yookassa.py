"""A fake of YooKassa: payments and refunds behind its HTTP API, and notices that nobody signs."""

import base64
import itertools
import json
from decimal import Decimal
from typing import Any

from tests.fakes.till import Asked, Reply, Sent, Till

SHOP = "100500"
KEY = "test_FakeFakeFakeFakeFakeFakeFake"


class FakeYooKassa(Till):
    """`succeed`, `cancel` and `refund` change what it holds; `notice` tells of it."""

    def __init__(self) -> None:
        super().__init__()
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self._done: dict[str, tuple[bytes, str]] = {}
        self._numbers = itertools.count(1)

    def forget(self) -> None:
        """Drop all payments."""
        super().forget()
        for objects in (self.payments, self.refunds, self._done):
            objects.clear()

    def serve(self, asked: Asked) -> Reply:
        """The API, as far as the gateway uses it."""
        right = base64.b64encode(f"{SHOP}:{KEY}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {right}":
            return 401, _error("invalid_credentials")
        match asked.method, asked.path.strip("/").split("/"):
            case "POST", ["v3", "payments"]:
                return self._create(asked)
            case "GET", ["v3", "payments", name] if name in self.payments:
                return 200, self.payments[name]
            case "GET", ["v3", "refunds", name] if name in self.refunds:
                return 200, self.refunds[name]
        return 404, _error("not_found")

    def _create(self, asked: Asked) -> Reply:
        key = asked.headers.get("idempotence-key", "")
        if not 0 < len(key) <= 64:
            return 400, _error("invalid_request")
        if key in self._done:
            body, name = self._done[key]
            return (200, self.payments[name]) if body == asked.body else (400, _error("invalid_request"))
        wanted = asked.json
        assert wanted["capture"] is True and wanted["confirmation"]["type"] == "redirect"
        number = f"2d{next(self._numbers):06x}-000f-5000-8000-18db351245c7"
        self.payments[number] = {
            "id": number,
            "status": "pending",
            "paid": False,
            "amount": wanted["amount"],
            "confirmation": {
                "type": "redirect",
                "return_url": wanted["confirmation"]["return_url"],
                "confirmation_url": f"https://yoomoney.ru/checkout/payments/v2/contract?orderId={number}",
            },
            "created_at": "2026-11-21T17:00:00.000Z",
            "description": wanted["description"],
            "metadata": wanted["metadata"],
            "recipient": {"account_id": SHOP, "gateway_id": "100700"},
            "refundable": False,
            "test": True,
        }
        self._done[key] = (asked.body, number)
        return 200, self.payments[number]

    def succeed(self, payment: str) -> None:
        """The payer has paid, and the money is captured."""
        found = self.payments[payment]
        zero = {"value": "0.00", "currency": found["amount"]["currency"]}
        found.update(status="succeeded", paid=True, refundable=True, refunded_amount=zero)
        found.pop("confirmation", None)

    def cancel(self, payment: str) -> None:
        """Nobody paid in time, or the bank said no."""
        self.payments[payment].update(status="canceled", cancellation_details={"reason": "expired_on_confirmation"})

    def refund(self, payment: str, value: str) -> str:
        """Some goes back; the id of the refund."""
        found = self.payments[payment]
        whole = Decimal(found["refunded_amount"]["value"]) + Decimal(value)
        assert whole <= Decimal(found["amount"]["value"])
        found["refunded_amount"] = {"value": f"{whole:.2f}", "currency": found["amount"]["currency"]}
        name = f"216749f7-0016-50be-b000-{next(self._numbers):012x}"
        amount = {"value": value, "currency": found["amount"]["currency"]}
        self.refunds[name] = {"id": name, "payment_id": payment, "status": "succeeded", "amount": amount}
        return name

    def notice(self, event: str, name: str) -> Sent:
        """A notice about what it holds now."""
        held = self.refunds[name] if event.startswith("refund.") else self.payments[name]
        return [], json.dumps({"type": "notification", "event": event, "object": held}, indent=2).encode()


def _error(code: str) -> dict[str, Any]:
    return {"type": "error", "id": "ab5a11cd-13cc-4e33-af8b-75a74e18dd09", "code": code, "description": "…"}
