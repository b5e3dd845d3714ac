"""Stripe: what it is asked, which notices count, and what they come to."""

import json
from urllib.parse import parse_qsl

import pytest

from fastgw.controlplane.payments.desk import PaymentRefused
from fastgw.controlplane.payments.provider import ORDER_KEY, Terms
from fastgw.controlplane.payments.stripe import decimals_of, step_of
from tests.controlplane.payments.conftest import USD, Shop
from tests.fakes import stripe


async def test_a_session_is_asked_for_as_stripe_wants_it(shop: Shop) -> None:
    started = await shop.begin("stripe", 20)
    assert started.url.startswith("https://checkout.stripe.com/")
    assert (started.currency, started.amount_minor, started.credit_nano) == ("USD", 2000, 20 * USD)
    (asked,) = shop.cards.asked
    assert (asked.method, asked.path) == ("POST", "/v1/checkout/sessions")
    assert asked.headers["idempotency-key"] == started.payment_id
    form = dict(parse_qsl(asked.body.decode()))
    assert form["client_reference_id"] == form[f"payment_intent_data[metadata][{ORDER_KEY}]"] == started.payment_id
    assert form["line_items[0][price_data][unit_amount]"] == "2000"
    assert form["adaptive_pricing[enabled]"] == "false"
    assert form["cancel_url"] == form["success_url"] == "https://shop.example/paid"
    assert shop.payment(started).state == "open"
    assert shop.balance == 0


async def test_a_paid_session_is_credited_once_however_often_it_is_told(shop: Shop) -> None:
    started = await shop.begin("stripe")
    paid = shop.cards.pay(shop.ref(started))
    for _ in range(3):
        assert await shop.hears("stripe", shop.cards.signed(paid)) == 200
    assert shop.balance == 20 * USD
    assert shop.postings == [("payment", 20 * USD)]
    assert shop.moved == [shop.account]
    payment = shop.payment(started)
    assert (payment.state, payment.paid_minor, payment.credited_nano) == ("paid", 2000, 20 * USD)


async def test_the_same_said_by_another_event_is_credited_once(shop: Shop) -> None:
    started = await shop.begin("stripe")
    session = shop.ref(started)
    delayed = shop.cards.pay(session, delayed=True)
    assert await shop.hears("stripe", shop.cards.signed(delayed)) == 200
    assert (shop.balance, shop.payment(started).state) == (0, "open")
    for _ in range(2):
        assert await shop.hears("stripe", shop.cards.signed(shop.cards.settle(session))) == 200
    assert shop.balance == 20 * USD


async def test_a_delayed_payment_that_fails_brings_nothing(shop: Shop) -> None:
    started = await shop.begin("stripe")
    session = shop.ref(started)
    shop.cards.pay(session, delayed=True)
    assert await shop.hears("stripe", shop.cards.signed(shop.cards.settle(session, succeeds=False))) == 200
    assert (shop.balance, shop.payment(started).state) == (0, "failed")


async def test_paid_after_expired_is_credited(shop: Shop) -> None:
    started = await shop.begin("stripe")
    session = shop.ref(started)
    paid = shop.cards.pay(session)
    assert await shop.hears("stripe", shop.cards.signed(shop.cards.expire(session))) == 200
    assert shop.payment(started).state == "expired"
    assert await shop.hears("stripe", shop.cards.signed(paid)) == 200
    assert (shop.balance, shop.payment(started).state) == (20 * USD, "paid")


@pytest.mark.parametrize(
    "change",
    ["missing", "no v1", "no t", "two t", "words", "wrong secret", "other body", "old", "early", "v0 only", "empty"],
)
async def test_a_signature_that_is_not_right_is_refused(shop: Shop, change: str) -> None:
    started = await shop.begin("stripe")
    body = shop.cards.pay(shop.ref(started))
    now_s = shop.now_ms // 1000
    right = shop.cards.signed(body)[0][0][1].decode()
    stamp, good, _ = right.split(",")
    headers = {
        "missing": [],
        "no v1": [(b"stripe-signature", stamp.encode())],
        "no t": [(b"stripe-signature", good.encode())],
        "two t": [(b"stripe-signature", f"t=1,{right}".encode())],
        "words": [(b"stripe-signature", b"t=never,v1=\xe9\xff,v1")],
        "wrong secret": shop.cards.signed(body, secrets=("whsec_other",))[0],
        "other body": shop.cards.signed(body + b" ")[0],
        "old": shop.cards.signed(body, at_s=now_s - 301)[0],
        "early": shop.cards.signed(body, at_s=now_s + 301)[0],
        "v0 only": [(b"stripe-signature", f"{stamp},v0={good[3:]}".encode())],
        "empty": [(b"stripe-signature", b"")],
    }[change]
    assert await shop.hears("stripe", (headers, body)) == 400
    assert (shop.balance, shop.events) == (0, 0)
    assert await shop.hears("stripe", shop.cards.signed(body, at_s=now_s - 299)) == 200
    assert shop.balance == 20 * USD


