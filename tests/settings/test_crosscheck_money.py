"""Every mistake in the settings of money is told, with its line."""

from pathlib import Path

import pytest

from fastgw.protocols.registry import CALLERS
from fastgw.providers import VENDORS
from fastgw.settings import check, doubts, load
from fastgw.settings.money import ENDPOINTS
from fastgw.settings.prices import DatedPrice, PriceTier
from tests.settings.written import write

GOOD = """\
admin_token = "0123456789abcdef"

[money]
gate_away = "allowance"
allowance_usd = 0.5
tokens_per_byte_ppm_by_model = { "p/m" = 500_000 }

[[providers]]
name = "p"
base_url = "http://127.0.0.1:9/v1"
drain_on_disconnect_s = 60

[[models]]
name = "fast"
targets = ["p/m"]

[prices."p/m"]
input = 0
output = 0

[prices.fast]
input = 100
output = 500
cache_read = 0
call = 1_000_000_000_000
image = { "1024x1024/high" = 167_000_000_000_000, default = 200_000_000_000_000 }
tiers = [{ above = 200_000, input = 200, output = 1000 }]

[[prices.fast.changes]]
from = 2026-12-01
input = 50
output = 250

[[prices.fast.changes]]
from = "2027-01-01"
input = 40

[groups.partners]
margin = 1.2
platform = "anthropic"
endpoints = ["messages"]

[groups.free]
margin = 0

[payments]
rates = { RUB = "0.0125" }

[payments.stripe]
secret_key = "sk_test"
webhook_secret = "whsec"
success_url = "https://shop.test/done?session={CHECKOUT_SESSION_ID}"
min_usd = "2.50"
max_usd = 500
"""


def test_all_that_may_be_said(tmp_path: Path) -> None:
    settings = load({}, write(tmp_path, GOOD), VENDORS)
    assert (settings.money.gate_away, str(settings.money.allowance_usd)) == ("allowance", "0.5")
    assert settings.money.tokens_per_byte_ppm_by_model == {"p/m": 500_000}
    assert settings.providers[0].drain_on_disconnect_s == 60
    fast = settings.prices["fast"]
    assert (fast.cache_read, fast.cache_write, fast.call) == (0, None, 10**12)
    assert fast.tiers == (PriceTier(above=200_000, input=200, output=1_000),)
    assert [(entry.from_ and entry.from_.isoformat(), entry.input, entry.output) for entry in fast.changes] == [
        ("2026-12-01", 50, 250),
        ("2027-01-01", 40, 0),
    ]
    assert isinstance(fast.changes[0], DatedPrice)
    assert {name: str(group.margin) for name, group in settings.groups.items()} == {"partners": "1.2", "free": "0"}
    assert settings.groups["partners"].endpoints == ("messages",)
    assert {name: str(rate) for name, rate in settings.payments.rates.items()} == {"RUB": "0.0125"}
    assert (str(settings.payments.stripe.min_usd), str(settings.payments.stripe.max_usd)) == ("2.50", "500")


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ('admin_token = "short"', 1, "admin_token", "Is no safe token."),
        ("[groups.a]\nmargin = -1", 2, "groups.a.margin", "Is no margin."),
        ("[groups.a]\nmargin = 1.0000001", 2, "groups.a.margin", "Is no margin."),
        ("[groups.a]\nmargin = nan", 2, "groups.a.margin", "Is no margin."),
        ("[groups.a]\nmargin = 1001", 2, "groups.a.margin", "Is no margin."),
        ('[groups.a]\nendpoints = ["gemini", "chatt"]', 2, "groups.a.endpoints[1]", "There is no 'chatt'."),
        ("[money]\nallowance_usd = -1", 2, "money.allowance_usd", "Is no amount of USD."),
        ("[money]\nallowance_usd = inf", 2, "money.allowance_usd", "Is no amount of USD."),
        ('[money]\nallowance_usd = "0.0000000001"', 2, "money.allowance_usd", "Is no amount of USD."),
        ('[prices.m]\ninput = 1\n[[prices.m.changes]]\ninput = 2', 3, "prices.m.changes[0]", "Does not say from when."),
        (
            "[prices.m]\nfrom = 2026-12-01\n[[prices.m.changes]]\nfrom = 2026-12-01",
            4,
            "prices.m.changes[0].from",
            "Is the day of another entry too.",
        ),
        (
            "[prices.m]\ntiers = [\n{ above = 5, input = 1, output = 2 },\n{ above = 5, input = 1, output = 2 }]",
            4,
            "prices.m.tiers[1].above",
            "Is the bound of another tier too.",
        ),
        ("[payments.stripe]\nmin_usd = 5\nmax_usd = 4", 2, "payments.stripe.min_usd", "Is more than max_usd."),
        ('[payments.stripe]\nsecret_key = "k"\nsuccess_url = "https://h/"', 2, "payments.stripe.secret_key",
         "webhook_secret is missing."),
        ('[payments.stripe]\nsecret_key = "k"\nwebhook_secret = "w"', 2, "payments.stripe.secret_key",
         "success_url is missing."),
        ('[payments.nowpayments]\napi_key = "k"\nipn_secret = "s"\ncurrency = "EUR"', 4,
         "payments.nowpayments.currency", "EUR has no rate."),
        ('[payments.nowpayments]\ncurrency = "usdt"', 2, "payments.nowpayments.currency", "Is no currency."),
        ('[payments.yookassa]\nnotice_ips = ["10.0.0.0/8", "x"]', 2, "payments.yookassa.notice_ips[1]",
         "Is no network."),
        ('[payments.nowpayments]\napi_key = "k"', 2, "payments.nowpayments.api_key", "ipn_secret is missing."),
        (
            '[payments.yookassa]\nsecret_key = "k"\nshop_id = "1"\ncurrency = "USD"',
            2,
            "payments.yookassa.secret_key",
            "return_url is missing.",
        ),
        ('[payments.stripe]\nbase_url = "https://h/?x=1"', 2, "payments.stripe.base_url", "Has a query or fragment."),
        ('[payments.stripe]\ncancel_url = "ftp://h/"', 2, "payments.stripe.cancel_url", "Has the scheme 'ftp'"),
        ("[payments.rates]\nrub = 1", 2, "payments.rates.rub", "Is no currency."),
        ("[payments.rates]\nRUB = 0", 2, "payments.rates.RUB", "Is no rate."),
        ("[prices.m]\nfrom = 2026-13-01", 2, "", "Is not valid TOML"),
        ('[prices.m]\nfrom = "soon"', 2, "prices.m.from", "Invalid RFC3339"),
        ("[prices.m]\ncache_read = -1", 2, "prices.m.cache_read", "Expected `int` >= 0."),
        ('[prices.m]\nimage = { hd = "x" }', 2, "prices.m.image", "Expected `int`, got `str`."),
        ('[prices.m]\ntiers = [{ input = 1, output = 2 }]', 2, "prices.m.tiers[0]", "The key above is missing."),
        ('[prices.m]\ntiers = [{ above = 5, output = 1 }]', 2, "prices.m.tiers[0]", "The key input is missing."),
        ('[prices.m.speeds.priority]\ninput = 1', 1, "prices.m.speeds.priority", "The key output is missing."),
        ("[prices.m]\ncache_reed = 1", 2, "prices.m.cache_reed", "Unknown key."),
    ],
)  # fmt: skip
def test_each_mistake_is_told(tmp_path: Path, text: str, line: int, key: str, message: str) -> None:
    (mistake,) = check({}, write(tmp_path, text), VENDORS)
    assert (mistake.line, mistake.key) == (line, key)
    assert mistake.message.startswith(message)
    assert mistake.remedy


