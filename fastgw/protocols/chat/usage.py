"""The usage that chat completions report, as disjoint buckets.

OpenAI counts cached, cache-written, audio and image tokens inside `prompt_tokens`, reasoning and audio inside
`completion_tokens` (API reference, 2026-08). Compatible providers differ in small ways, each named where it is undone.
"""

from typing import Any

import msgspec

from fastgw.protocols.searches import ABSENT, reported
from fastgw.usage import Usage


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """The `usage` object of a chat completion, as far as it counts."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's name for cached tokens (api-docs.deepseek.com, 2026-08)."""
    cached_tokens: int | None = None
    """Moonshot's, at the top level (platform.moonshot.ai, 2026-08)."""
    server_tool_use_details: msgspec.Raw = ABSENT
    server_tool_use: msgspec.Raw = ABSENT
    """OpenRouter's, by both names."""


_decoder = msgspec.json.Decoder(WireUsage)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a provider's bytes can raise: no JSON or none of the form, broken UTF-8 inside, endless nesting."""

TOKENS_MAX = 2**40
"""Of one count. JSON has integers without end, the journal and SQL have not: nonsense must not stop the books."""


def read_usage(raw: bytes | msgspec.Raw) -> Usage | None:
    """The buckets of a `usage` object; None if it is null, malformed or counts nothing at all."""
    try:
        return normalise(_decoder.decode(raw))
    except UNREADABLE:
        return None


def normalise(wire: WireUsage) -> Usage | None:
    """Disjoint buckets from OpenAI's overlapping counts. Never negative, and their sum is the reported total."""
    prompt, completion = _bounded(wire.prompt_tokens), _bounded(wire.completion_tokens)
    if not prompt and not completion:
        return None
    searched = 0
    if wire.server_tool_use_details is not ABSENT or wire.server_tool_use is not ABSENT:
        searched = reported(wire.server_tool_use_details) or reported(wire.server_tool_use)
    if not wire.cached_tokens and not _split(wire):
        cached = min(max(0, wire.prompt_cache_hit_tokens or 0), prompt)
        return Usage(in_text=prompt - cached, cache_read=cached, out_text=completion, searches=searched)
    details = wire.prompt_tokens_details or _PromptDetails()
    cached = details.cached_tokens or wire.prompt_cache_hit_tokens or wire.cached_tokens or 0
    written = details.cache_write_tokens or 0
    left = prompt
    # xAI may report more cached tokens than prompt tokens: then they stand outside it. Nothing here may go below zero,
    # and audio or image tokens may overlap the cached ones, so each bucket takes at most what the others left.
    cache_read = min(max(0, cached), left)
    left -= cache_read
    cache_write = min(max(0, written), left)
    left -= cache_write
    in_audio = min(max(0, details.audio_tokens or 0), left)
    left -= in_audio
    in_image = min(max(0, details.image_tokens or 0), left)
    left -= in_image
    out = wire.completion_tokens_details or _CompletionDetails()
    reasoning = _bounded(out.reasoning_tokens)
    if reasoning and prompt + completion + reasoning == (wire.total_tokens or 0):
        # xAI reports reasoning beside completion_tokens, not inside (docs.x.ai, 2026-08): the total gives it away.
        completion += reasoning
    out_left = completion
    out_reasoning = min(reasoning, out_left)
    out_left -= out_reasoning
    out_audio = min(max(0, out.audio_tokens or 0), out_left)
    out_left -= out_audio
    out_image = min(max(0, out.image_tokens or 0), out_left)
    out_left -= out_image
    return Usage(
        in_text=left,
        in_audio=in_audio,
        in_image=in_image,
        cache_read=cache_read,
        cache_write_5m=cache_write,
        out_text=out_left,
        out_reasoning=out_reasoning,
        out_audio=out_audio,
        out_image=out_image,
        searches=searched,
    )


def _split(wire: WireUsage) -> bool:
    """There is something in the details."""
    took, gave = wire.prompt_tokens_details, wire.completion_tokens_details
    return bool(
        (took and (took.cached_tokens or took.cache_write_tokens or took.audio_tokens or took.image_tokens))
        or (gave and (gave.reasoning_tokens or gave.audio_tokens or gave.image_tokens))
    )


def _bounded(count: int | None) -> int:
    return min(max(0, count or 0), TOKENS_MAX)


def wire(usage: Usage) -> dict[str, Any]:
    """The `usage` object that callers get: OpenAI's counts, which overlap, from disjoint buckets."""
    written = usage.cache_write_5m + usage.cache_write_1h
    prompt = {"cached_tokens": usage.cache_read, "audio_tokens": usage.in_audio}
    if written:
        prompt["cache_write_tokens"] = written
    if usage.in_image:
        prompt["image_tokens"] = usage.in_image
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": usage.out_reasoning,
            "audio_tokens": usage.out_audio,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
