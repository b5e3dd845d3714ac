"""The bound of a prompt is never below the true count of its text, and counts media by what they may come to."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.dataplane.metering.bound import (
    CONTEXT_UNKNOWN_TOKENS,
    IMAGE_TOKENS_MAX,
    IMAGE_TOKENS_MAX_4O_MINI,
    IMAGE_TOKENS_MAX_BY_DIALECT,
    IMAGE_TOKENS_MAX_TILED,
    MEDIA_TOKENS_LEAST,
    OVERHEAD_TOKENS,
    TOOLS_TOKENS,
    bound_for,
    bound_prompt_tokens,
)
from fastgw.exchange import Candidate
from fastgw.money.pricing import Tariff
from fastgw.protocols.toplevel import decode
from fastgw.settings.money import MoneySettings
from fastgw.usage import Usage

BLOB = "QUJD" * 100_000
PICTURE = "data:image/png;base64," + BLOB


def bound(body: dict[str, Any], **more: Any) -> int:
    raw = msgspec.json.encode(body)
    return bound_prompt_tokens(decode(raw, 100), len(raw), **more)


def asked(*blocks: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": list(blocks)}]}


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=80)), max_size=6), st.booleans())
def test_a_tokenizer_that_makes_a_token_of_every_byte_makes_no_more(
    turns: list[tuple[str, str]], escaped: bool
) -> None:
    raw = msgspec.json.encode({"model": "m", "messages": [{"role": role, "content": text} for role, text in turns]})
    if escaped:
        raw = ascii_only(raw)
    frame_tokens = 4
    true_count = 3 + sum(frame_tokens + len(text.encode("utf-8", "surrogatepass")) for _, text in turns)
    assert bound_prompt_tokens(decode(raw, 100), len(raw)) >= true_count


def ascii_only(raw: bytes) -> bytes:
    """The same JSON with everything beyond ASCII as escapes."""
    out = []
    for character in raw.decode():
        units = character.encode("utf-16-be") if ord(character) > 126 else b""
        out.append("".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)) or character)
    return "".join(out).encode()


def text_bytes(body: dict[str, Any]) -> int:
    return len(msgspec.json.encode(body)) + OVERHEAD_TOKENS


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        ({"type": "image_url", "image_url": {"url": PICTURE}}, IMAGE_TOKENS_MAX - len(PICTURE)),
        ({"type": "image_url", "image_url": {"url": "https://h/a.png"}}, IMAGE_TOKENS_MAX),
        ({"type": "input_image", "image_url": PICTURE}, IMAGE_TOKENS_MAX - len(PICTURE)),
        ({"type": "input_image", "file_id": "f"}, IMAGE_TOKENS_MAX),
        ({"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "f"}}, IMAGE_TOKENS_MAX),
        ({"type": "image", "source": {"type": "base64", "data": BLOB}}, IMAGE_TOKENS_MAX - len(BLOB)),
        ({"type": "image", "source": {"type": "url", "url": "https://h/a.png"}}, IMAGE_TOKENS_MAX),
        (
            {"type": "tool_result", "content": [{"type": "image", "source": {"data": BLOB}}]},
            IMAGE_TOKENS_MAX - len(BLOB),
        ),
        ({"inlineData": {"mimeType": "image/png", "data": BLOB}}, IMAGE_TOKENS_MAX - len(BLOB)),
        (
            {"functionResponse": {"parts": [{"inlineData": {"mimeType": "image/png", "data": BLOB}}]}},
            IMAGE_TOKENS_MAX - len(BLOB),
        ),
        ({"type": "document", "source": {"type": "text", "data": "x" * 500}}, 0),
        ({"type": "document", "source": {"type": "url", "url": "https://h/a.pdf"}}, CONTEXT_UNKNOWN_TOKENS),
        ({"type": "input_file", "file_id": "f"}, CONTEXT_UNKNOWN_TOKENS),
        ({"type": "video_url", "video_url": {"url": "https://h/a.mp4"}}, CONTEXT_UNKNOWN_TOKENS),
        ({"fileData": {"fileUri": "https://youtu.be/x"}}, CONTEXT_UNKNOWN_TOKENS),
        ({"type": "input_file", "file_data": "data:text/plain;base64,AAAA"}, 0),
        ({"type": "text", "text": 'they wrote "image" and "file"'}, 0),
    ],
)
def test_media_count_by_what_they_may_come_to(block: dict[str, Any], tokens: int) -> None:
    body = asked(block)
    assert bound(body) == text_bytes(body) + tokens


@pytest.mark.parametrize(
    ("block", "by_size"),
    [
        ({"type": "input_audio", "input_audio": {"data": BLOB}}, MEDIA_TOKENS_LEAST + len(BLOB) // 8 - len(BLOB)),
        ({"inline_data": {"mime_type": "audio/mp3", "data": BLOB}}, MEDIA_TOKENS_LEAST + len(BLOB) // 8 - len(BLOB)),
        ({"inlineData": {"mimeType": "video/mp4", "data": BLOB}}, MEDIA_TOKENS_LEAST + len(BLOB) // 4 - len(BLOB)),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64," + BLOB}}, MEDIA_TOKENS_LEAST),
        ({"inlineData": {"mimeType": "application/pdf", "data": BLOB}}, MEDIA_TOKENS_LEAST),
        ({"type": "document", "source": {"type": "base64", "data": BLOB}}, MEDIA_TOKENS_LEAST),
    ],
)
def test_a_few_bytes_of_sound_video_or_pages_may_fill_the_context(block: dict[str, Any], by_size: int) -> None:
    body = asked(block)
    raw = msgspec.json.encode(body)
    fields = decode(raw, 100)
    assert bound_prompt_tokens(fields, len(raw), media_by_size=True) == text_bytes(body) + by_size
    assert bound_prompt_tokens(fields, len(raw)) >= CONTEXT_UNKNOWN_TOKENS
    assert bound_prompt_tokens(fields, len(raw), context_length=8_192) == 8_192


@pytest.mark.parametrize(
    "block",
    [
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}, "image_url": "https://h/a.png"},
        {"type": "document", "source": {"type": "base64", "data": "AAAA"}, "image_url": PICTURE},
        {"type": "image", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}},
        {"inlineData": {"mimeType": "image/png", "mime_type": "application/pdf", "data": "AAAA"}},
        {"inlineData": {"mimeType": "text/plain", "mime_type": "application/pdf", "data": "AAAA"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "fileData": {"fileUri": "https://h/a"}},
        {"type": "image_url", "image_url": {"url": "gs://bucket/a.pdf"}},
        {"type": "document_url", "document_url": "https://h/a.pdf"},
        {"type": "audio_url", "audio_url": {"url": "https://h/a.wav"}},
        {"type": "file_url", "file_url": {"url": "https://h/a"}},
        {"type": "video", "video": ["https://h/1.png", "https://h/2.png"]},
        {"type": "image_url", "image_url": {"url": "data:application/pdf;base64,AAAA"}},
    ],
)
def test_nothing_passes_for_a_picture_that_may_be_more(block: dict[str, Any]) -> None:
    assert bound(asked(block)) >= CONTEXT_UNKNOWN_TOKENS


def test_what_a_model_reads_as_text_is_text_whatever_it_says() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BLOB}}
    for block in (
        {"type": "tool_use", "id": "1", "name": "n", "input": {"content": [picture]}},
        {"functionCall": {"name": "n", "args": {"parts": [picture]}}},
        {"functionResponse": {"name": "n", "response": {"content": [picture]}}},
    ):
        body = asked(block)
        assert bound(body) == text_bytes(body)


def test_media_hidden_behind_escapes_are_found() -> None:
    raw = msgspec.json.encode(asked({"type": "input_image", "file_id": "f"})).replace(
        b"input_image", b"\\u0069nput_image"
    )
    assert bound_prompt_tokens(decode(raw, 100), len(raw)) == len(raw) + OVERHEAD_TOKENS + IMAGE_TOKENS_MAX


def test_a_prompt_that_no_type_holds_may_be_anything() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":[{"type":"image","n":1e999}]}]}'
    assert bound_prompt_tokens(decode(raw, 100), len(raw)) > CONTEXT_UNKNOWN_TOKENS


@pytest.mark.parametrize(
    "kept",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        {"cachedContent": "cachedContents/1"},
    ],
)
def test_what_the_provider_keeps_may_fill_the_context(kept: dict[str, Any]) -> None:
    assert bound({"model": "m", "input": "x", **kept}) == CONTEXT_UNKNOWN_TOKENS
    assert bound({"model": "m", "input": "x", **kept}, context_length=9_000) == 9_000
    assert bound({"model": "m", "input": "x"} | dict.fromkeys(kept)) < 200


def test_a_prompt_of_legacy_completions_is_a_text() -> None:
    assert bound({"model": "m", "prompt": "x" * 100}) < 300
    assert bound({"model": "m", "prompt": ["x" * 100, "y"]}) < 300


def test_tools_cost_more_than_they_say() -> None:
    plain = {"model": "m", "tools": [{"name": "n", "input_schema": {}}]}
    assert bound(plain) == text_bytes(plain) + TOOLS_TOKENS
    defined = {"model": "m", "tools": [{"type": "bash_20250124", "name": "bash"}]}
    assert bound(defined) == text_bytes(defined) + TOOLS_TOKENS + 1_000


def test_the_context_bounds_it_and_the_factor_scales_text_alone() -> None:
    body = asked({"type": "text", "text": "x" * 10_000})
    assert bound(body, context_length=500) == 500
    assert bound(body, tokens_per_byte_ppm=500_000) == -(-(text_bytes(body) - OVERHEAD_TOKENS) // 2) + OVERHEAD_TOKENS


def candidate(model: str, dialect: str = "chat", context_length: int = 0) -> Candidate:
    return Candidate(
        provider="p",
        model=model,
        public_model=f"p/{model}",
        credential="",
        origin="",
        path=b"",
        headers=(),
        dialect=dialect,
        context_length=context_length,
    )


def test_the_worst_candidate_counts() -> None:
    raw = msgspec.json.encode(asked({"type": "image_url", "image_url": {"url": "https://h/a.png"}}))
    fields = decode(raw, 100)
    money = MoneySettings(tokens_per_byte_ppm_by_model={"p/dense": 3_000_000})

    def over(*candidates: Candidate) -> int:
        return bound_for(money, fields, len(raw), candidates) - OVERHEAD_TOKENS

    assert over(candidate("c", "messages")) == len(raw) + 5_000
    assert over(candidate("c", "messages"), candidate("m")) == len(raw) + IMAGE_TOKENS_MAX
    assert over(candidate("gpt-4o-mini")) == len(raw) + IMAGE_TOKENS_MAX_4O_MINI
    assert over(candidate("dense")) == 3 * len(raw) + IMAGE_TOKENS_MAX
    assert over(candidate("m", context_length=7_000), candidate("n", context_length=8_000)) == 8_500 - OVERHEAD_TOKENS
    assert over(candidate("m", context_length=7_000), candidate("n")) == len(raw) + IMAGE_TOKENS_MAX


@settings(max_examples=60)
@given(
    st.text(max_size=200),
    st.tuples(*[st.integers(0, 10**10) for _ in range(10)]),
    st.lists(st.floats(0, 1), min_size=10, max_size=10),
    st.integers(1, 5_000),
    st.integers(0, 2_000_000),
)
def test_no_charge_of_a_text_exceeds_what_was_held_for_it(
    text: str, prices: tuple[int, ...], shares: list[float], cap: int, margin_ppm: int
) -> None:
    body = asked({"type": "text", "text": text})
    prompt = bound(body)
    # However the provider divides them into classes: a token for each byte at most, and no more output than asked.
    inputs = [int(share * len(text.encode("utf-8", "surrogatepass")) / 6) for share in shares[:6]]
    outputs = [int(share * cap / 4) for share in shares[6:]]
    in_text, cache_read, write_5m, write_1h, in_audio, in_image = inputs
    usage = Usage(in_text, in_audio, in_image, cache_read, write_5m, write_1h, *outputs)
    names = [name for name in Tariff.__struct_fields__ if name.startswith(("in_", "out_", "cache_"))]
    tariff = msgspec.convert(dict(zip(names, prices, strict=True)), Tariff)
    assert tariff.bound(prompt, cap, margin_ppm) >= tariff.charge(usage, margin_ppm)
    assert prompt >= usage.input_tokens


def test_long_bands_have_many_tiles_before_gemini_3() -> None:
    raw = msgspec.json.encode({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": ""}}]}]})
    fields = decode(raw, 100)

    def over(model: str, *, by_size: bool = False) -> int:
        return bound_for(MoneySettings(media_by_size=by_size), fields, len(raw), [candidate(model, "gemini")])

    framed = len(raw) + OVERHEAD_TOKENS
    assert over("gemini-2.5-pro") == framed + IMAGE_TOKENS_MAX_TILED >= framed + 236 * 258
    assert over("gemini-2.5-pro", by_size=True) == framed + IMAGE_TOKENS_MAX_BY_DIALECT["gemini"]
    assert over("gemini-3-pro") == framed + IMAGE_TOKENS_MAX_BY_DIALECT["gemini"]
