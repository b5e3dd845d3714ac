"""YooKassa: notices are not signed, so only what its API says counts."""

import asyncio
import json

import pytest

from fastgw.controlplane.payments import desk
from fastgw.controlplane.payments.desk import PaymentRefused
from fastgw.controlplane.payments.provider import ORDER_KEY, Terms
from tests.controlplane.payments.conftest import USD, Shop
from tests.fakes import yookassa
from tests.fakes.till import Sent


async def test_a_payment_is_asked_for_as_yookassa_wants_it(shop: Shop) -> None:
    started = await shop.begin("yookassa", 20)
    assert started.url.startswith("https://yoomoney.ru/checkout/")
    assert (started.currency, started.amount_minor, started.credit_nano) == ("RUB", 160_000, 20 * USD)
    (asked,) = shop.russian.asked
    assert asked.headers["idempotence-key"] == started.payment_id
    assert asked.json["amount"] == {"value": "1600.00", "currency": "RUB"}
    assert asked.json["metadata"] == {ORDER_KEY: started.payment_id}


async def test_a_notice_makes_the_api_say_how_it_stands(shop: Shop) -> None:
    started = await shop.begin("yookassa")
    ref = shop.ref(started)
    shop.russian.succeed(ref)
    sent = shop.russian.notice("payment.succeeded", ref)
    for _ in range(3):
        assert await shop.hears("yookassa", sent) == 200
    assert (shop.balance, shop.postings) == (20 * USD, [("payment", 20 * USD)])
    assert shop.payment(started).state == "paid"


async def test_a_forged_notice_moves_nothing(shop: Shop) -> None:
    started = await shop.begin("yookassa")
    ref = shop.ref(started)
    forged = dict(shop.russian.payments[ref], status="succeeded", paid=True, amount={"value": "9", "currency": "USD"})
    body = json.dumps({"type": "notification", "event": "payment.succeeded", "object": forged}).encode()
    assert await shop.hears("yookassa", ([], body)) == 200
    assert (shop.balance, shop.payment(started).state) == (0, "open")


async def test_strangers_cannot_make_the_gateway_ask(shop: Shop) -> None:
    await shop.begin("yookassa")
    shop.russian.asked.clear()
    for name in ("2d000099-000f-5000-8000-18db351245c7", "../../etc/passwd", "a" * 10_000, "", "x/../y-z-12345"):
        body = json.dumps({"event": "payment.succeeded", "object": {"id": name, "status": "succeeded"}}).encode()
        assert await shop.hears("yookassa", ([], body)) in {200, 400}
    assert shop.russian.asked == []


async def test_of_many_notices_about_one_payment_each_asks_alone(shop: Shop) -> None:
    started = await shop.begin("yookassa")
    ref = shop.ref(started)
    shop.russian.succeed(ref)
    shop.russian.asked.clear()
    sent = shop.russian.notice("payment.succeeded", ref)
    statuses = await asyncio.gather(*(shop.hears("yookassa", sent) for _ in range(20)))
    assert set(statuses) <= {200, 503} and 200 in statuses
    assert len(shop.russian.asked) == statuses.count(200)
    assert shop.balance == 20 * USD
    assert await shop.hears("yookassa", sent) == 200
    assert shop.balance == 20 * USD


async def test_a_payment_whose_id_got_lost_is_found_by_what_the_api_says(shop: Shop) -> None:
    shop.russian.troubles.append(None)
    with pytest.raises(PaymentRefused):
        await shop.begin("yookassa")
    (lost,) = shop.store.all()
    assert (lost.state, lost.provider_ref) == ("created", "")
    (ref,) = shop.russian.payments
    shop.russian.succeed(ref)
    assert await shop.hears("yookassa", shop.russian.notice("payment.succeeded", ref)) == 200
    assert shop.balance == 20 * USD
    assert shop.payment(lost.id).provider_ref == ref


async def test_while_an_id_is_lost_made_up_ones_are_asked_about_a_few_times(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "UNKNOWN_ASKED_MAX", 2)
    shop.russian.troubles.append(None)
    with pytest.raises(PaymentRefused):
        await shop.begin("yookassa")
    known = await shop.begin("yookassa")
    begun = len(shop.russian.asked)
    for number in range(5):
        assert await shop.hears("yookassa", _made_up(number)) == 503
    assert len(shop.russian.asked) == begun + 2
    # Those that are known are none of them.
    shop.russian.succeed(shop.ref(known))
    assert await shop.hears("yookassa", shop.russian.notice("payment.succeeded", shop.ref(known))) == 200
    shop.now_ms += 60_000
    assert await shop.hears("yookassa", _made_up(9)) == 503
    assert len(shop.russian.asked) == begun + 4


def _made_up(number: int) -> Sent:
    name = f"22d6d597-000f-5000-9000-{number:012d}"
    return [], json.dumps({"event": "payment.succeeded", "object": {"id": name}}).encode()


