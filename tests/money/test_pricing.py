"""Charges are exact and rounded up once; no charge exceeds its bound; what is affordable fits the hold."""

import math
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.money.amounts import PPM
from fastgw.money.pricing import OUTPUT_MAX, Extra, Pricing, Tariff
from fastgw.usage import NOTHING, Usage

INPUT = ("in_text", "cache_read", "cache_write_5m", "cache_write_1h", "in_audio", "in_image")
OUTPUT = ("out_text", "out_reasoning", "out_audio", "out_image")
UNITS = ("image", "second", "character", "page", "search")

PRICES = st.one_of(st.just(0), st.integers(0, 10**13))
SPECIAL = st.one_of(st.just(-1), PRICES)
MARGINS = st.one_of(st.just(0), st.just(PPM), st.integers(0, 5 * PPM))
TOKENS = st.integers(0, 2_000_000)


@st.composite
def token_prices(draw: st.DrawFn, above: int = 0) -> Tariff:
    return Tariff(
        above=above,
        in_text=draw(PRICES),
        cache_read=draw(SPECIAL),
        cache_write_5m=draw(SPECIAL),
        cache_write_1h=draw(SPECIAL),
        in_audio=draw(SPECIAL),
        in_image=draw(SPECIAL),
        out_text=draw(PRICES),
        out_reasoning=draw(SPECIAL),
        out_audio=draw(SPECIAL),
        out_image=draw(SPECIAL),
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    bounds = sorted(draw(st.sets(st.integers(1, 1_000_000), max_size=3)))
    variants = st.dictionaries(st.sampled_from(["default", "a", "b", "web"]), PRICES, max_size=3)
    return msgspec.structs.replace(
        draw(token_prices()),
        call=draw(PRICES),
        units={unit: draw(variants) for unit in UNITS},
        tiers=tuple(draw(token_prices(above)) for above in bounds),
    )


TEXT_USAGES = st.builds(Usage, *[st.integers(0, 300_000) for _ in (*INPUT, *OUTPUT)])
USAGES = st.builds(
    lambda usage, searches: msgspec.structs.replace(usage, searches=searches),
    TEXT_USAGES,
    st.sampled_from([0, 0, 1, 2, 1_000]),
)
EXTRAS = st.lists(
    st.tuples(st.sampled_from(UNITS), st.sampled_from(["", "a", "b", "c"]), st.integers(0, 10**6)), max_size=3
).map(tuple)


def exact(tariff: Tariff, usage: Usage, margin_ppm: int, extras: tuple[Extra, ...]) -> Fraction:
    """The charge before rounding, written down the long way."""
    if usage == NOTHING and not extras:
        return Fraction(0)
    prices = tariff
    for tier in tariff.tiers:
        if usage.input_tokens > tier.above:
            prices = tier
    total = Fraction(tariff.call, 10**6)
    for name in (*INPUT, *OUTPUT):
        total += Fraction(getattr(usage, name) * getattr(prices, name), 10**6)
    for unit, variant, count in (*extras, ("search", "web", usage.searches)):
        table = tariff.units.get(unit) or {"": 0}
        price = table.get(variant, table.get("default", max(table.values())))
        total += Fraction(count * price, 10**9 if unit == "second" else 10**6)
    return total * Fraction(margin_ppm, PPM)


@settings(max_examples=120)
@given(tariffs(), USAGES, MARGINS, EXTRAS)
def test_a_charge_is_the_exact_sum_rounded_up_once(
    tariff: Tariff, usage: Usage, margin_ppm: int, extras: tuple[Extra, ...]
) -> None:
    assert tariff.charge(usage, margin_ppm, extras) == math.ceil(exact(tariff, usage, margin_ppm, extras))


@settings(max_examples=150)
@given(tariffs(), TEXT_USAGES, MARGINS, EXTRAS, st.integers(0, 1_000), st.integers(0, 1_000))
def test_no_charge_exceeds_the_bound_of_its_tokens(
    tariff: Tariff, usage: Usage, margin_ppm: int, extras: tuple[Extra, ...], more_in: int, more_out: int
) -> None:
    bound = tariff.bound(usage.input_tokens + more_in, usage.output_tokens + more_out, margin_ppm, extras)
    assert bound >= tariff.charge(usage, margin_ppm, extras)


@settings(max_examples=120)
@given(tariffs(), TOKENS, st.integers(0, 10**13), MARGINS)
def test_what_is_affordable_fits_the_hold_and_no_more_does(
    tariff: Tariff, prompt: int, hold_nano: int, margin_ppm: int
) -> None:
    tokens = tariff.affordable(hold_nano, prompt, margin_ppm)
    assert 0 <= tokens <= OUTPUT_MAX
    if tokens:
        assert tariff.bound(prompt, tokens, margin_ppm) <= hold_nano
    if tokens < OUTPUT_MAX:
        assert tariff.bound(prompt, tokens + 1, margin_ppm) > hold_nano


@settings(max_examples=60)
@given(tariffs(), TOKENS, TOKENS, MARGINS)
def test_a_bound_of_fewer_tokens_is_no_more(tariff: Tariff, prompt: int, output: int, margin_ppm: int) -> None:
    bound = tariff.bound(prompt, output, margin_ppm)
    assert tariff.bound(prompt // 2, output, margin_ppm) <= bound
    assert tariff.bound(prompt, output // 2, margin_ppm) <= bound


def test_what_has_no_price_costs_what_it_is_a_part_of() -> None:
    plain = Tariff(in_text=3, out_text=15)
    assert {getattr(plain, name) for name in INPUT} == {3}
    assert {getattr(plain, name) for name in OUTPUT} == {15}
    cached = Tariff(in_text=100, cache_write_5m=125, out_text=1)
    assert (cached.cache_write_1h, cached.cache_read) == (125, 100)
    assert Tariff(in_text=100, cache_read=0).cache_read == 0


def test_the_tier_holds_for_the_whole_request_and_cached_tokens_count() -> None:
    long = Tariff(in_text=2_000_000, out_text=4_000_000, above=200_000)
    tariff = Tariff(in_text=1_000_000, out_text=1_000_000, tiers=(long,))
    assert tariff.charge(Usage(in_text=200_000, out_text=10)) == 200_010
    assert tariff.charge(Usage(in_text=200_001, out_text=10)) == 400_002 + 40
    assert tariff.charge(Usage(in_text=1, cache_read=200_000, out_text=10)) == 400_002 + 40


def test_searches_cost_what_the_book_says_beside_the_tokens() -> None:
    """Anthropic and OpenAI take 10 USD for a thousand."""
    prices = {"web": 10_000_000_000_000, "file": 2_500_000_000_000}
    tariff = Tariff(in_text=3_000_000_000, out_text=15_000_000_000, units={"search": prices})
    tokens = Usage(in_text=1_000, out_text=100)
    assert tariff.charge(tokens) == 4_500_000
    assert tariff.charge(msgspec.structs.replace(tokens, searches=3)) == 4_500_000 + 3 * 10_000_000
    assert tariff.charge(msgspec.structs.replace(tokens, searches=3), 2 * PPM) == 2 * (4_500_000 + 3 * 10_000_000)
    assert tariff.charge(Usage(searches=1)) == 10_000_000
    assert tariff.charge(Usage(searches=1), PPM, (("search", "file", 1),)) == 12_500_000
    assert Tariff(in_text=1, call=5_000_000).charge(Usage(searches=7)) == 5, "without a price they are free"


def test_a_tier_that_cannot_be_reached_is_not_held() -> None:
    long = Tariff(in_text=9_000_000, out_text=9_000_000, above=1_000)
    tariff = Tariff(in_text=1_000_000, out_text=1_000_000, tiers=(long,))
    assert tariff.bound(1_000, 100) == 1_100
    assert tariff.bound(1_001, 100) == 9 * 1_101


def test_the_dearest_of_a_cheaper_tier_still_counts() -> None:
    cheap = Tariff(in_text=500_000, out_text=500_000, above=1_000)
    tariff = Tariff(in_text=1_000_000, out_text=1_000_000, tiers=(cheap,))
    assert tariff.bound(2_000, 100) == 2_100


def test_nothing_used_costs_nothing_and_a_call_costs_once() -> None:
    tariff = Tariff(in_text=1_000_000, call=7_000_000)
    assert tariff.charge(NOTHING) == 0
    assert tariff.charge(Usage(in_text=2)) == 9
    assert tariff.charge(NOTHING, PPM, (("image", "", 1),)) == 7
    assert tariff.bound(2, 0) == 9


@pytest.mark.parametrize(
    ("table", "variant", "price"),
    [
        ({"hd": 80, "default": 40}, "hd", 80),
        ({"hd": 80, "default": 40}, "sd", 40),
        ({"hd": 80, "sd": 40}, "8k", 80),
        ({"hd": 80, "sd": 0}, "sd", 0),
        ({}, "hd", 0),
    ],
)
def test_a_variant_without_a_price_costs_the_fallback(table: dict[str, int], variant: str, price: int) -> None:
    tariff = Tariff(units={"image": {name: one * 10**6 for name, one in table.items()}})
    assert tariff.charge(NOTHING, PPM, (("image", variant, 3),)) == 3 * price


def test_seconds_are_counted_in_milliseconds() -> None:
    tariff = Tariff(units={"second": {"default": 500_000_000 * 10**6}})
    assert tariff.charge(NOTHING, PPM, (("second", "1080p", 2_500),)) == 1_250_000_000


def test_one_rounding_for_tokens_and_pieces_together() -> None:
    tariff = Tariff(in_text=400_000, units={"character": {"default": 400_000}})
    assert tariff.charge(Usage(in_text=1), PPM, (("character", "", 1),)) == 1


def test_a_margin_of_nothing_makes_everything_free() -> None:
    tariff = Tariff(in_text=10**9, out_text=10**9)
    assert tariff.charge(Usage(in_text=5, out_text=5), 0) == 0
    assert tariff.affordable(0, 10**6, 0) == OUTPUT_MAX
    assert tariff.affordable(10**9, 0, 0) == OUTPUT_MAX


def test_what_was_not_priced_yet_has_no_tariff() -> None:
    first, second = Tariff(from_ms=1_000, in_text=1), Tariff(from_ms=2_000, in_text=2)
    pricing = Pricing((first, second))
    assert [pricing.at(now) for now in (999, 1_000, 1_999, 2_000, 10**15)] == [None, first, first, second, second]