def test_endpoints_of_groups_are_what_callers_ask_in(tmp_path: Path) -> None:
    assert set(ENDPOINTS) == CALLERS.keys() - {"compact"}
    (mistake,) = check({}, write(tmp_path, '[groups.a]\nendpoints = ["chatt"]'), VENDORS)
    assert mistake.remedy == "Did you mean chat?"
    assert check({}, write(tmp_path, f"[groups.a]\nendpoints = {list(ENDPOINTS)}"), VENDORS) == []


PRICED = """
[[providers]]
name = "local"
base_url = "http://127.0.0.1:1/v1"

[[models]]
name = "dated"
targets = ["local/m"]
"""


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        (
            "gpt-5",
            "Is neither provider/model nor an alias: this price counts only for callers",
            "Write provider/model.",
        ),
        ("datd", "Is neither provider/model nor an alias", "Did you mean dated?"),
        ("locl/m", "There is no provider locl: this price counts only", "Did you mean local?"),
        ("nosuch/m", "There is no provider nosuch", "Write provider/model."),
        ("local/", "Names no model", "Write provider/model."),
    ],
)
def test_a_price_of_nothing_that_there_is_is_doubted(tmp_path: Path, name: str, message: str, remedy: str) -> None:
    file = write(tmp_path, f'{PRICED}[prices."{name}"]\ninput = 1\n')
    assert check({}, file, VENDORS) == []
    (doubt,) = doubts({}, file, VENDORS)
    assert (doubt.file, doubt.line) == (str(file), 9)
    assert doubt.message.startswith(message)
    assert doubt.remedy == remedy


def test_prices_of_aliases_and_of_models_are_not_doubted(tmp_path: Path) -> None:
    file = write(tmp_path, f'{PRICED}[prices.dated]\ninput = 1\n[prices."local/x"]\n[prices."openai/gpt-5"]\n')
    assert doubts({"OPENAI_API_KEY": "sk-x"}, file, VENDORS) == []
    assert [doubt.line for doubt in doubts({}, file, VENDORS)] == [12]
