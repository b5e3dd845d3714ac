"""What a model costs, and since when: effective-dated tariffs, charges, and bounds before the call.

Prices by length of the prompt hold for the whole request, not for the tokens beyond the threshold, and cached tokens
count towards it: Google ("prompts <= 200k tokens", ai.google.dev/gemini-api/docs/pricing), Anthropic ("if the total
number of input tokens exceeds 200K, including cache reads and writes, all tokens are charged at premium rates",
platform.claude.com/docs/en/about-claude/pricing) and OpenAI ("for prompts with > 272K input tokens the full session is
priced at the higher rate", developers.openai.com/api/docs/pricing). All as of 2026-11.
"""

from collections.abc import Mapping
from functools import cached_property

import msgspec
from msgspec.structs import force_setattr

from fastgw.money.amounts import PPM
from fastgw.settings.prices import VARIANT_DEFAULT
from fastgw.usage import Usage

Extra = tuple[str, str, int]
"""A use that is no token: unit, variant (size and quality, resolution and mode; else empty), count.

Units are `image`, `second` (counted in milliseconds), `character`, `page` and `search`. A unit without a price is free.
"""

_SEARCH, _WEB = "search", "web"
"""Unit and variant of `Usage.searches`."""

AS_BASE = -1
"""Stands for a price that is not known: that of the class it is a part of."""
OUTPUT_MAX = 2**31
"""Output tokens that anything can afford which is free."""

_SCALE = 1_000_000 * PPM
_BASES = (
    ("cache_read", "in_text"),
    ("cache_write_5m", "in_text"),
    ("cache_write_1h", "cache_write_5m"),
    ("in_audio", "in_text"),
    ("in_image", "in_text"),
    ("out_reasoning", "out_text"),
    ("out_audio", "out_text"),
    ("out_image", "out_text"),
)
_IN_THOUSANDTHS = "second"
_THOUSAND = 1_000


