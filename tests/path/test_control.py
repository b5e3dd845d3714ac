"""The control plane of a running gateway: an operator sets a price and gives credit, a key spends it and sees that."""

import csv
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import FakeProvider
from tests.fakes.gateway import PATIENCE_S, Gateway, provider_toml

TOKEN = "operator-token-of-tests"
CHAT = {"model": "fake/fake-1", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}
USD = 10**9


class Shop:
    """One gateway, and who asks it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def admin(self, method: str, path: str, body: Any = None, *, token: str = TOKEN) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return httpx.request(method, f"{self.gateway.url}/api/admin/{path}", json=body, headers=headers, timeout=30)

    def ask(
        self, key: str, path: str = "/v1/chat/completions", body: Any = None, method: str = "POST"
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.request(method, self.gateway.url + path, json=body, headers=headers, timeout=30)

    def usage(self, key: str) -> dict[str, Any]:
        answer = self.ask(key, "/v1/usage", method="GET")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def until(self, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while not (found := look()):
            assert time.monotonic() < deadline, self.gateway.log[-4_000:]
            time.sleep(0.1)
        return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with FakeProvider() as provider:
        folder: Path = tmp_path_factory.mktemp("shop")
        environ = {"FASTGW_ADMIN_TOKEN": TOKEN}
        with Gateway(folder, provider_toml("fake", provider.url), workers=2, environ=environ) as gateway:
            yield Shop(gateway)


def test_from_a_new_account_to_the_last_nano(shop: Shop) -> None:
    account = shop.admin("POST", "accounts", {"name": "ada"}).json()
    key = shop.gateway.mint("ada", "--account", "ada")
    empty = shop.usage(key)
    assert (empty["mode"], empty["balance_nano_usd"]) == ("unrestricted", 0)
    assert shop.ask(key, "/v1/models", method="GET").status_code == 200
    # Nobody knows the price of this model, so who pays in advance cannot use it.
    assert shop.ask(key, body=CHAT).status_code == 403
    price = {"input": 2_000 * 10**6, "output": 3_000 * 10**6}
    assert shop.admin("PUT", "prices/fake/fake-1", price).status_code == 200
    poor = shop.until(lambda: (answer := shop.ask(key, body=CHAT)).status_code == 402 and answer)
    assert poor.json()["code"] == "insufficient_quota"
    credit = {"amount_usd": "1.5", "reference": "invoice-1"}
    for _ in range(2):
        assert shop.admin("POST", f"accounts/{account['id']}/credit", credit).json()["balance_usd"] == "1.5"
    answer = shop.until(lambda: (answer := shop.ask(key, body=CHAT)).status_code == 200 and answer)
    used = answer.json()["usage"]
    charge_nano = used["prompt_tokens"] * 2_000 + used["completion_tokens"] * 3_000
    told = shop.until(lambda: (told := shop.usage(key))["usage"]["total"]["requests"] == 1 and told)
    assert told["balance_nano_usd"] == 1_500_000_000 - charge_nano
    assert told["usage"]["total"]["charge_nano_usd"] == told["daily_usage"][0]["charge_nano_usd"] == charge_nano
    assert [row["model"] for row in told["model_stats"]] == ["fake/fake-1"]
    limit = shop.ask(key, "/dashboard/billing/subscription", method="GET").json()["hard_limit_usd"]
    spent = shop.ask(key, "/v1/dashboard/billing/usage", method="GET").json()["total_usage"]
    assert limit == pytest.approx(1.5) and spent == pytest.approx(charge_nano / 10**7)
    rows = list(csv.DictReader(shop.admin("GET", f"usage.csv?account={account['id']}").text.splitlines()))
    assert [(row["model"], row["unpriced"]) for row in rows] == [("fake/fake-1", "false")]
    check = shop.admin("GET", "ledger/check?full=true").json()
    assert check["ok"], check


def test_a_code_is_redeemed_with_a_key(shop: Shop) -> None:
    shop.admin("POST", "accounts", {"name": "bob"})
    key = shop.gateway.mint("bob", "--account", "bob")
    (code,) = json.loads(shop.gateway.cli("codes", "create", "--usd", "3", "--json").stdout)["codes"]
    redeemed = shop.ask(key, "/api/billing/redeem", {"code": code})
    assert (redeemed.status_code, redeemed.json()["balance_nano_usd"]) == (200, 3 * USD)
    assert shop.until(lambda: shop.usage(key)["balance_nano_usd"] == 3 * USD)
    wrong = shop.ask(key, "/api/billing/redeem", {"code": "FGW-00000"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "invalid_code")


def test_every_worker_serves_it_at_every_mount(shop: Shop) -> None:
    for _ in range(8):
        for base in ("/v1", "/api/v1", ""):
            answer = shop.ask(shop.gateway.key, f"{base}/usage?days=7", method="GET")
            assert answer.status_code == 200 and answer.json()["unlimited"] is True
    assert shop.admin("GET", "accounts", token="wrong-token-of-tests").status_code == 401
    bad = shop.ask(shop.gateway.key, "/v1/usage?days=0", method="GET")
    assert (bad.status_code, bad.json()["error"]["param"]) == (400, "days")
