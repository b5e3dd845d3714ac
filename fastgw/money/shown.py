"""A tariff as people and programs read it: as JSON, and line by line. Without any margin."""

from collections.abc import Iterator
from typing import Any

from fastgw.money.amounts import usd
from fastgw.money.pricing import Tariff

TOKENS = (
    "in_text", "cache_read", "cache_write_5m", "cache_write_1h", "in_audio", "in_image",
    "out_text", "out_reasoning", "out_audio", "out_image",
)  # fmt: skip
"""Classes of tokens, as in usage rows."""


def told(tariff: Tariff) -> dict[str, Any]:
    """The tariff as JSON: nano-USD per million units, `from_ms`, and tiers and speeds in the same shape."""
    return {
        "from_ms": tariff.from_ms,
        **_tokens(tariff),
        "call": tariff.call,
        "units": {unit: dict(prices) for unit, prices in tariff.units.items()},
        "tiers": [{"above": tier.above, **_tokens(tier)} for tier in tariff.tiers],
        "speeds": {
            name: {**_tokens(speed), "tiers": [{"above": tier.above, **_tokens(tier)} for tier in speed.tiers]}
            for name, speed in tariff.speeds.items()
        },
    }


def lines(tariff: Tariff) -> Iterator[tuple[str, str]]:
    """What is counted, and USD for a million of it. A class at the price of what it is a part of has no line."""
    yield from _lines(tariff, "")
    if tariff.call:
        yield "call", usd(tariff.call)
    for unit, prices in tariff.units.items():
        for variant, price in prices.items():
            yield f"{unit} {variant}", usd(price)
    for name, speed in tariff.speeds.items():
        yield from _lines(speed, f" {name}")


def _tokens(tariff: Tariff) -> dict[str, int]:
    return {name: getattr(tariff, name) for name in TOKENS}


def _lines(tariff: Tariff, what: str) -> Iterator[tuple[str, str]]:
    for part in (tariff, *tariff.tiers):
        which = f"{what} above {part.above:,}" if part.above else what
        plain = Tariff(in_text=part.in_text, out_text=part.out_text)
        for name in TOKENS:
            price = getattr(part, name)
            if name in ("in_text", "out_text") or price != getattr(plain, name):
                yield f"{name}{which}", usd(price)
