"""What the desk lets begin, and what it tells strangers."""

from typing import Any

import pytest

from fastgw.controlplane.payments import desk
from fastgw.controlplane.payments.desk import PaymentRefused, Payments
from fastgw.controlplane.payments.provider import NOTICE_BYTES_MAX, Checkout, Order
from fastgw.controlplane.payments.stripe import Stripe
from tests.controlplane.payments.conftest import CENT, USD, Shop
from tests.fakes.till import Reply


async def test_what_cannot_be_begun_is_said_and_leaves_no_trace(shop: Shop) -> None:
    cases: list[tuple[int, str, dict[str, Any]]] = [
        (404, "There is no payment provider", {"provider": "paypal", "amount_usd_nano": USD}),
        (404, "There is no such account", {"account_id": "acct_none", "amount_usd_nano": USD}),
        (400, "Say one amount", {}),
        (400, "Say one amount", {"amount_usd_nano": USD, "amount_minor": 5}),
        (400, "Say one amount", {"amount_usd_nano": -USD}),
        (400, "between 1 and 10000 USD", {"amount_usd_nano": USD - 1}),
        (400, "between 1 and 10000 USD", {"amount_minor": 1_000_001}),
    ]
    for status, words, given in cases:
        with pytest.raises(PaymentRefused, match=words) as refused:
            await shop.desk.checkout(**{"account_id": shop.account, "provider": "stripe", **given})
        assert refused.value.status == status
    assert shop.store.all() == [] and shop.cards.asked == []


@pytest.mark.parametrize(("trouble", "status"), [((500, {}), 503), (None, 503), ((402, {}), 502), ((200, b"{}"), 502)])
async def test_a_provider_that_fails_is_told_apart_from_one_that_refuses(
    shop: Shop, trouble: Reply | None, status: int
) -> None:
    for fake, name in ((shop.cards, "stripe"), (shop.coins, "nowpayments"), (shop.russian, "yookassa")):
        fake.troubles.append(trouble)
        with pytest.raises(PaymentRefused) as refused:
            await shop.begin(name)
        assert refused.value.status == status
    assert {payment.state for payment in shop.store.all()} == {"created"}


@pytest.mark.parametrize("made", [Checkout("javascript:alert(1)", "x"), Checkout("https://a", ""), Checkout("", "x")])
async def test_an_address_that_is_none_is_not_handed_on(shop: Shop, made: Checkout) -> None:
    class Odd(Stripe):
        async def checkout(self, order: Order) -> Checkout:
            return made

    odd = shop.new_stripe()
    odd.__class__ = Odd
    shop.trade(odd)
    with pytest.raises(PaymentRefused):
        await shop.begin("stripe")


async def test_an_account_can_begin_only_so_many(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "OPENED_PER_HOUR_MAX", 3)
    for _ in range(3):
        await shop.begin("yookassa")
    with pytest.raises(PaymentRefused) as refused:
        await shop.begin("yookassa")
    assert refused.value.status == 429
    shop.now_ms += 3_600_001
    started = await shop.begin("yookassa")
    found = await shop.desk.of_account(shop.account, limit=2)
    assert (len(found), found[0].id) == (2, started.payment_id)
    assert await shop.desk.of_account("acct_none") == []


async def test_an_amount_in_usd_brings_at_least_that_much(shop: Shop) -> None:
    started = await shop.desk.checkout(shop.account, "stripe", amount_usd_nano=USD + 1)
    assert (started.amount_minor, started.credit_nano) == (101, 101 * CENT)


async def test_strangers_get_nowhere(shop: Shop) -> None:
    assert await shop.hears("paypal", ([], b"{}")) == 404
    for name in shop.desk.names:
        assert await shop.hears(name, ([], b" " * (NOTICE_BYTES_MAX + 1))) == 413
        assert await shop.hears(name, ([], b"{}")) == 400
    assert shop.desk.terms("paypal") is None


async def test_strangers_cannot_fill_the_log(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desk, "STRANGERS_LOGGED_MAX", 3)
    made_up = b'{"event":"payment.succeeded","object":{"id":"22d6d597-000f-5000-9000-145f6df21d6f"}}'
    for _ in range(4):
        assert await shop.hears("stripe", ([], b"{}")) == 400
        assert await shop.hears("yookassa", ([], made_up)) == 200
    assert len(caplog.records) == 3 + 1
    shop.now_ms += 60_000
    assert await shop.hears("stripe", ([], b"{}")) == 400
    assert len(caplog.records) == 3 + 2 and "stripe" in caplog.records[-1].getMessage()


async def test_a_balance_is_booked_even_if_nobody_can_be_told(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    async def moved(account_id: str) -> None:
        raise ConnectionError("the store is away")

    lonely = Payments(shop.providers, shop.store, moved=moved, wall_ms=lambda: shop.now_ms)
    started = await shop.begin("stripe")
    headers, body = shop.cards.signed(shop.cards.pay(shop.ref(started)))
    assert (await lonely.notify("stripe", headers, body, "")).status == 200
    assert shop.balance == 20 * USD
    assert "nobody was told" in caplog.text
