"""Prices as they are written: in the TOML file, in the shipped book and by the admin API. `money.tariffs` reads them.

All are integers of nano-USD (10^-9 USD) per million units; 0 is free, and what is left out costs what it is nearest to.
"""

import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

UnitPrice = Annotated[int, Meta(ge=0, le=1 << 53)]
"""Of a million tokens: at most about 9 USD each."""
PiecePrice = Annotated[int, Meta(ge=0, le=10**18)]
"""Of a million images, seconds, pages, …: at most 1,000 USD each."""
VARIANT_DEFAULT = "default"
"""The variant that stands for all that have no price of their own."""


class TokenPrices(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of a million tokens of each class."""

    input: UnitPrice = 0
    """Of the prompt, as far as no cache had it."""
    output: UnitPrice = 0
    """Of the answer, reasoning included."""
    cache_read: UnitPrice | None = None
    """Of prompt tokens that the provider's cache had; left out: `input`."""
    cache_write: UnitPrice | None = None
    """Of prompt tokens that went into the provider's cache for 5 minutes; left out: `input`."""
    cache_write_1h: UnitPrice | None = None
    """The same for an hour; left out: `cache_write`."""
    input_audio: UnitPrice | None = None
    """Left out: `input`."""
    input_image: UnitPrice | None = None
    """Left out: `input`."""
    reasoning: UnitPrice | None = None
    """Left out: `output`."""
    output_audio: UnitPrice | None = None
    """Left out: `output`."""
    output_image: UnitPrice | None = None
    """Left out: `output`."""


class PriceTier(TokenPrices, frozen=True, kw_only=True, omit_defaults=True):
    """Prices of a whole request whose prompt is longer. Each tier is complete, as if there were no other."""

    input: UnitPrice
    """Of the prompt, as far as no cache had it."""
    output: UnitPrice
    """Of the answer, reasoning included."""
    above: Annotated[int, Meta(ge=1, le=1 << 40)]
    """Prompt tokens, cached ones included, that a request must have more of."""


class SpeedPrice(TokenPrices, frozen=True, kw_only=True, omit_defaults=True):
    """Prices of requests that ask for another speed. Complete, as if there were no other."""

    input: UnitPrice
    """Of the prompt, as far as no cache had it."""
    output: UnitPrice
    """Of the answer, reasoning included."""
    tiers: tuple[PriceTier, ...] = ()
    """Prices of requests with long prompts, any order."""


class DatedPrice(TokenPrices, frozen=True, kw_only=True, omit_defaults=True):
    """All prices of a model from one day on."""

    from_: datetime.date | None = msgspec.field(default=None, name="from")
    """Day from which it holds, like `2026-12-01`, from 0:00 UTC; left out: always."""
    tiers: tuple[PriceTier, ...] = ()
    """Prices of requests with long prompts, any order."""
    speeds: dict[str, SpeedPrice] = {}
    """Prices of requests that ask for a `service_tier` or `speed` of that name, like `{ priority = { … } }`; others
    cost what stands above."""
    call: PiecePrice = 0
    """Of a million calls, besides what else they cost."""
    image: dict[str, PiecePrice] = {}
    """Of a million images by size and quality, like `{ "1024x1024/high" = 167_000_000_000_000, default = … }`. Here and
    below, a variant without a price costs `default`, without that the dearest of the table."""
    second: dict[str, PiecePrice] = {}
    """Of a million seconds of sound or video by resolution and mode, like `{ "1080p/pro" = … }`."""
    character: dict[str, PiecePrice] = {}
    """Of a million characters of text to speak."""
    page: dict[str, PiecePrice] = {}
    """Of a million pages of documents."""
    search: dict[str, PiecePrice] = {}
    """Of a million searches or search units, like `{ web = 10_000_000_000_000 }`."""


class Price(DatedPrice, frozen=True, kw_only=True, omit_defaults=True):
    """Prices of a model, with those of other days if they change."""

    changes: tuple[DatedPrice, ...] = ()
    """Prices from later (or earlier) days on, each complete and with its own `from`."""
