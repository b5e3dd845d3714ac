"""The law of notices: any order and any repetition of them end in the same balance, for every provider."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastgw.storage.sql.engine import open_engine
from tests.controlplane.payments.conftest import USD, Fakes, Shop
from tests.fakes.till import Sent

EXAMPLES = 8

law = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


@contextmanager
def another(blank: Path, fakes: Fakes) -> Iterator[Shop]:
    """A shop for one example."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{shutil.copy(blank, Path(folder) / 'fastgw.db')}")
        for fake in fakes:
            fake.forget()
        yield Shop(engine, *fakes)
        engine.dispose()


async def told(shop: Shop, provider: str, notices: list[Sent], order: list[int]) -> None:
    """Tell all notices, some of them again and again, beginning in the order of `order`."""
    for number in [*order, *range(len(notices))]:
        assert await shop.hears(provider, notices[number % len(notices)]) == 200


orders = st.lists(st.integers(0, 11), max_size=16)


@law
@given(order=orders, won=st.booleans())
def test_of_stripe(blank: Path, fakes: Fakes, order: list[int], won: bool) -> None:
    async def run(shop: Shop) -> None:
        started = await shop.begin("stripe")
        session = shop.ref(started)
        events = [shop.cards.pay(session, delayed=True), shop.cards.settle(session)]
        events += [shop.cards.refund(session, 300), shop.cards.refund(session, 200)]
        dispute, opened = shop.cards.dispute(session, 1000)
        events += [*opened, *shop.cards.move(dispute, "under_review")]
        events += [*shop.cards.move(dispute, "won" if won else "lost"), shop.cards.expire(session)]
        await told(shop, "stripe", [shop.cards.signed(event) for event in events], order)
        assert shop.balance == (15 if won else 5) * USD

    with another(blank, fakes) as shop:
        asyncio.run(run(shop))


@law
@given(order=orders, refunded=st.booleans())
def test_of_nowpayments(blank: Path, fakes: Fakes, order: list[int], refunded: bool) -> None:
    async def run(shop: Shop) -> None:
        started = await shop.begin("nowpayments")
        tether = shop.coins.deposit(shop.ref(started), pay_amount="20")
        other = shop.coins.deposit(shop.ref(started), pay_amount="0.01", coin="eth")
        stages = [("waiting", "0"), ("confirming", "5"), ("partially_paid", "5"), ("finished", "20.5")]
        notices = [shop.coins.ipn(tether, status, paid) for status, paid in stages]
        notices += [shop.coins.ipn(other, "expired"), shop.coins.ipn(other, "partially_paid", "0.0025")]
        if refunded:
            notices.append(shop.coins.ipn(tether, "refunded"))
        await told(shop, "nowpayments", notices, order)
        assert shop.balance == (5 * USD if refunded else 25 * USD + USD // 2)

    with another(blank, fakes) as shop:
        asyncio.run(run(shop))


@law
@given(order=orders, steps=st.lists(st.integers(0, 30), max_size=3))
def test_of_yookassa(blank: Path, fakes: Fakes, order: list[int], steps: list[int]) -> None:
    async def run(shop: Shop) -> None:
        started = await shop.begin("yookassa")
        ref = shop.ref(started)
        notices = [shop.russian.notice("payment.succeeded", ref)]
        # What is refunded here and there between notices is found, whichever notice comes.
        places = sorted(step % (len(order) + 1) for step in steps)
        for at, number in enumerate(order):
            if at == 0:
                shop.russian.succeed(ref)
            for _ in range(places.count(at)):
                name = shop.russian.refund(ref, "80.00") if shop.russian.payments[ref]["paid"] else ""
                notices += [shop.russian.notice("refund.succeeded", name)] if name else []
            assert await shop.hears("yookassa", notices[number % len(notices)]) == 200
        if not order:
            shop.russian.succeed(ref)
        await told(shop, "yookassa", notices, [])
        assert shop.balance == (20 - len(shop.russian.refunds)) * USD

    with another(blank, fakes) as shop:
        asyncio.run(run(shop))
