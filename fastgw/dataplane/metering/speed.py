"""At which speed a request asks to be served, where that has prices of its own.

OpenAI and Gemini say it in `service_tier` (`priority`, `flex`; developers.openai.com, priority processing;
ai.google.dev, priority inference), Anthropic in `speed` (`fast`; platform.claude.com/docs, fast mode). All as of
2026-11. A provider that serves such a request at its common speed after all says so in its answer; it is charged as it
was asked for.
"""

import msgspec

from fastgw.money.pricing import Pricing, Tariff
from fastgw.protocols.hub.dialect import Fields

_FIELDS = ("service_tier", "serviceTier", "speed")
_COMMON = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand", "unspecified"})
_LENGTH_MAX = 64
_word = msgspec.json.Decoder(str)


def speeds_of(fields: Fields) -> tuple[str, ...]:
    """The names of all speeds that are asked for, as price books have them; none for the common one and for what makes
    no sense. With several a provider heeds one, and nobody knows which."""
    found: tuple[str, ...] = ()
    for name in _FIELDS:
        raw = fields.get(name)
        if raw is not None and len(memoryview(raw)) <= _LENGTH_MAX:
            said = _read(raw)
            if said not in _COMMON:
                found += (said,)
    return found


def tariff_at(pricing: Pricing, now_ms: int, speeds: tuple[str, ...]) -> Tariff | None:
    """What holds at that moment for one of these speeds: the dearest."""
    if len(speeds) < 2:
        return pricing.at(now_ms, speeds[0] if speeds else "")
    found = [tariff for speed in speeds if (tariff := pricing.at(now_ms, speed)) is not None]
    return max(found, key=lambda tariff: tariff.bound(1_000_000, 1_000_000), default=None)


def _read(raw: msgspec.Raw) -> str:
    try:
        return _word.decode(raw).lower().removeprefix("service_tier_")
    except msgspec.MsgspecError:
        return ""