async def test_refunds_are_read_from_the_payment(shop: Shop) -> None:
    started = await shop.begin("yookassa")
    ref = shop.ref(started)
    shop.russian.succeed(ref)
    first = shop.russian.refund(ref, "400.00")
    # It tells of the payment, too, which nobody has told of so far.
    assert await shop.hears("yookassa", shop.russian.notice("refund.succeeded", first)) == 200
    assert (shop.balance, shop.payment(started).state) == (15 * USD, "partially_refunded")
    second = shop.russian.refund(ref, "1200.00")
    for name in (second, first, second):
        assert await shop.hears("yookassa", shop.russian.notice("refund.succeeded", name)) == 200
    assert (shop.balance, shop.payment(started).state) == (0, "refunded")


async def test_a_cancelled_payment_brings_nothing(shop: Shop) -> None:
    started = await shop.begin("yookassa")
    shop.russian.cancel(shop.ref(started))
    assert await shop.hears("yookassa", shop.russian.notice("payment.canceled", shop.ref(started))) == 200
    assert (shop.balance, shop.payment(started).state) == (0, "failed")


async def test_the_rate_of_the_payment_holds_whatever_the_settings_say_later(shop: Shop) -> None:
    started = await shop.begin("yookassa")
    shop.trade(shop.new_russian(Terms(currency="RUB", rate_nano=1, min_nano=USD, max_nano=USD)))
    shop.russian.succeed(shop.ref(started))
    assert await shop.hears("yookassa", shop.russian.notice("payment.succeeded", shop.ref(started))) == 200
    assert shop.balance == 20 * USD
    shop.russian.refund(shop.ref(started), "800.00")
    assert await shop.hears("yookassa", shop.russian.notice("payment.succeeded", shop.ref(started))) == 200
    assert shop.balance == 10 * USD


async def test_while_the_api_is_away_notices_come_again(shop: Shop) -> None:
    started = await shop.begin("yookassa")
    ref = shop.ref(started)
    shop.russian.succeed(ref)
    shop.russian.troubles.extend(
        [(500, {}), None, (429, {}), (302, {}), (200, b"<html>"), (200, b"x" * 2_000_000), (401, {})]
    )
    for _ in range(7):
        assert await shop.hears("yookassa", shop.russian.notice("payment.succeeded", ref)) == 503
    assert (shop.balance, shop.events) == (0, 0)
    assert await shop.hears("yookassa", shop.russian.notice("payment.succeeded", ref)) == 200
    assert shop.balance == 20 * USD
    assert not [asked for asked in shop.russian.asked if "elsewhere" in asked.path]


@pytest.mark.parametrize(
    "change",
    [
        {"id": "2d000099-000f-5000-8000-18db351245c7"},
        {"amount": {"value": "NaN", "currency": "RUB"}},
        {"amount": {"value": "1600.001", "currency": "RUB"}},
        {"amount": {"value": "-1", "currency": "RUB"}},
        {"refunded_amount": {"value": "1.00", "currency": "USD"}},
    ],
)
async def test_an_answer_that_makes_no_sense_is_not_believed(shop: Shop, change: dict[str, object]) -> None:
    started = await shop.begin("yookassa")
    ref = shop.ref(started)
    shop.russian.succeed(ref)
    sent = shop.russian.notice("payment.succeeded", ref)
    shop.russian.payments[ref].update(change)
    assert await shop.hears("yookassa", sent) == 503
    assert shop.balance == 0


async def test_networks_can_be_asked_for(shop: Shop) -> None:
    started = await shop.begin("yookassa")
    shop.russian.succeed(shop.ref(started))
    shop.trade(shop.new_russian(networks=("185.71.76.0/27", "2a02:5180::/32")))
    sent = shop.russian.notice("payment.succeeded", shop.ref(started))
    for source in ("185.71.76.32", "203.0.113.7", "::1", "", "nonsense"):
        assert await shop.hears("yookassa", sent, source) == 403
    assert shop.balance == 0
    for source in ("185.71.76.31", "::ffff:185.71.76.1", "2a02:5180::7"):
        assert await shop.hears("yookassa", sent, source) == 200
    assert shop.balance == 20 * USD


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"\xff", b'{"event":"payment.succeeded"}', b"[" * 5000])
async def test_garbage_is_refused(shop: Shop, body: bytes) -> None:
    assert await shop.hears("yookassa", ([], body)) == 400


async def test_other_events_are_left_alone(shop: Shop) -> None:
    body = json.dumps({"event": "payout.succeeded", "object": {"id": "po-1234567890"}}).encode()
    assert await shop.hears("yookassa", ([], body)) == 200


async def test_credentials_are_told_to_nobody(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.russian.troubles.append((401, {"description": yookassa.KEY}))
    with pytest.raises(PaymentRefused) as refused:
        await shop.begin("yookassa")
    assert yookassa.KEY not in caplog.text + refused.value.message
