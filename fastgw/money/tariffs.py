"""Prices as they are written (`settings.prices`) made into tariffs that charges are worked out with."""

import datetime
from typing import Any

import msgspec

from fastgw.money.amounts import PPM
from fastgw.money.pricing import AS_BASE, Pricing, Tariff
from fastgw.settings.prices import DatedPrice, Price, SpeedPrice, TokenPrices

UNITS = ("image", "second", "character", "page", "search")
"""What is counted besides tokens; names of fields of `DatedPrice`."""


def pricing_of(price: Price) -> Pricing:
    """The tariffs that a written price comes to, oldest first."""
    entries: list[DatedPrice] = [price, *price.changes]
    return Pricing(tuple(sorted(map(_tariff, entries), key=lambda tariff: tariff.from_ms)))


def price_at(price: Price, now_ms: int) -> DatedPrice | None:
    """The entry that holds at that moment, None before the first; at 0 the first of all."""
    entries = sorted((price, *price.changes), key=lambda entry: day_ms(entry.from_))
    begun = [entry for entry in entries if day_ms(entry.from_) <= now_ms]
    return begun[-1] if begun else None if now_ms else entries[0]


def with_margin(price: DatedPrice, margin_ppm: int) -> DatedPrice:
    """The token prices that lists show, as somebody with this margin pays them, each rounded up."""

    def paid(nano: int) -> int:
        return -(-nano * margin_ppm // PPM)

    return msgspec.structs.replace(
        price,
        input=paid(price.input),
        output=paid(price.output),
        cache_read=None if price.cache_read is None else paid(price.cache_read),
        cache_write=None if price.cache_write is None else paid(price.cache_write),
    )


def day_ms(day: datetime.date | None) -> int:
    """Unix milliseconds of the day's beginning, UTC; 0 for "always", and for days before 1970."""
    if day is None:
        return 0
    midnight = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
    return max(0, int(midnight.timestamp()) * 1_000)


def _tariff(entry: DatedPrice) -> Tariff:
    units = {unit: prices for unit in UNITS if (prices := getattr(entry, unit))}
    common = _tiered(entry, from_ms=day_ms(entry.from_), call=entry.call, units=units)
    if not entry.speeds:
        return common
    speeds = {
        name: _tiered(prices, from_ms=common.from_ms, call=entry.call, units=units)
        for name, prices in entry.speeds.items()
    }
    return msgspec.structs.replace(common, speeds=speeds)


def _tiered(written: DatedPrice | SpeedPrice, **more: Any) -> Tariff:
    tiers = tuple(
        msgspec.structs.replace(_tokens(tier), above=tier.above)
        for tier in sorted(written.tiers, key=lambda tier: tier.above)
    )
    return msgspec.structs.replace(_tokens(written), tiers=tiers, **more)


def _tokens(written: TokenPrices) -> Tariff:
    return Tariff(
        in_text=written.input,
        cache_read=_or_base(written.cache_read),
        cache_write_5m=_or_base(written.cache_write),
        cache_write_1h=_or_base(written.cache_write_1h),
        in_audio=_or_base(written.input_audio),
        in_image=_or_base(written.input_image),
        out_text=written.output,
        out_reasoning=_or_base(written.reasoning),
        out_audio=_or_base(written.output_audio),
        out_image=_or_base(written.output_image),
    )


def _or_base(price: int | None) -> int:
    return AS_BASE if price is None else price
