"""Top-ups of a whole gateway: from an empty balance over a payment to an answer, and back by a dispute."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fastgw.clock import wall_ms
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.check import check
from fastgw.storage.sql.codes import Codes
from fastgw.storage.sql.engine import open_engine, url_of
from tests.fakes import FakeProvider, nowpayments, stripe, yookassa
from tests.fakes.gateway import PATIENCE_S, Gateway, provider_toml
from tests.fakes.nowpayments import FakeNowPayments
from tests.fakes.stripe import FakeStripe
from tests.fakes.till import Sent, deliver
from tests.fakes.yookassa import FakeYooKassa

USD = 1_000_000_000


class Town:
    """A gateway, the providers it is paid through, and one customer of its own."""

    def __init__(self, folder: Path, provider: FakeProvider) -> None:
        self.cards, self.coins, self.russian = FakeStripe(), FakeNowPayments(), FakeYooKassa()
        config = f"""
[prices."fake/fake-1"]
input = 1
output = 1
[payments.rates]
RUB = "0.0125"
[payments.stripe]
base_url = "{self.cards.url}"
secret_key = "{stripe.KEY}"
webhook_secret = "{stripe.SECRET}"
success_url = "https://shop.test/paid"
[payments.nowpayments]
base_url = "{self.coins.url}"
api_key = "{nowpayments.KEY}"
ipn_secret = "{nowpayments.SECRET}"
[payments.yookassa]
base_url = "{self.russian.url}"
shop_id = "{yookassa.SHOP}"
secret_key = "{yookassa.KEY}"
return_url = "https://shop.test/paid"
"""
        self.gateway = Gateway(folder, provider_toml("fake", provider.url) + config)

    def __enter__(self) -> "Town":
        for fake in (self.cards, self.coins, self.russian):
            fake.__enter__()
        self.gateway.start()
        self.engine = open_engine(url_of("", self.gateway.data_dir))
        self.accounts = Accounts(self.engine)
        self.account = self.accounts.create("zoe", prepaid=True, now_ms=1).id
        self.key = self.gateway.mint("zoe", "--account", self.account)
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.dispose()
        self.gateway.__exit__()
        for fake in (self.cards, self.coins, self.russian):
            fake.__exit__()

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return httpx.post(
            self.gateway.url + path, json=body, headers=self.gateway.headers(self.key), timeout=PATIENCE_S
        )

    def checkout(self, provider: str, usd: int) -> dict[str, Any]:
        answer = self.post("/api/billing/checkout", {"provider": provider, "amount_usd": usd})
        assert answer.status_code == 201, answer.text
        started: dict[str, Any] = answer.json()
        return started

    def tell(self, provider: str, sent: Sent) -> list[int]:
        return deliver(f"{self.gateway.url}/api/payments/{provider}/notify", sent)

    def asks(self) -> int:
        body = {"model": "fake/fake-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
        return self.post("/v1/chat/completions", body).status_code

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.05)

    @property
    def balance(self) -> int:
        assert not [one for one in check(self.engine, now_ms=wall_ms()) if not one.ok]
        found = self.accounts.get(self.account)
        assert found is not None
        return found.balance_nano


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with FakeProvider() as provider, Town(tmp_path / "gateway", provider) as town:
        yield town


def test_who_pays_is_served_until_the_bank_takes_it_back(town: Town) -> None:
    assert town.asks() == 402
    by_card = town.checkout("stripe", 20)
    (session,) = town.cards.sessions
    assert session in by_card["url"]
    paid = town.cards.signed(town.cards.pay(session))
    forged = town.cards.signed(paid[1], secrets=("whsec_mine",))
    assert town.tell("stripe", forged) == [400] * 3
    assert town.asks() == 402
    assert town.tell("stripe", paid) == town.tell("stripe", paid) == [200]
    town.until(lambda: town.asks() == 200, "the balance is never seen")

    town.checkout("nowpayments", 5)
    (invoice,) = town.coins.invoices
    deposit = town.coins.deposit(invoice, pay_amount="5")
    for status in ("waiting", "confirming", "finished"):
        assert town.tell("nowpayments", town.coins.ipn(deposit, status, "5")) == [200]
    town.checkout("yookassa", 10)
    (payment,) = town.russian.payments
    town.russian.succeed(payment)
    assert town.tell("yookassa", town.russian.notice("payment.succeeded", payment)) == [200]
    (code,) = Codes(town.engine).create(3 * USD, now_ms=1)
    assert [town.post("/api/billing/redeem", {"code": code}).json()["again"] for _ in range(2)] == [False, True]
    town.until(lambda: 37 * USD < town.balance <= 38 * USD, "not everything is credited")

    town.accounts.credit(town.account, -15 * USD, now_ms=1, kind="debit")
    _, opened = town.cards.dispute(session, 2000)
    for event in opened:
        assert town.tell("stripe", town.cards.signed(event)) == [200]
    refunded = town.russian.refund(payment, "800.00")
    assert town.tell("yookassa", town.russian.notice("refund.succeeded", refunded)) == [200]
    town.until(lambda: town.asks() == 402, "the dispute is never seen")
    assert -7 * USD - USD // 100 < town.balance <= -7 * USD
    listed = httpx.get(town.gateway.url + "/api/billing/payments", headers=town.gateway.headers(town.key)).json()
    assert {one["provider"]: one["state"] for one in listed["data"]} == {
        "stripe": "charged_back",
        "nowpayments": "paid",
        "yookassa": "refunded",
    }
    for secret in (stripe.KEY, stripe.SECRET, nowpayments.KEY, nowpayments.SECRET, yookassa.KEY, code):
        assert secret not in town.gateway.log


@pytest.mark.long
def test_notices_that_a_killed_gateway_did_not_answer_count_once(town: Town) -> None:
    count = 25
    notices: list[Sent] = []
    for _ in range(count):
        town.checkout("stripe", 2)
    for session in town.cards.sessions:
        notices.append(town.cards.signed(town.cards.pay(session)))
    answered: list[int] = []

    def tell() -> None:
        for number, sent in enumerate(notices):
            while number not in answered:
                try:
                    if town.tell("stripe", sent)[-1] == 200:
                        answered.append(number)
                except OSError:
                    time.sleep(0.05)

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    for kills in range(1, 4):
        town.until(lambda at=kills: len(answered) >= 6 * at, "notices are not answered")  # type: ignore[misc]
        town.gateway.kill()
        town.gateway.start()
    telling.join(PATIENCE_S)
    assert len(answered) == count
    for sent in notices:
        assert town.tell("stripe", sent) == [200]
    assert town.balance == 2 * count * USD
