"""The shipped book is there for every vendor that names one, and is what the build script makes."""

import datetime
from decimal import Decimal
from importlib import resources
from typing import Any

import msgspec
import pytest
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from fastgw.money.book import FOLDER, NO_BOOK, Book, ModelFacts, shipped
from fastgw.money.book_build import _TOKENS, BOOKS, _nano, build, price_of, written
from fastgw.money.outputs import CONTEXTS_UNSURE, OUTPUTS
from fastgw.money.tariffs import pricing_of
from fastgw.providers import VENDORS
from fastgw.settings.prices import DatedPrice, Price, PriceTier, SpeedPrice
from fastgw.usage import NOTHING, Usage

NOW_MS = 1_795_219_200_000


@pytest.mark.parametrize("name", sorted(vendor.price_book for vendor in VENDORS.values() if vendor.price_book))
def test_each_book_is_shipped_and_sound(name: str) -> None:
    book = shipped(name)
    assert len(book.models) > 5
    for alias in (*book.also.values(), *book.prefixes.values()):
        assert alias in book.models
    for facts in book.models.values():
        assert facts.context_length >= 0
        assert facts.price is None or pricing_of(facts.price).at(NOW_MS) is not None


def test_names_are_found_exactly_then_by_alias_then_by_the_longest_beginning() -> None:
    one, two, three = ModelFacts(1), ModelFacts(2), ModelFacts(3)
    book = Book({"m": one, "m-x": two, "m-x-y": three}, {"alias": "m-x"}, {"m-": "m", "m-x-": "m-x-y"})
    assert [book.find(name) for name in ("m", "alias", "m-2026", "m-x-2026", "other")] == [one, two, one, three, None]


def test_models_that_search_with_every_call_take_a_price_for_it() -> None:
    facts = shipped("openai").find("gpt-5-search-api")
    assert facts is not None and facts.price is not None
    tariff = pricing_of(facts.price).at(NOW_MS)
    assert tariff is not None
    assert tariff.charge(Usage(in_text=1_000)) == tariff.bound(1_000, 0) == 10_000_000 + 1_250_000
    assert tariff.charge(NOTHING) == 0


def test_an_unknown_book_is_empty() -> None:
    assert shipped("none") is NO_BOOK
    assert shipped("") is NO_BOOK


def test_names_of_one_price_may_have_limits_of_their_own() -> None:
    book = Book({"m": ModelFacts(9)}, {"m-chat": "m"}, {"m-": "m"}, {"m": 100, "m-chat": 10})
    found = [book.find(name) for name in ("m", "m-2026", "m-chat", "m-chat-2026")]
    assert [facts and facts.max_output for facts in found] == [100, 100, 10, 10]


def test_every_limit_is_of_a_model_that_the_book_may_have() -> None:
    for name, outputs in OUTPUTS.items():
        book = shipped(name)
        assert book.outputs == outputs
        names = [one.lower() for one in (*book.models, *book.also, *book.prefixes)]
        for beginning in outputs:
            known = any(one.startswith(beginning) or beginning.startswith(one) for one in names)
            assert known or "-chat" in beginning or name == "vertex", f"{name}: {beginning}"


def test_contexts_that_nobody_can_be_sure_of_are_unknown() -> None:
    for name, models in CONTEXTS_UNSURE.items():
        assert {model: shipped(name).models[model].context_length for model in models} == dict.fromkeys(models, 0)
    # Priced for prompts of more than is said to fit.
    sonnet = shipped("anthropic").models["claude-sonnet-4-5"]
    assert (sonnet.context_length, bool(sonnet.price and sonnet.price.tiers)) == (0, True)


def test_retired_models_are_priced_and_not_current() -> None:
    book = shipped("google")
    (gone,) = [name for name in ("gemini-2.0-flash",) if name in book.models]
    assert book.models[gone].price is not None
    assert gone not in book.current
    assert "gemini-2.5-flash" in book.current


def test_prices_are_exact_and_rounded_up() -> None:
    assert _nano(Decimal("1.25")) == 1_250_000_000
    assert _nano(Decimal("0.0000000001")) == 1


def priced(prices: Any) -> Price:
    found = price_of(ModelInfo(id="m", match=ClauseEquals("m"), prices=prices))
    assert found is not None
    return found


