"""The usage that Converse reports, as disjoint buckets.

`inputTokens` has neither what was read from the cache nor what was written to it; `cacheDetails` tells writes apart by
their time to live (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html, read 2026-11-21).
Reasoning is part of `outputTokens`, and nobody says how much of it.
"""

import re

import msgspec

from fastgw.usage import Usage

TOKENS_MAX = 2**40
"""Of one count. JSON has integers without end, the books have not."""
_TAIL = re.compile(rb'"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')


class _CacheDetail(msgspec.Struct, rename="camel"):
    input_tokens: int | None = None
    ttl: str | None = None


class WireUsage(msgspec.Struct, rename="camel"):
    """The `usage` object."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[_CacheDetail] | None = None


_decoder = msgspec.json.Decoder(WireUsage)


def usage_of(wire: WireUsage | None) -> Usage | None:
    """The buckets; None if nothing was counted. Writes whose time to live nobody told are of 5 minutes."""
    if wire is None:
        return None
    written = _count(wire.cache_write_input_tokens)
    hour = sum(_count(one.input_tokens) for one in wire.cache_details or () if one.ttl == "1h")
    hour = min(hour, written)
    usage = Usage(
        in_text=_count(wire.input_tokens),
        cache_read=_count(wire.cache_read_input_tokens),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        out_text=_count(wire.output_tokens),
    )
    return usage if usage.total_tokens else None


def usage_in_tail(tail: bytes) -> Usage | None:
    """The last usage object in these bytes, if there is a whole one."""
    for found in reversed(_TAIL.findall(tail)):
        try:
            return usage_of(_decoder.decode(found))
        except msgspec.MsgspecError:
            continue
    return None


def _count(said: int | None) -> int:
    return min(max(0, said or 0), TOKENS_MAX)
