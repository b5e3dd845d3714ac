"""What a model costs, and since when: effective-dated tariffs, charges, and bounds before the call."""

import msgspec

from fastgw.money.amounts import PPM
from fastgw.usage import Usage

Extra = tuple[str, str, int]
"""A use that is no token: unit, variant (size and quality, resolution and mode; else empty), count."""

_SCALE = 1_000_000 * PPM


class Tariff(msgspec.Struct, frozen=True):
    """The prices of one model from one moment on, in nano-USD per million units."""

    from_ms: int = 0
    """Unix milliseconds from which it holds."""
    in_text: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    in_audio: int = 0
    in_image: int = 0
    out_text: int = 0
    out_reasoning: int = 0
    out_audio: int = 0
    out_image: int = 0

    def charge(self, usage: Usage, margin_ppm: int = PPM, extras: tuple[Extra, ...] = ()) -> int:
        """What `usage` costs, in nano-USD: one rounding, upward."""
        total = usage.in_text * self.in_text + usage.out_text * self.out_text
        return -(-total * margin_ppm // _SCALE)

    def bound(self, prompt_tokens: int, output_tokens: int, margin_ppm: int = PPM) -> int:
        """No usage of at most so many tokens costs more: at the dearest price that may apply to each."""
        total = prompt_tokens * self.in_text + output_tokens * self.out_text
        return -(-total * margin_ppm // _SCALE)

    def affordable(self, hold_nano: int, prompt_tokens: int, margin_ppm: int = PPM) -> int:
        """The most output tokens with which `bound` is at most `hold_nano`; 2**31 when output is free."""
        if not self.out_text:
            return 2**31
        return max(0, hold_nano * _SCALE // margin_ppm - prompt_tokens * self.in_text) // self.out_text


class Pricing(msgspec.Struct, frozen=True):
    """The tariffs of one model, oldest first; never empty."""

    tariffs: tuple[Tariff, ...]

    def at(self, now_ms: int) -> Tariff | None:
        """The tariff that holds at that moment, None before the first."""
        for tariff in reversed(self.tariffs):
            if tariff.from_ms <= now_ms:
                return tariff
        return None