def test_each_class_has_its_price() -> None:
    usd = {field: Decimal(number) for number, field in enumerate(_FIELDS, 1)}
    found = priced(ModelPrice(**usd))
    assert [getattr(found, name) for name in _TOKENS] == [number * 10**9 for number in range(1, len(_TOKENS) + 1)]
    assert found.character == {"default": 11 * 10**9}
    assert found.page == {"default": 12 * 10**12, "annotated": 13 * 10**12}
    assert found.search == {"web": 14 * 10**12, "file": 15 * 10**12}
    assert found.second == {"default": -(-16 * 10**15 // 3600)}


_FIELDS = (
    "input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "input_audio_mtok",
    "input_image_mtok", "output_reasoning_mtok", "output_audio_mtok", "output_image_mtok", "input_mchars",
    "input_document_kpages", "input_annotated_document_kpages", "web_searches_kcount", "storage_searches_kcount",
    "audio_hours",
)  # fmt: skip


def test_tiers_are_complete() -> None:
    tiered = TieredPrices(base=Decimal(1), tiers=[Tier(start=200, price=Decimal(2)), Tier(start=500, price=Decimal(3))])
    found = priced(ModelPrice(input_mtok=tiered, output_mtok=Decimal(7)))
    assert (found.input, found.output) == (10**9, 7 * 10**9)
    assert found.tiers == (
        PriceTier(above=200, input=2 * 10**9, output=7 * 10**9),
        PriceTier(above=500, input=3 * 10**9, output=7 * 10**9),
    )


def test_prices_of_days_and_the_dearest_of_hours() -> None:
    day = datetime.date(2026, 9, 1)
    cheap, dear, new = (ModelPrice(input_mtok=Decimal(number), output_mtok=Decimal(1)) for number in (1, 2, 3))
    night = TimeOfDateConstraint(datetime.time(22, tzinfo=datetime.UTC), datetime.time(1, tzinfo=datetime.UTC))
    found = priced(
        [
            ConditionalPrice(prices=cheap),
            ConditionalPrice(constraint=night, prices=dear),
            ConditionalPrice(constraint=StartDateConstraint(day), prices=new),
        ]
    )
    assert found == Price(
        input=2 * 10**9, output=10**9, changes=(DatedPrice(from_=day, input=3 * 10**9, output=10**9),)
    )


def test_speeds_that_requests_may_ask_for_and_no_batches() -> None:
    day = datetime.date(2026, 10, 12)
    usual = ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2))
    variants = [
        PriceVariant({"service_tier": "priority"}, ModelPrice(output_mtok=Decimal(4)), StartDateConstraint(day)),
        PriceVariant({"processing": "batch"}, ModelPrice(output_mtok=Decimal(1))),
        PriceVariant({"service_tier": "default"}, ModelPrice()),
    ]
    found = price_of(ModelInfo(id="m", match=ClauseEquals("m"), prices=usual, price_variants=variants))
    common: dict[str, Any] = {"input": 10**9, "output": 2 * 10**9}
    speeds = {"priority": SpeedPrice(input=10**9, output=4 * 10**9)}
    assert found == Price(**common, changes=(DatedPrice(from_=day, speeds=speeds, **common),))


def test_searches_alone_are_no_price() -> None:
    prices = ModelPrice(web_searches_kcount=Decimal(10))
    assert price_of(ModelInfo(id="m", match=ClauseEquals("m"), prices=prices)) is None


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_what_is_shipped_is_what_the_build_script_makes(name: str) -> None:
    made = written(build(name))
    assert msgspec.json.decode(made, type=Book) == shipped(name)
    assert resources.files("fastgw.money").joinpath(FOLDER, f"{name}.json").read_bytes() == made


def test_the_book_has_what_vendors_say() -> None:
    """Rows that were looked up at the vendors, 2026-11-21."""
    sonnet = shipped("anthropic").find("claude-sonnet-4-5-20250929")
    assert sonnet is not None
    assert sonnet.price is not None
    assert (sonnet.price.cache_write, sonnet.price.cache_write_1h) == (3_750_000_000, 6_000_000_000)
    assert [(tier.above, tier.input, tier.output) for tier in sonnet.price.tiers] == [
        (200_000, 6_000_000_000, 22_500_000_000)
    ]
    argon = shipped("google").find("gemini-4-argon")
    assert argon is not None
    assert argon.price is not None
    assert (argon.price.input, argon.price.changes[0].from_, argon.price.changes[0].input) == (
        2_000_000_000,
        datetime.date(2026, 12, 1),
        4_000_000_000,
    )
