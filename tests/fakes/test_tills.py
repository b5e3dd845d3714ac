"""The fakes of payment providers refuse what the providers refuse, and sign as they do."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.fakes import nowpayments, stripe, yookassa
from tests.fakes.nowpayments import FakeNowPayments
from tests.fakes.stripe import FakeStripe
from tests.fakes.till import Receiver, deliver
from tests.fakes.yookassa import FakeYooKassa

FORM = {
    "mode": "payment",
    "success_url": "https://shop.test/",
    "line_items[0][price_data][unit_amount]": "500",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][quantity]": "1",
}


def test_stripe_knows_its_key_and_remembers_what_it_did() -> None:
    with FakeStripe() as fake:
        address = f"{fake.url}/v1/checkout/sessions"
        headers = {"authorization": f"Bearer {stripe.KEY}", "idempotency-key": "k1"}

        def ask(form: dict[str, str], **more: str) -> httpx.Response:
            sent = {"content-type": "application/x-www-form-urlencoded", **headers, **more}
            return httpx.post(address, content=urlencode(form), headers=sent)

        assert ask(FORM, authorization="Bearer sk_other").status_code == 401
        first = ask(FORM).json()
        assert ask(FORM).json() == first
        assert ask({**FORM, "line_items[0][quantity]": "2"}).json()["error"]["type"] == "idempotency_error"
        assert ask({**FORM, "mode": "setup"}, **{"idempotency-key": "k2"}).status_code == 400
        assert ask(FORM, **{"idempotency-key": "k3"}).json()["id"] != first["id"]
        (signature, body) = fake.signed(fake.pay(first["id"]), at_s=7)
        digest = hmac.new(stripe.SECRET.encode(), b"7." + body, hashlib.sha256).hexdigest()
        assert f"t=7,v1={digest},v0=" in signature[0][1].decode()
        charge = fake.charge_of(first["id"])
        found = httpx.get(f"{fake.url}/v1/charges/{charge['id']}", headers=headers).json()
        assert (found["amount"], found["payment_intent"]) == (500, fake.sessions[first["id"]]["payment_intent"])


def test_nowpayments_keeps_the_price_and_signs_the_sorted_notice() -> None:
    with FakeNowPayments() as fake:
        order = {"price_amount": 20.05, "price_currency": "usd", "order_id": "pay_1"}
        assert httpx.post(f"{fake.url}/v1/invoice", json=order, headers={"x-api-key": "x"}).status_code == 403
        made = httpx.post(f"{fake.url}/v1/invoice", json=order, headers={"x-api-key": nowpayments.KEY}).json()
        assert (made["price_amount"], made["order_id"]) == ("20.05", "pay_1")
        headers, body = fake.ipn(fake.deposit(made["id"], pay_amount="20.1"), "finished", "20.10")
    assert b'"actually_paid":20.10' in body and b'"price_amount":20.05' in body

    def ordered(said: Any) -> Any:
        return {key: ordered(said[key]) for key in sorted(said)} if isinstance(said, dict) else said

    said = json.loads(body, parse_float=lambda text: f"<{text}>")
    text = json.dumps(ordered(said), separators=(",", ":"), ensure_ascii=False).replace('"<', "").replace('>"', "")
    right = hmac.new(nowpayments.SECRET.encode(), text.encode(), hashlib.sha512).hexdigest()
    assert headers[0][1].decode() == right


def test_yookassa_knows_its_shop_and_tells_what_it_holds() -> None:
    with FakeYooKassa() as fake:
        right = base64.b64encode(f"{yookassa.SHOP}:{yookassa.KEY}".encode()).decode()
        headers = {"authorization": f"Basic {right}", "idempotence-key": "k1"}
        wanted = {
            "amount": {"value": "100.00", "currency": "RUB"},
            "capture": True,
            "confirmation": {"type": "redirect", "return_url": "https://shop.test/"},
            "description": "",
            "metadata": {},
        }
        assert httpx.post(f"{fake.url}/v3/payments", json=wanted).status_code == 401
        made = httpx.post(f"{fake.url}/v3/payments", json=wanted, headers=headers).json()
        assert httpx.post(f"{fake.url}/v3/payments", json=wanted, headers=headers).json() == made
        assert httpx.post(f"{fake.url}/v3/payments", json=wanted, headers={**headers, "idempotence-key": ""}).is_error
        fake.succeed(made["id"])
        refund = fake.refund(made["id"], "40.00")
        fake.refund(made["id"], "60.00")
        held = httpx.get(f"{fake.url}/v3/payments/{made['id']}", headers=headers).json()
        assert (held["status"], held["refunded_amount"]["value"]) == ("succeeded", "100.00")
        assert httpx.get(f"{fake.url}/v3/refunds/{refund}", headers=headers).json()["amount"]["value"] == "40.00"
        assert json.loads(fake.notice("refund.succeeded", refund)[1])["object"]["payment_id"] == made["id"]


def test_notices_are_sent_until_they_are_accepted() -> None:
    answers = [500, 503, 200, 200]
    with Receiver(lambda headers, body: answers.pop(0)) as address:
        assert deliver(address.url, ([(b"x-a", b"1")], b"said"), tries=5) == [500, 503, 200]
        assert {(asked.body, asked.headers["x-a"]) for asked in address.asked} == {(b"said", "1")}
