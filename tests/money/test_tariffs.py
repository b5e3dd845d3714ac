"""Written prices become the tariffs that they say, on their days."""

import datetime

from fastgw.money.shown import TOKENS
from fastgw.money.tariffs import day_ms, price_at, pricing_of
from fastgw.settings.prices import DatedPrice, Price, PriceTier, SpeedPrice
from fastgw.usage import NOTHING, Usage

DAY = datetime.date(2026, 12, 1)
DAY_MS = 1_796_083_200_000
PRICE = Price(
    input=1_000_000,
    output=5_000_000,
    cache_read=100_000,
    cache_write=1_250_000,
    reasoning=7_000_000,
    output_audio=11_000_000,
    tiers=(PriceTier(above=500, input=8_000_000, output=9_000_000), PriceTier(above=100, input=2_000_000, output=0)),
    call=3_000_000,
    image={"default": 40_000_000},
    changes=(DatedPrice(from_=DAY, input=2_000_000, output=10_000_000),),
)


def test_every_class_of_tokens_has_its_price() -> None:
    price = Price(
        input=1, cache_read=2, cache_write=3, cache_write_1h=4, input_audio=5, input_image=6,
        output=7, reasoning=8, output_audio=9, output_image=10,
    )  # fmt: skip
    tariff = pricing_of(price).at(0)
    assert tariff is not None
    assert [getattr(tariff, name) for name in TOKENS] == list(range(1, 11))


def test_what_is_left_out_costs_what_it_is_a_part_of() -> None:
    tariff = pricing_of(PRICE).at(0)
    assert tariff is not None
    usage = Usage(
        in_text=1, in_audio=1, in_image=1, cache_read=10, cache_write_5m=4, cache_write_1h=4,
        out_text=1, out_reasoning=1, out_audio=1, out_image=1,
    )  # fmt: skip
    assert tariff.charge(usage) == 3 + (3 * 1) + 1 + 5 + 5 + (5 + 7 + 11 + 5)


def test_tiers_are_in_order_and_complete() -> None:
    tariff = pricing_of(PRICE).at(0)
    assert tariff is not None
    assert [tier.above for tier in tariff.tiers] == [100, 500]
    assert tariff.charge(Usage(in_text=101, out_text=10)) == 3 + 202
    assert tariff.charge(Usage(cache_read=501)) == 3 + 501 * 8


def test_pieces_have_their_price() -> None:
    tariff = pricing_of(PRICE).at(0)
    assert tariff is not None
    assert tariff.charge(NOTHING, extras=(("image", "1024x1024", 2),)) == 3 + 80
    assert set(tariff.units) == {"image"}


def test_a_price_holds_from_its_day_on() -> None:
    pricing = pricing_of(PRICE)
    assert day_ms(DAY) == DAY_MS
    before, after = pricing.at(DAY_MS - 1), pricing.at(DAY_MS)
    assert before is not None
    assert after is not None
    assert (before.in_text, after.in_text, after.call) == (1_000_000, 2_000_000, 0)


def test_changes_may_be_written_in_any_order_and_the_table_may_be_the_later() -> None:
    price = Price(input=2, from_=DAY, changes=(DatedPrice(input=1, from_=datetime.date(2026, 1, 1)),))
    assert [tariff.in_text for tariff in pricing_of(price).tariffs] == [1, 2]
    assert pricing_of(price).at(0) is None
    assert [entry and entry.input for entry in (price_at(price, 0), price_at(price, 1), price_at(price, DAY_MS))] == [
        1,
        None,
        2,
    ]


def test_a_speed_has_prices_of_its_own_and_an_unknown_one_costs_the_common_ones() -> None:
    tiers = (PriceTier(above=100, input=9_000_000, output=0),)
    price = Price(
        input=1_000_000, call=2_000_000, speeds={"priority": SpeedPrice(input=3_000_000, output=0, tiers=tiers)}
    )
    pricing = pricing_of(price)

    def paid(speed: str, tokens: int) -> int:
        tariff = pricing.at(5, speed)
        assert tariff is not None
        return tariff.charge(Usage(in_text=tokens))

    assert [paid(speed, 10) for speed in ("", "priority", "flex")] == [12, 32, 12]
    assert paid("priority", 101) == 2 + 909


def test_days_before_the_epoch_are_always() -> None:
    assert day_ms(None) == day_ms(datetime.date(1960, 1, 1)) == 0
