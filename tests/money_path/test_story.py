"""A new operator's first half hour: an account, money, a key, a request, its cost, and what is left."""

import json
from decimal import Decimal
from typing import Any

import httpx
from openai import OpenAI

from tests.fakes.gateway import Gateway
from tests.fakes.meter import Plan
from tests.money_path.till import Till
from tests.money_path.worth import PLAIN, worth


def test_from_an_account_to_its_bill(till: Till) -> None:
    gateway = till.gateway
    account = typed(gateway, "accounts", "create", "a new customer")["id"]
    typed(gateway, "accounts", "credit", account, "5")
    key = typed(gateway, "keys", "create", "their key", "--account", account, "--quota-usd", "3")["key"]
    with OpenAI(base_url=gateway.base_url, api_key=key, max_retries=0) as client:
        listed = {model.id for model in client.models.list()}
        assert "plain/fake-1" in listed
        raw = client.chat.completions.with_raw_response.create(
            model="plain/fake-1",
            messages=[{"role": "user", "content": Plan(id="story", text=40, said=60).words()}],
            max_completion_tokens=60,
        )
    cost = Decimal(raw.headers["x-fastgw-cost-usd"])
    owed = worth({"in_text": 40, "out_text": 60}, PLAIN)
    assert cost * 1_000_000_000 == owed
    gateway.until_usage(lambda told: any(row.get("model") == "plain/fake-1" for row in told["by_model"]))
    left = httpx.get(f"{gateway.base_url}/usage", headers=gateway.headers(key)).json()
    assert left["mode"] == "quota_limited"
    shown = till.cli("accounts", "show", account)
    assert shown["balance_nano_usd"] + shown["held_nano_usd"] <= 5_000_000_000
    assert gateway.cli("ledger", "check").returncode == 0


def typed(gateway: Gateway, *arguments: str) -> Any:
    """What a verb prints that is run as a process of its own, as people do it."""
    return json.loads(gateway.cli(*arguments, "--json").stdout)
