"""A fake of Stripe: Checkout Sessions, payment intents, charges and disputes behind its HTTP API, and signed events."""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.till import Asked, Reply, Sent, Till

KEY = "sk_test_51FakeFakeFake"
SECRET = "whsec_fake_secret_of_the_endpoint"


class FakeStripe(Till):
    """`pay`, `settle`, `expire`, `refund`, `dispute` and `move` change what it holds; each returns its event."""

    def __init__(self) -> None:
        super().__init__()
        self.secret = SECRET
        self.now_s: Callable[[], int] = lambda: int(time.time())
        self.sessions: dict[str, dict[str, Any]] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.charges: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self._done: dict[str, tuple[bytes, Any]] = {}
        self._numbers = itertools.count(1)

    def forget(self) -> None:
        """Drop all objects."""
        super().forget()
        for objects in (self.sessions, self.intents, self.charges, self.disputes, self._done):
            objects.clear()

    def serve(self, asked: Asked) -> Reply:
        """The API, as far as the gateway uses it."""
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return 401, _error("invalid_request_error", f"Invalid API Key provided: {KEY[:7]}****")
        match asked.method, asked.path.strip("/").split("/"):
            case "POST", ["v1", "checkout", "sessions"]:
                return self._create(asked)
            case "GET", ["v1", "payment_intents", name] if name in self.intents:
                return 200, self.intents[name]
            case "GET", ["v1", "charges", name] if name in self.charges:
                return 200, self.charges[name]
        return 404, _error("invalid_request_error", f"No such object: {asked.path}")

    def _create(self, asked: Asked) -> Reply:
        key = asked.headers.get("idempotency-key", "")
        if key in self._done:
            body, answer = self._done[key]
            if body != asked.body:
                return 400, _error("idempotency_error", "Keys for idempotent requests can only be used with the same…")
            return 200, answer
        if asked.headers["content-type"] != "application/x-www-form-urlencoded":
            return 400, _error("invalid_request_error", "Invalid request")
        form = dict(parse_qsl(asked.body.decode(), strict_parsing=True))
        if form["mode"] != "payment" or not form["success_url"]:
            return 400, _error("invalid_request_error", "Missing required param")
        number = next(self._numbers)
        session: dict[str, Any] = {
            "id": f"cs_test_{number:058d}",
            "object": "checkout.session",
            "url": f"https://checkout.stripe.com/c/pay/cs_test_{number:058d}#fidkdWxO",
            "amount_total": int(form["line_items[0][price_data][unit_amount]"]) * int(form["line_items[0][quantity]"]),
            "currency": form["line_items[0][price_data][currency]"],
            "client_reference_id": form.get("client_reference_id"),
            "metadata": _metadata(form, "metadata"),
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "livemode": False,
        }
        session["_intent_metadata"] = _metadata(form, "payment_intent_data[metadata]")
        self.sessions[session["id"]] = session
        self._done[key] = (asked.body, _shown(session))
        return 200, _shown(session)

    def pay(self, session: str, *, delayed: bool = False) -> bytes:
        """The payer is through with the page; with `delayed` the money takes days."""
        found = self.sessions[session]
        number = next(self._numbers)
        intent = {"id": f"pi_{number:024d}", "object": "payment_intent", "metadata": found["_intent_metadata"]}
        self.intents[intent["id"]] = intent
        found.update(payment_intent=intent["id"], status="complete", payment_status="unpaid" if delayed else "paid")
        if not delayed:
            self._charge(found)
        return self.event("checkout.session.completed", _shown(found))

    def settle(self, session: str, *, succeeds: bool = True) -> bytes:
        """A delayed payment comes to its end."""
        found = self.sessions[session]
        if succeeds:
            found["payment_status"] = "paid"
            self._charge(found)
        word = "succeeded" if succeeds else "failed"
        return self.event(f"checkout.session.async_payment_{word}", _shown(found))

    def expire(self, session: str) -> bytes:
        """Nobody paid in time."""
        self.sessions[session].update(status="expired", url=None)
        return self.event("checkout.session.expired", _shown(self.sessions[session]))

    def refund(self, session: str, amount: int) -> bytes:
        """Some of the charge goes back; the event has all that went back so far."""
        charge = self.charge_of(session)
        charge["amount_refunded"] += amount
        assert charge["amount_refunded"] <= charge["amount"]
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        return self.event("charge.refunded", charge)

    def dispute(self, session: str, amount: int, status: str = "needs_response") -> tuple[str, list[bytes]]:
        """The payer's bank wants money back: id of the dispute, and the events that come of it."""
        charge = self.charge_of(session)
        dispute = {
            "id": f"du_{next(self._numbers):024d}",
            "object": "dispute",
            "amount": amount,
            "currency": charge["currency"],
            "charge": charge["id"],
            "payment_intent": charge["payment_intent"],
            "status": status,
            "metadata": {},
        }
        self.disputes[str(dispute["id"])] = dispute
        events = [self.event("charge.dispute.created", dispute)]
        if not status.startswith("warning"):
            events.append(self.event("charge.dispute.funds_withdrawn", dispute))
        return str(dispute["id"]), events

    def move(self, dispute: str, status: str) -> list[bytes]:
        """A dispute goes on, or is closed: won, lost."""
        found = self.disputes[dispute]
        found["status"] = status
        kind = "closed" if status in {"won", "lost", "warning_closed"} else "updated"
        events = [self.event(f"charge.dispute.{kind}", found)]
        if status == "won":
            events.append(self.event("charge.dispute.funds_reinstated", found))
        return events

    def charge_of(self, session: str) -> dict[str, Any]:
        """The charge of a paid session."""
        intent = self.sessions[session]["payment_intent"]
        return next(charge for charge in self.charges.values() if charge["payment_intent"] == intent)

    def event(self, kind: str, about: dict[str, Any]) -> bytes:
        """An event as it goes over the wire: pretty-printed, as Stripe's are."""
        event = {
            "id": f"evt_{next(self._numbers):024d}",
            "object": "event",
            "api_version": "2025-09-30.clover",
            "created": self.now_s(),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": 1,
            "type": kind,
        }
        return json.dumps(event, indent=2).encode()

    def signed(self, body: bytes, *, at_s: int | None = None, secrets: tuple[str, ...] = ()) -> Sent:
        """The notice with its signature, by one secret or, while one is rotated, by several."""
        stamp = self.now_s() if at_s is None else at_s
        items = [f"t={stamp}"]
        for secret in secrets or (self.secret,):
            digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
            items.append(f"v1={digest}")
        # An older scheme that has to be ignored.
        items.append("v0=" + "0" * 64)
        return [(b"stripe-signature", ",".join(items).encode())], body

    def _charge(self, session: dict[str, Any]) -> None:
        number = next(self._numbers)
        charge = {
            "id": f"ch_{number:024d}",
            "object": "charge",
            "amount": session["amount_total"],
            "amount_refunded": 0,
            "currency": session["currency"],
            "metadata": dict(session["_intent_metadata"]),
            "payment_intent": session["payment_intent"],
            "refunded": False,
        }
        self.charges[str(charge["id"])] = charge


def _metadata(form: dict[str, str], name: str) -> dict[str, str]:
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(name + "[")}


def _shown(session: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in session.items() if not name.startswith("_")}


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message}}
