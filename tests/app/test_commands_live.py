"""Money on the command line beside a gateway that runs: what a verb changes, the gateway knows."""

import json
import threading
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.fakes.gateway import PATIENCE_S, Gateway
from tests.fakes.shell import Inside

CONFIG = """
[prices."sandbox/echo"]
input = 1_000_000_000
output = 2_000_000_000

[groups.double]
margin = 2
"""


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose sandbox costs something."""
    with Gateway(tmp_path_factory.mktemp("priced"), CONFIG) as started:
        yield started


def told(gateway: Gateway, *arguments: str) -> Any:
    inside = Inside(gateway.folder)
    config = {"FASTGW_CONFIG": str(gateway.folder / "gateway.toml"), "FASTGW_DATA_DIR": str(gateway.data_dir)}
    done = inside.run(*arguments, "--json", **config)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def mint(gateway: Gateway, name: str, *options: str) -> str:
    key: str = told(gateway, "keys", "create", name, *options)["key"]
    return key


def asked(gateway: Gateway, key: str, model: str = "sandbox/echo", text: str = "hello") -> httpx.Response:
    body = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
    return httpx.post(
        f"{gateway.base_url}/chat/completions", headers=gateway.headers(key), json=body, timeout=PATIENCE_S
    )


def until(condition: Any) -> None:
    deadline = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < deadline
        sleep(0.05)


def test_the_first_key_belongs_to_an_account_without_a_limit(priced: Gateway) -> None:
    default = told(priced, "accounts", "show", "default")
    assert default["prepaid"] is False
    assert asked(priced, priced.key).status_code == 200
    (key,) = [one for one in told(priced, "keys", "list") if one["name"] == "first"]
    assert key["account_id"] == default["id"]
    until(lambda: told(priced, "accounts", "show", "default")["balance_nano_usd"] < 0)


def test_a_credit_lets_requests_through_and_a_charge_is_taken_from_it(priced: Gateway) -> None:
    account = told(priced, "accounts", "create", "ada")["id"]
    key = mint(priced, "ada", "--account", "ada")
    refused = asked(priced, key)
    assert refused.status_code == 402
    assert refused.json()["error"]["code"] == "insufficient_quota"
    told(priced, "accounts", "credit", account, "0.01")
    until(lambda: asked(priced, key).status_code == 200)
    until(lambda: told(priced, "accounts", "show", "ada")["balance_nano_usd"] < 10_000_000)
    sums = told(priced, "usage", "--account", "ada")["totals"]
    assert sums["charge_nano"] == 10_000_000 - told(priced, "accounts", "show", "ada")["balance_nano_usd"]
    assert told(priced, "ledger", "check")["ok"] is True


def test_what_a_running_request_holds_is_shown(priced: Gateway) -> None:
    told(priced, "accounts", "create", "eve")
    told(priced, "accounts", "credit", "eve", "0.01")
    key = mint(priced, "eve", "--account", "eve")
    until(lambda: asked(priced, key).status_code == 200)
    slow = threading.Thread(target=asked, args=(priced, key, "sandbox/echo", "!delay_ms 3000"))
    slow.start()
    until(lambda: told(priced, "accounts", "show", "eve")["held_nano_usd"] > 0)
    slow.join(PATIENCE_S)
    until(lambda: told(priced, "accounts", "show", "eve")["held_nano_usd"] == 0)


def test_an_account_that_is_limited_or_let_go(priced: Gateway) -> None:
    told(priced, "accounts", "create", "bob", "--unlimited")
    key = mint(priced, "bob", "--account", "bob")
    assert asked(priced, key).status_code == 200
    told(priced, "accounts", "limit", "bob")
    until(lambda: asked(priced, key).status_code == 402)
    told(priced, "accounts", "unlimit", "bob")
    until(lambda: asked(priced, key).status_code == 200)


def test_a_quota_of_a_key_holds_whatever_the_account_has(priced: Gateway) -> None:
    key = mint(priced, "small", "--quota-usd", "0.0000001")
    refused = asked(priced, key)
    assert refused.status_code == 402
    assert "quota" in refused.json()["error"]["message"]
    assert httpx.get(f"{priced.base_url}/models", headers=priced.headers(key)).status_code == 200


def test_a_key_that_is_changed_is_another_within_a_moment(priced: Gateway) -> None:
    made = told(priced, "keys", "create", "moving")
    assert asked(priced, made["key"]).status_code == 200
    until(lambda: told(priced, "keys", "show", made["id"])["spent_nano_usd"] > 0)
    told(priced, "keys", "update", made["id"], "--quota-usd", "0.0000001")
    until(lambda: asked(priced, made["key"]).status_code == 402)
    (quota,) = told(priced, "keys", "show", made["id"])["quotas_spent"]
    assert quota["remaining_nano_usd"] == max(0, 100 - quota["spent_nano_usd"])
    told(priced, "keys", "update", made["id"], "--quota-usd", "0", "--models", "sandbox/tools")
    until(lambda: asked(priced, made["key"]).status_code == 403)
    told(priced, "keys", "update", made["id"], "--models", "*", "--group", "double")
    until(lambda: asked(priced, made["key"]).status_code == 200)
    told(priced, "accounts", "create", "moved")
    told(priced, "keys", "update", made["id"], "--account", "moved")
    until(lambda: asked(priced, made["key"]).status_code == 402)
    assert told(priced, "ledger", "check")["ok"] is True


def test_what_a_running_request_holds_of_a_quota_is_shown(priced: Gateway) -> None:
    made = told(priced, "keys", "create", "holding", "--quota-day-usd", "1")
    until(lambda: asked(priced, made["key"]).status_code == 200)
    slow = threading.Thread(target=asked, args=(priced, made["key"], "sandbox/echo", "!delay_ms 3000"))
    slow.start()
    shown = []

    def holds() -> bool:
        shown.append(told(priced, "keys", "show", made["id"]))
        return bool(shown[-1]["held_nano_usd"])

    until(holds)
    slow.join(PATIENCE_S)
    (quota,) = shown[-1]["quotas_spent"]
    left_nano = 1_000_000_000 - quota["spent_nano_usd"] - shown[-1]["held_nano_usd"]
    assert quota["remaining_nano_usd"] == left_nano
    until(lambda: told(priced, "keys", "show", made["id"])["held_nano_usd"] == 0)


def test_a_group_multiplies_prices_and_models_without_a_price_are_refused(priced: Gateway) -> None:
    plain, double = mint(priced, "plain"), mint(priced, "double", "--group", "double")
    one, two = (int(asked(priced, key).headers["x-fastgw-cost-usd"].replace("0.", "")) for key in (plain, double))
    assert two == 2 * one
    told(priced, "accounts", "create", "kim")
    told(priced, "accounts", "credit", "kim", "1")
    assert asked(priced, mint(priced, "kim", "--account", "kim"), "sandbox/tools").status_code == 403
