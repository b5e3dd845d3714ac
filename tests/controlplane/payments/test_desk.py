"""The desk books notices once, on both databases, whatever happens in between."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from fastgw.controlplane.payments.desk import Payments
from fastgw.controlplane.payments.provider import Checkout, Order
from fastgw.controlplane.payments.stripe import Stripe
from tests.controlplane.payments.conftest import USD, Shop
from tests.fakes.till import Receiver, Sent, deliver
from tests.storage.sql.databases import engine

__all__ = ["engine"]
"""Of both databases."""

PARALLEL = 20


async def test_the_same_notice_many_times_at_once_credits_once(shop: Shop) -> None:
    started = await shop.begin("stripe")
    paid = shop.cards.signed(shop.cards.pay(shop.ref(started)))
    statuses = await asyncio.gather(*(shop.hears("stripe", paid) for _ in range(PARALLEL)))
    assert set(statuses) == {200}
    assert (shop.balance, shop.events, shop.moved) == (20 * USD, 1, [shop.account])
    refunds = [shop.cards.signed(shop.cards.refund(shop.ref(started), 100)) for _ in range(PARALLEL // 2)]
    statuses = await asyncio.gather(*(shop.hears("stripe", sent) for sent in refunds * 2))
    assert set(statuses) == {200}
    assert shop.balance == 10 * USD
    assert shop.payment(started).returned_nano == 10 * USD


async def test_notices_of_several_payments_at_once_all_count(shop: Shop) -> None:
    begun = [await shop.begin("nowpayments", 10 + number) for number in range(8)]
    notices: list[Sent] = []
    for number, started in enumerate(begun):
        deposit = shop.coins.deposit(shop.ref(started), pay_amount=str(10 + number))
        notices.append(shop.coins.ipn(deposit, "finished", str(10 + number)))
    statuses = await asyncio.gather(*(shop.hears("nowpayments", sent) for sent in notices * 2))
    assert set(statuses) == {200}
    assert shop.balance == sum(10 + number for number in range(8)) * USD


async def test_notices_come_again_over_http_until_they_are_booked(shop: Shop) -> None:
    started = await shop.begin("stripe")
    paid = shop.cards.signed(shop.cards.pay(shop.ref(started)))
    loop = asyncio.get_running_loop()
    books = Broken(shop, times=2)

    def take(headers: list[tuple[bytes, bytes]], body: bytes) -> int:
        notified = books.desk.notify("stripe", headers, body, "127.0.0.1")
        return asyncio.run_coroutine_threadsafe(notified, loop).result(15).status

    with Receiver(take) as address:
        assert await asyncio.to_thread(deliver, address.url + "/api/payments/stripe/notify", paid) == [503, 503, 200]
        assert await asyncio.to_thread(deliver, address.url + "/api/payments/stripe/notify", paid) == [200]
        forged = (paid[0], paid[1].replace(b"2000", b"9000"))
        assert await asyncio.to_thread(deliver, address.url, forged, 1) == [400]
    assert (shop.balance, shop.events) == (20 * USD, 1)


class Broken:
    """A desk whose books fail right before they commit, so many times."""

    def __init__(self, shop: Shop, times: int) -> None:
        self._left = times
        self._lock = threading.Lock()
        store = shop.store

        class Books:
            def __getattr__(self, name: str) -> Any:
                return getattr(store, name)

            def apply(self, *given: Any) -> Any:
                return failing(lambda: store.apply(*given))

        def failing(work: Callable[[], Any]) -> Any:
            with self._lock:
                self._left -= 1
                fails = self._left >= 0
            if not fails:
                return work()
            with store._engine.begin() as connection:
                connection.execute(text("UPDATE payments SET credited_nano = 1"))
                raise OSError("the disk is full")

        self.desk = Payments(shop.providers, Books(), wall_ms=lambda: shop.now_ms)


async def test_a_payment_is_kept_before_its_provider_hears_of_it(shop: Shop) -> None:
    kept: list[str] = []

    class Slow(Stripe):
        async def checkout(self, order: Order) -> Checkout:
            kept.append(shop.payment(order.payment_id).state)
            await super().checkout(order)
            raise OSError("killed right here")

    slow = shop.new_stripe()
    slow.__class__ = Slow
    shop.trade(slow)
    with pytest.raises(OSError, match="killed"):
        await shop.begin("stripe")
    assert kept == ["created"]
    # The payer may have seen the page in spite of it, and paid.
    (session,) = shop.cards.sessions
    shop.trade(shop.new_stripe())
    assert await shop.hears("stripe", shop.cards.signed(shop.cards.pay(session))) == 200
    assert shop.balance == 20 * USD
    (payment,) = shop.store.all()
    assert (payment.state, payment.provider_ref) == ("paid", session)


async def test_a_notice_that_is_quicker_than_the_answer_is_not_undone_by_it(shop: Shop) -> None:
    class Quick(Stripe):
        async def checkout(self, order: Order) -> Checkout:
            made = await super().checkout(order)
            assert await shop.hears("stripe", shop.cards.signed(shop.cards.pay(made.provider_ref))) == 200
            return made

    quick = shop.new_stripe()
    quick.__class__ = Quick
    shop.trade(quick)
    started = await shop.begin("stripe")
    assert (shop.balance, shop.payment(started).state) == (20 * USD, "paid")