async def test_while_a_secret_is_rotated_the_old_and_the_new_one_hold(shop: Shop) -> None:
    started = await shop.begin("stripe")
    body = shop.cards.pay(shop.ref(started))
    shop.trade(shop.new_stripe(secrets=("whsec_next",)))
    assert await shop.hears("stripe", shop.cards.signed(body)) == 400
    assert await shop.hears("stripe", shop.cards.signed(body, secrets=(stripe.SECRET, "whsec_next"))) == 200
    shop.trade(shop.new_stripe(secrets=("whsec_next", stripe.SECRET)))
    refunded = shop.cards.refund(shop.ref(started), 500)
    assert await shop.hears("stripe", shop.cards.signed(refunded)) == 200
    assert shop.balance == 15 * USD


async def test_without_a_secret_nothing_is_believed(shop: Shop) -> None:
    started = await shop.begin("stripe")
    body = shop.cards.pay(shop.ref(started))
    shop.trade(shop.new_stripe(secrets=()))
    assert await shop.hears("stripe", shop.cards.signed(body, secrets=("",))) == 400


async def test_refunds_are_taken_back_as_far_as_they_were_credited(shop: Shop) -> None:
    started = await shop.begin("stripe")
    session = shop.ref(started)
    paid = shop.cards.pay(session)
    first = shop.cards.refund(session, 500)
    second = shop.cards.refund(session, 1500)
    # The second overtakes all others, and tells of the first, too.
    assert await shop.hears("stripe", shop.cards.signed(second)) == 200
    assert shop.balance == 0
    assert await shop.hears("stripe", shop.cards.signed(paid)) == 200
    assert (shop.balance, shop.payment(started).state) == (0, "refunded")
    assert shop.postings == [("payment", 20 * USD), ("refund", -20 * USD)]
    assert await shop.hears("stripe", shop.cards.signed(first)) == 200
    assert shop.balance == 0


async def test_a_refund_may_leave_less_than_nothing(shop: Shop) -> None:
    started = await shop.begin("stripe")
    await shop.hears("stripe", shop.cards.signed(shop.cards.pay(shop.ref(started))))
    shop.accounts.credit(shop.account, -15 * USD, now_ms=2, kind="debit")
    refund = shop.cards.refund(shop.ref(started), 2000)
    assert await shop.hears("stripe", shop.cards.signed(refund)) == 200
    assert shop.balance == -15 * USD


async def test_a_dispute_takes_the_money_and_brings_it_back_when_won(shop: Shop) -> None:
    started = await shop.begin("stripe")
    session = shop.ref(started)
    await shop.hears("stripe", shop.cards.signed(shop.cards.pay(session)))
    dispute, opened = shop.cards.dispute(session, 2000)
    for event in opened:
        assert await shop.hears("stripe", shop.cards.signed(event)) == 200
    assert (shop.balance, shop.payment(started).state) == (0, "charged_back")
    closed = shop.cards.move(dispute, "won")
    for event in [*closed, *opened]:
        assert await shop.hears("stripe", shop.cards.signed(event)) == 200
    assert (shop.balance, shop.payment(started).state) == (20 * USD, "paid")
    assert shop.postings == [("payment", 20 * USD), ("chargeback", -20 * USD), ("chargeback", 20 * USD)]
    for event in shop.cards.move(dispute, "lost"):
        assert await shop.hears("stripe", shop.cards.signed(event)) == 200
    assert (shop.balance, shop.payment(started).returned_nano) == (0, 20 * USD)


async def test_a_dispute_after_a_refund_takes_only_what_is_left(shop: Shop) -> None:
    started = await shop.begin("stripe")
    session = shop.ref(started)
    await shop.hears("stripe", shop.cards.signed(shop.cards.pay(session)))
    _, opened = shop.cards.dispute(session, 2000)
    await shop.hears("stripe", shop.cards.signed(opened[1]))
    assert await shop.hears("stripe", shop.cards.signed(shop.cards.refund(session, 500))) == 200
    assert shop.balance == 0
    assert sum(amount for kind, amount in shop.postings if kind == "refund") == -5 * USD


