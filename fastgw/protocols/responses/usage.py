"""The usage that Responses report, as disjoint buckets, and back.

Cached and cache-written tokens are inside `input_tokens`, reasoning is inside `output_tokens`.
"""

import re

import msgspec

from fastgw.protocols.responses import searches
from fastgw.usage import Usage

TOKENS_MAX = 2**40
"""Of one count. JSON has integers without end, the journal and SQL have not: nonsense must not stop the books."""


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """The `usage` of a response, as far as it counts."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class _SaidInput(msgspec.Struct):
    cached_tokens: int
    cache_write_tokens: int


class _SaidOutput(msgspec.Struct):
    reasoning_tokens: int


class Said(msgspec.Struct):
    """The `usage` that callers get."""

    input_tokens: int
    input_tokens_details: _SaidInput
    output_tokens: int
    output_tokens_details: _SaidOutput
    total_tokens: int


_decoder = msgspec.json.Decoder(WireUsage)
_TAIL_USAGE = re.compile(rb'"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')


def read_usage(raw: bytes | msgspec.Raw) -> Usage | None:
    """The buckets of a `usage` object; None if it is null, malformed or counts nothing at all."""
    try:
        return normalise(_decoder.decode(raw))
    except msgspec.MsgspecError:
        return None


def with_searches(usage: Usage | None, made: int) -> Usage | None:
    """`usage` with the searches of its answer; as it is without any."""
    return msgspec.structs.replace(usage, searches=made) if usage is not None and made else usage


def usage_in_tail(tail: bytes) -> Usage | None:
    """The usage object in the last bytes of an answer that was too large to hold as a whole. Its searches are those
    that a count beside it tells of."""
    found = _TAIL_USAGE.findall(tail)
    return with_searches(read_usage(found[-1]), searches.in_tail(tail, found[-1])) if found else None


def _split(wire: WireUsage) -> bool:
    """There is something in the details."""
    took, gave = wire.input_tokens_details, wire.output_tokens_details
    return bool(
        (took and (took.cached_tokens or took.cache_write_tokens or took.audio_tokens or took.image_tokens))
        or (gave and (gave.reasoning_tokens or gave.audio_tokens or gave.image_tokens))
    )


def normalise(wire: WireUsage) -> Usage | None:
    """Disjoint buckets from overlapping counts. Never negative, and their sum is the reported total."""
    left, out_left = _bounded(wire.input_tokens), _bounded(wire.output_tokens)
    if not left and not out_left:
        return None
    if not _split(wire):
        return Usage(in_text=left, out_text=out_left)
    took = wire.input_tokens_details or _InputDetails()
    gave = wire.output_tokens_details or _OutputDetails()
    # Audio and image tokens may overlap the cached ones, so each bucket takes at most what the others left.
    parts: list[int] = []
    for count in (took.cached_tokens, took.cache_write_tokens, took.audio_tokens, took.image_tokens):
        parts.append(min(_bounded(count), left))
        left -= parts[-1]
    for count in (gave.reasoning_tokens, gave.audio_tokens, gave.image_tokens):
        parts.append(min(_bounded(count), out_left))
        out_left -= parts[-1]
    cached, written, in_audio, in_image, reasoning, out_audio, out_image = parts
    return Usage(
        in_text=left,
        in_audio=in_audio,
        in_image=in_image,
        cache_read=cached,
        cache_write_5m=written,
        out_text=out_left,
        out_reasoning=reasoning,
        out_audio=out_audio,
        out_image=out_image,
    )


def said(usage: Usage) -> Said:
    """What a caller is told."""
    return Said(
        usage.input_tokens,
        _SaidInput(usage.cache_read, usage.cache_write_5m + usage.cache_write_1h),
        usage.output_tokens,
        _SaidOutput(usage.out_reasoning),
        usage.total_tokens,
    )


def _bounded(count: int | None) -> int:
    return min(max(0, count or 0), TOKENS_MAX)
