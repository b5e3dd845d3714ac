"""A desk with all three providers, each behind a fake of its API.

Payments are in SQLite, except in modules that bring an `engine` for both databases.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from fastgw.controlplane.payments.desk import Payments, Started
from fastgw.controlplane.payments.nowpayments import NowPayments
from fastgw.controlplane.payments.provider import PaymentProvider, Terms
from fastgw.controlplane.payments.stripe import Stripe
from fastgw.controlplane.payments.yookassa import YooKassa
from fastgw.money.topups import Payment
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.check import check
from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.payments import PaymentStore
from fastgw.storage.sql.schema import migrate
from fastgw.storage.sql.tables import PAYMENT_EVENTS
from tests.fakes import nowpayments, stripe, yookassa
from tests.fakes.nowpayments import FakeNowPayments
from tests.fakes.stripe import FakeStripe
from tests.fakes.till import Sent
from tests.fakes.yookassa import FakeYooKassa
from tests.storage.sql.databases import postgres, url

__all__ = ["postgres", "url"]

USD = 1_000_000_000
CENT = USD // 100
DOLLARS = Terms(currency="USD", rate_nano=CENT * 1_000_000, min_nano=USD, max_nano=10_000 * USD)
RUBLES = Terms(currency="RUB", rate_nano=125_000 * 1_000_000, min_nano=USD, max_nano=1_000 * USD)
"""80 RUB for 1 USD."""


@dataclass
class Shop:
    """A desk, its fakes and its books."""

    engine: Engine
    cards: FakeStripe
    coins: FakeNowPayments
    russian: FakeYooKassa
    now_ms: int = 1_800_000_000_000
    moved: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.engine)
        self.store = PaymentStore(self.engine)
        self.account = self.accounts.create("Zoë", prepaid=True, now_ms=1).id
        self.cards.now_s = lambda: self.now_ms // 1000
        self.providers: list[PaymentProvider] = [self.new_stripe(), self.new_coins(), self.new_russian()]
        self.desk = self.new_desk()

    def new_desk(self) -> Payments:
        """A desk as after a restart."""

        async def moved(account_id: str) -> None:
            self.moved.append(account_id)

        return Payments(self.providers, self.store, moved=moved, wall_ms=lambda: self.now_ms)

    def new_stripe(self, terms: Terms = DOLLARS, secrets: tuple[str, ...] = (stripe.SECRET,)) -> Stripe:
        """Stripe over the fake."""
        return Stripe(
            secret_key=stripe.KEY,
            webhook_secrets=secrets,
            terms=terms,
            success_url="https://shop.example/paid",
            cancel_url="",
            base_url=self.cards.url,
            wall_ms=lambda: self.now_ms,
        )

    def new_coins(self, terms: Terms = DOLLARS, secret: str = nowpayments.SECRET) -> NowPayments:
        """NOWPayments over the fake."""
        return NowPayments(
            api_key=nowpayments.KEY,
            ipn_secret=secret,
            terms=terms,
            pay_currency="usdttrc20",
            addresses={"success_url": "https://shop.example/paid", "cancel_url": ""},
            base_url=self.coins.url,
        )

    def new_russian(self, terms: Terms = RUBLES, networks: tuple[str, ...] = ()) -> YooKassa:
        """YooKassa over the fake."""
        return YooKassa(
            shop_id=yookassa.SHOP,
            secret_key=yookassa.KEY,
            terms=terms,
            return_url="https://shop.example/paid",
            networks=networks,
            base_url=self.russian.url,
        )

    def trade(self, provider: PaymentProvider) -> None:
        """Put another in the place of the provider of this name, as new settings do."""
        self.providers = [provider if one.name == provider.name else one for one in self.providers]
        self.desk = self.new_desk()

    async def begin(self, provider: str, usd: int = 20) -> Started:
        """Begin a payment over so many USD."""
        return await self.desk.checkout(self.account, provider, amount_usd_nano=usd * USD)

    async def hears(self, provider: str, sent: Sent, source_ip: str = "203.0.113.7") -> int:
        """The desk gets a notice; the status of its answer."""
        headers, body = sent
        return (await self.desk.notify(provider, headers, body, source_ip)).status

    def payment(self, started: Started | str) -> Payment:
        """How a payment stands."""
        found = self.store.get(started if isinstance(started, str) else started.payment_id)
        assert found is not None
        return found

    def ref(self, started: Started) -> str:
        """The provider's id of a payment."""
        return self.payment(started).provider_ref

    @property
    def balance(self) -> int:
        """Of the account, in nano-USD; the books must be right whenever somebody looks."""
        bad = [finding for finding in check(self.engine, now_ms=self.now_ms) if not finding.ok]
        assert not [one for one in bad if "below" not in one.name], bad
        found = self.accounts.get(self.account)
        assert found is not None
        return found.balance_nano

    @property
    def postings(self) -> list[tuple[str, int]]:
        """Kinds and amounts, oldest first."""
        return [(one.kind, one.amount_nano) for one in reversed(self.accounts.history(self.account, limit=1000))]

    @property
    def events(self) -> int:
        """How many notices are on record."""
        with self.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(PAYMENT_EVENTS)).scalar_one()


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the current schema, to be copied."""
    file = tmp_path_factory.mktemp("blank") / "fastgw.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def engine(blank: Path, tmp_path: Path) -> Iterator[Engine]:
    """A database with the current schema."""
    made = open_engine(f"sqlite:///{shutil.copy(blank, tmp_path / 'fastgw.db')}")
    yield made
    made.dispose()


Fakes = tuple[FakeStripe, FakeNowPayments, FakeYooKassa]


@pytest.fixture(scope="session")
def fakes() -> Iterator[Fakes]:
    """The three providers, for all tests."""
    with FakeStripe() as cards, FakeNowPayments() as coins, FakeYooKassa() as russian:
        yield cards, coins, russian


@pytest.fixture
def shop(engine: Engine, fakes: Fakes) -> Shop:
    """All of it, empty."""
    for fake in fakes:
        fake.forget()
    return Shop(engine, *fakes)