async def test_an_inquiry_moves_no_money(shop: Shop) -> None:
    started = await shop.begin("stripe")
    session = shop.ref(started)
    await shop.hears("stripe", shop.cards.signed(shop.cards.pay(session)))
    dispute, opened = shop.cards.dispute(session, 2000, "warning_needs_response")
    for event in [*opened, *shop.cards.move(dispute, "warning_closed")]:
        assert await shop.hears("stripe", shop.cards.signed(event)) == 200
    assert shop.balance == 20 * USD


async def test_a_dispute_waits_while_stripe_cannot_say_whose_it_is(shop: Shop) -> None:
    started = await shop.begin("stripe")
    await shop.hears("stripe", shop.cards.signed(shop.cards.pay(shop.ref(started))))
    _, opened = shop.cards.dispute(shop.ref(started), 2000)
    shop.cards.troubles.extend([(500, {}), None])
    for status in (503, 503, 200):
        assert await shop.hears("stripe", shop.cards.signed(opened[0])) == status
    assert shop.balance == 0


async def test_what_else_the_account_sells_is_none_of_ours(shop: Shop) -> None:
    started = await shop.begin("stripe")
    session = shop.ref(started)
    paid = json.loads(shop.cards.pay(session))
    paid["data"]["object"].update(client_reference_id="order-7", metadata={}, id="cs_other")
    charge = {"id": "ch_9", "object": "charge", "amount_refunded": 5, "currency": "usd", "payment_intent": None}
    for event in (json.dumps(paid).encode(), shop.cards.event("charge.refunded", charge), shop.cards.event("x", {})):
        assert await shop.hears("stripe", shop.cards.signed(event)) == 200
    assert (shop.balance, shop.events) == (0, 0)


async def test_a_reference_that_buyers_of_something_else_can_name_credits_nothing(shop: Shop) -> None:
    started = await shop.begin("stripe")
    paid = json.loads(shop.cards.pay(shop.ref(started)))
    # A payment link of the same account, opened with `?client_reference_id=pay_…`.
    paid["data"]["object"].update(client_reference_id=started.payment_id, metadata={}, id="cs_link")
    assert await shop.hears("stripe", shop.cards.signed(json.dumps(paid).encode())) == 200
    assert (shop.balance, shop.events) == (0, 0)


async def test_another_currency_than_the_payments_is_put_on_record_and_not_credited(shop: Shop) -> None:
    started = await shop.begin("stripe")
    shop.cards.sessions[shop.ref(started)]["currency"] = "jpy"
    assert await shop.hears("stripe", shop.cards.signed(shop.cards.pay(shop.ref(started)))) == 200
    assert (shop.balance, shop.events) == (0, 1)


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"id":1}', b"\xff", b"[" * 5000, b'{"a":' * 5000])
async def test_garbage_with_a_right_signature_is_refused(shop: Shop, body: bytes) -> None:
    assert await shop.hears("stripe", shop.cards.signed(body)) == 400


async def test_a_key_that_stripe_does_not_take_is_told_to_nobody(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.cards.troubles.append((401, {"error": {"message": f"Invalid API Key provided: {stripe.KEY}"}}))
    with pytest.raises(PaymentRefused) as refused:
        await shop.begin("stripe")
    assert refused.value.status == 502
    assert "401" in caplog.text and stripe.KEY not in caplog.text + refused.value.message
    assert shop.desk.names == ("stripe", "nowpayments", "yookassa")


async def test_amounts_follow_the_currency(shop: Shop) -> None:
    yen = Terms(currency="JPY", rate_nano=6_500_000 * 1_000_000, min_nano=USD, max_nano=100 * USD)
    shop.trade(shop.new_stripe(yen))
    started = await shop.begin("stripe", 20)
    # 20 / 0.0065 = 3,076.9 yen.
    assert started.amount_minor == 3077
    assert started.credit_nano == 3077 * 6_500_000
    await shop.hears("stripe", shop.cards.signed(shop.cards.pay(shop.ref(started))))
    assert shop.balance == 3077 * 6_500_000
    assert [decimals_of(currency) for currency in ("USD", "JPY", "KWD", "UGX")] == [2, 0, 3, 2]
    assert [step_of(currency) for currency in ("USD", "JPY", "KWD", "UGX")] == [1, 1, 10, 100]