class Tariff(msgspec.Struct, frozen=True, dict=True):
    """The prices of one model from one moment on, in nano-USD per million units."""

    from_ms: int = 0
    """Unix milliseconds from which it holds."""
    in_text: int = 0
    cache_read: int = AS_BASE
    cache_write_5m: int = AS_BASE
    cache_write_1h: int = AS_BASE
    """Without a price of its own: that of `cache_write_5m`."""
    in_audio: int = AS_BASE
    in_image: int = AS_BASE
    out_text: int = 0
    out_reasoning: int = AS_BASE
    out_audio: int = AS_BASE
    out_image: int = AS_BASE
    call: int = 0
    """Of each call that used anything."""
    units: Mapping[str, Mapping[str, int]] = {}
    """Of what is no token, by unit and variant. A variant without one costs `default`, without that the dearest."""
    above: int = 0
    """Of a tier: input tokens that a request must have more of."""
    tiers: tuple["Tariff", ...] = ()
    """By `above`, upward. They have token prices only: `call` and `units` count here alone."""
    speeds: Mapping[str, "Tariff"] = {}
    """Instead of this one, for requests that ask for a speed of that name."""

    def __post_init__(self) -> None:
        for special, base in _BASES:
            if getattr(self, special) == AS_BASE:
                force_setattr(self, special, getattr(self, base))

    def charge(self, usage: Usage, margin_ppm: int = PPM, extras: tuple[Extra, ...] = ()) -> int:
        """What `usage` costs, in nano-USD: one rounding, upward. Nothing used costs nothing, not even the call.

        Its searches count here; they need not be among `extras`.
        """
        tier = self.reached(usage.input_tokens) if self.tiers else self
        total = (
            usage.in_text * tier.in_text
            + usage.cache_read * tier.cache_read
            + usage.cache_write_5m * tier.cache_write_5m
            + usage.cache_write_1h * tier.cache_write_1h
            + usage.in_audio * tier.in_audio
            + usage.in_image * tier.in_image
            + usage.out_text * tier.out_text
            + usage.out_reasoning * tier.out_reasoning
            + usage.out_audio * tier.out_audio
            + usage.out_image * tier.out_image
        )
        if usage.searches:
            extras = (*extras, (_SEARCH, _WEB, usage.searches))
        if self.call and (extras or usage.total_tokens):
            total += self.call
        if extras:
            return self._with_extras(total, margin_ppm, extras)
        return -(-total * margin_ppm // _SCALE)

    def bound(
        self, prompt_tokens: int, output_tokens: int, margin_ppm: int = PPM, extras: tuple[Extra, ...] = ()
    ) -> int:
        """No usage of at most so many tokens (and `extras`) costs more: at the dearest price that may apply to each."""
        dear_in, dear_out = self._dearest(prompt_tokens)
        total = prompt_tokens * dear_in + output_tokens * dear_out + self.call
        return self._with_extras(total, margin_ppm, extras)

    def affordable(self, hold_nano: int, prompt_tokens: int, margin_ppm: int = PPM) -> int:
        """The most output tokens with which `bound` is at most `hold_nano`, `OUTPUT_MAX` at most.

        0 also where not even the prompt can be paid.
        """
        dear_in, dear_out = self._dearest(prompt_tokens)
        if not margin_ppm:
            return OUTPUT_MAX
        left = hold_nano * _SCALE // margin_ppm - prompt_tokens * dear_in - self.call
        if left < 0:
            return 0
        return min(OUTPUT_MAX, left // dear_out) if dear_out else OUTPUT_MAX

    def reached(self, input_tokens: int) -> "Tariff":
        """The tier that a request with so much input is in; the tariff itself below all of them."""
        found = self
        for tier in self.tiers:
            if input_tokens <= tier.above:
                break
            found = tier
        return found

    def unit_price(self, unit: str, variant: str) -> int:
        """The price of a million of what is no token, 0 where it has none."""
        prices = self.units.get(unit)
        if not prices:
            return 0
        price = prices.get(variant)
        if price is None:
            price = prices.get(VARIANT_DEFAULT)
        return price if price is not None else max(prices.values())

    @cached_property
    def _steps(self) -> tuple[tuple[int, int, int], ...]:
        """For each tier from which on it counts: `above`, and the dearest input and output price up to it."""
        steps = []
        dear_in = dear_out = 0
        for tier in (self, *self.tiers):
            dear_in = max(dear_in, *(getattr(tier, name) for name in _INPUT))
            dear_out = max(dear_out, *(getattr(tier, name) for name in _OUTPUT))
            steps.append((tier.above, dear_in, dear_out))
        return tuple(steps)

    def _dearest(self, prompt_tokens: int) -> tuple[int, int]:
        steps = self._steps
        _, dear_in, dear_out = steps[0]
        if len(steps) > 1:
            for above, tier_in, tier_out in steps[1:]:
                if prompt_tokens > above:
                    dear_in, dear_out = tier_in, tier_out
        return dear_in, dear_out

    def _with_extras(self, total: int, margin_ppm: int, extras: tuple[Extra, ...]) -> int:
        """One rounding for all: seconds are counted in thousandths, so that all else is multiplied by a thousand."""
        if not extras:
            return -(-total * margin_ppm // _SCALE)
        total *= _THOUSAND
        for unit, variant, count in extras:
            total += count * self.unit_price(unit, variant) * (1 if unit == _IN_THOUSANDTHS else _THOUSAND)
        return -(-total * margin_ppm // (_SCALE * _THOUSAND))


_INPUT = ("in_text", "cache_read", "cache_write_5m", "cache_write_1h", "in_audio", "in_image")
_OUTPUT = ("out_text", "out_reasoning", "out_audio", "out_image")


class Pricing(msgspec.Struct, frozen=True):
    """The tariffs of one model, oldest first; never empty."""

    tariffs: tuple[Tariff, ...]

    def at(self, now_ms: int, speed: str = "") -> Tariff | None:
        """The tariff that holds at that moment for requests of that speed (empty: the common one), None before the
        first. A speed without prices of its own costs what all others cost."""
        for tariff in reversed(self.tariffs):
            if tariff.from_ms <= now_ms:
                return tariff.speeds.get(speed, tariff) if speed else tariff
        return None
