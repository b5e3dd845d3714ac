"""Who pays which price: the configuration's before the admin API's before the book's; a name may have its own."""

import datetime

import pytest

from fastgw.dataplane.routing.catalog import Catalog
from fastgw.exchange import Candidate
from fastgw.money.pricing import Pricing
from fastgw.money.tariffs import pricing_of
from fastgw.settings import Settings
from fastgw.settings.prices import DatedPrice, Price
from fastgw.settings.values import Credential, ModelSettings, ProviderSettings

OPENAI = ProviderSettings(
    name="openai",
    vendor="openai",
    base_url="https://api.openai.com/v1",
    credentials=(Credential("env", "k"),),
    drain_on_disconnect_s=30,
)
LOCAL = ProviderSettings(name="local", vendor="openai_compatible", base_url="http://h:1/v1", models=("m", "gpt-5"))
ALIASES = (ModelSettings("fast", ("openai/gpt-5-mini", "local/m")), ModelSettings("faster", ("fast",)))


def catalog(prices: dict[str, Price] | None = None, overrides: dict[str, Price] | None = None) -> Catalog:
    return Catalog.build(Settings(providers=(OPENAI, LOCAL), models=ALIASES, prices=prices or {}), {}, overrides)


def first(found: Catalog, name: str) -> Candidate:
    return found.resolve(name)[0]


def input_price(pricing: Pricing | None) -> int | None:
    tariff = pricing.at(2**60) if pricing is not None else None
    return tariff.in_text if tariff is not None else None


def test_a_candidate_knows_what_the_book_says() -> None:
    candidate = first(catalog(), "openai/gpt-5")
    assert input_price(candidate.pricing) == 1_250_000_000
    assert (candidate.context_length, candidate.max_output, candidate.drain_ms) == (400_000, 128_000, 30_000)


def test_what_nobody_prices_has_no_price() -> None:
    found = catalog()
    candidate = first(found, "local/m")
    assert candidate.pricing is None
    assert found.pricing("local/m", candidate) is None
    assert (candidate.context_length, candidate.max_output, candidate.drain_ms) == (0, 0, 0)


@pytest.mark.parametrize(
    ("prices", "overrides", "paid"),
    [({}, {}, 1_250_000_000), ({}, {"openai/gpt-5": 8}, 8), ({"openai/gpt-5": 7}, {"openai/gpt-5": 8}, 7)],
)
def test_the_configuration_counts_before_the_admin_api_before_the_book(
    prices: dict[str, int], overrides: dict[str, int], paid: int
) -> None:
    found = catalog(
        {name: Price(input=price) for name, price in prices.items()},
        {name: Price(input=price) for name, price in overrides.items()},
    )
    candidate = first(found, "openai/gpt-5")
    assert input_price(candidate.pricing) == input_price(found.pricing("openai/gpt-5", candidate)) == paid


def test_zero_is_a_price() -> None:
    assert input_price(first(catalog({"openai/gpt-5": Price()}), "openai/gpt-5").pricing) == 0


def test_a_name_of_its_own_price_costs_that_whoever_serves_it() -> None:
    found = catalog({"fast": Price(input=5)}, {"faster": Price(input=6)})
    mini, local = found.resolve("fast")
    assert input_price(found.pricing("fast", mini)) == input_price(found.pricing("fast", local)) == 5
    assert input_price(mini.pricing) == 250_000_000
    assert local.pricing is None
    assert input_price(found.pricing("faster", local)) == 6
    assert input_price(found.pricing("openai/gpt-5-mini", mini)) == 250_000_000


def test_an_alias_without_a_price_costs_what_serves_it() -> None:
    found = catalog({"local/m": Price(input=9)})
    mini, local = found.resolve("fast")
    assert (input_price(found.pricing("fast", mini)), input_price(found.pricing("fast", local))) == (250_000_000, 9)


def test_lists_show_what_a_caller_pays_on_the_day() -> None:
    day = datetime.date(2026, 12, 1)
    price = Price(input=1, changes=(DatedPrice(from_=day, input=2),))
    found = catalog({"fast": price}, {"local/m": Price(input=3)})
    noon_ms = pricing_of(price).tariffs[1].from_ms + 43_200_000

    def shown(now_ms: int) -> dict[str, int]:
        return {info.id: info.price.input for info in found.models(now_ms) if info.price is not None}

    assert (shown(1)["fast"], shown(noon_ms)["fast"], shown(1)["local/m"]) == (1, 2, 3)
    assert "local/gpt-5" not in shown(1)
    info = found.model("fast", noon_ms)
    assert info is not None
    assert (info.max_output, info.price and info.price.input) == (128_000, 2)


def test_retired_models_are_in_no_list() -> None:
    google = ProviderSettings(name="gemini", vendor="gemini", base_url="https://h/v1beta")
    found = Catalog.build(Settings(providers=(google,)), {})
    names = {info.id for info in found.models()}
    assert "gemini/gemini-2.5-flash" in names
    assert "gemini/gemini-2.0-flash" not in names
    listed = Catalog.build(Settings(providers=(google,)), {"gemini": ["models/gemini-2.0-flash"]})
    assert input_price(first(listed, "gemini/gemini-2.0-flash").pricing) == 100_000_000
