"""At which speed a request asks to be served, where that has prices of its own.

OpenAI and Gemini say it in `service_tier` (`priority`, `flex`; developers.openai.com, priority processing;
ai.google.dev, priority inference), Anthropic in `speed` (`fast`; platform.claude.com/docs, fast mode). All as of
2026-11. A provider that serves such a request at its common speed after all says so in its answer; it is charged as it
was asked for.
"""

import msgspec

from fastgw.protocols.hub.dialect import Fields

_FIELDS = ("service_tier", "serviceTier", "speed")
_COMMON = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand", "unspecified"})
_LENGTH_MAX = 64
_word = msgspec.json.Decoder(str)


def speed_of(fields: Fields) -> str:
    """The name of the speed, as price books have it; empty for the common one and for what makes no sense."""
    for name in _FIELDS:
        raw = fields.get(name)
        if raw is not None and len(memoryview(raw)) <= _LENGTH_MAX:
            said = _read(raw)
            if said not in _COMMON:
                return said
    return ""


def _read(raw: msgspec.Raw) -> str:
    try:
        return _word.decode(raw).lower().removeprefix("service_tier_")
    except msgspec.MsgspecError:
        return ""
