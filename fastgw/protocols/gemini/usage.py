"""The usage that Gemini reports, as disjoint buckets, and back.

`promptTokenCount` holds the cached tokens, `candidatesTokenCount` not the thoughts; what a built-in tool read
(`toolUsePromptTokenCount`) stands beside the prompt (ai.google.dev/api/generate-content#UsageMetadata, 2026-11). It
comes with every chunk and counts up.
"""

import msgspec

from fastgw.usage import Usage


class _ModalityCount(msgspec.Struct, rename="camel"):
    modality: str | None = None
    token_count: int | None = None


class WireUsage(msgspec.Struct, rename="camel"):
    """`usageMetadata`, as far as it counts."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[_ModalityCount] | None = None
    cache_tokens_details: list[_ModalityCount] | None = None
    candidates_tokens_details: list[_ModalityCount] | None = None


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a provider's bytes can raise: no JSON or none of the form, broken UTF-8 inside, endless nesting."""

_decoder = msgspec.json.Decoder(WireUsage, strict=False)

TOKENS_MAX = 2**40
"""Of one count. JSON has integers without end, the journal and SQL have not."""
_PICTURES = ("IMAGE", "VIDEO")


def read_usage(raw: bytes | msgspec.Raw) -> Usage | None:
    """The buckets of a `usageMetadata` object; None if it is null, malformed or counts nothing at all."""
    try:
        return normalise(_decoder.decode(raw))
    except UNREADABLE:
        return None


def normalise(wire: WireUsage) -> Usage | None:
    """Disjoint buckets. Never negative; their sum is the reported total wherever the parts make one."""
    if (
        wire.candidates_token_count
        and wire.prompt_token_count
        and wire.cached_content_token_count is wire.thoughts_token_count is wire.tool_use_prompt_token_count is None
        and _text_alone(wire.prompt_tokens_details)
        and _text_alone(wire.candidates_tokens_details)
    ):
        # What most chunks of most streams are: each has its usage.
        return Usage(_bounded(wire.prompt_token_count), out_text=_bounded(wire.candidates_token_count))
    prompt, candidates = _bounded(wire.prompt_token_count), _bounded(wire.candidates_token_count)
    thoughts, tool_use = _bounded(wire.thoughts_token_count), _bounded(wire.tool_use_prompt_token_count)
    total = _bounded(wire.total_token_count)
    if wire.candidates_token_count is None and total > prompt + tool_use + thoughts and prompt:
        # Some compatible servers leave out what they generated, but count it in the total.
        candidates = total - prompt - tool_use - thoughts
    if not (prompt or candidates or thoughts or tool_use):
        return Usage(in_text=total) if total else None
    if tool_use and total == prompt + candidates + thoughts:
        tool_use = 0  # already inside the prompt
    if thoughts and total and total == prompt + tool_use + candidates:
        candidates -= min(thoughts, candidates)  # a compatible server that counts thoughts as candidates too
    cached = min(_bounded(wire.cached_content_token_count), prompt)
    left = prompt - cached
    was_cached, went_in = wire.cache_tokens_details, wire.prompt_tokens_details
    in_audio = min(max(0, _of(went_in, "AUDIO") - _of(was_cached, "AUDIO")), left)
    in_image = min(max(0, _of(went_in, *_PICTURES) - _of(was_cached, *_PICTURES)), left - in_audio)
    out_audio = min(_of(wire.candidates_tokens_details, "AUDIO"), candidates)
    out_image = min(_of(wire.candidates_tokens_details, *_PICTURES), candidates - out_audio)
    return Usage(
        in_text=left - in_audio - in_image + tool_use,
        in_audio=in_audio,
        in_image=in_image,
        cache_read=cached,
        out_text=candidates - out_audio - out_image,
        out_reasoning=thoughts,
        out_audio=out_audio,
        out_image=out_image,
    )


def with_searches(usage: Usage, made: int) -> Usage:
    """`usage` with the searches of its answer; as it is without any."""
    return msgspec.structs.replace(usage, searches=made) if made else usage


def to_wire(usage: Usage) -> dict[str, object]:
    """`usageMetadata` for a caller; its parts sum up to `totalTokenCount`."""
    said: dict[str, object] = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - usage.out_reasoning,
        "totalTokenCount": usage.total_tokens,
    }
    if usage.cache_read:
        said["cachedContentTokenCount"] = usage.cache_read
    if usage.out_reasoning:
        said["thoughtsTokenCount"] = usage.out_reasoning
    if usage.in_audio or usage.in_image:
        rest = usage.input_tokens - usage.in_audio - usage.in_image
        said["promptTokensDetails"] = _details(rest, usage.in_audio, usage.in_image)
    if usage.out_audio or usage.out_image:
        said["candidatesTokensDetails"] = _details(usage.out_text, usage.out_audio, usage.out_image)
    return said


def _details(text: int, audio: int, image: int) -> list[dict[str, object]]:
    counts = (("TEXT", text), ("IMAGE", image), ("AUDIO", audio))
    return [{"modality": modality, "tokenCount": count} for modality, count in counts if count]


def _text_alone(details: list[_ModalityCount] | None) -> bool:
    return not details or (len(details) == 1 and details[0].modality == "TEXT")


def _of(details: list[_ModalityCount] | None, *modalities: str) -> int:
    if not details:
        return 0
    return sum([_bounded(each.token_count) for each in details if each.modality in modalities])


def _bounded(count: int | None) -> int:
    return 0 if not count or count < 0 else count if count < TOKENS_MAX else TOKENS_MAX
