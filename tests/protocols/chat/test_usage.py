"""Usage in disjoint buckets whose sum is the provider's total."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.chat.usage import read_usage, wire
from fastgw.usage import Usage

counts = st.none() | st.integers(min_value=0, max_value=10**7)


@given(counts, counts, counts, counts, counts, counts, counts)
def test_buckets_are_disjoint_and_sum_to_the_report(
    prompt: int | None,
    completion: int | None,
    cached: int | None,
    written: int | None,
    audio: int | None,
    reasoning: int | None,
    spoken: int | None,
) -> None:
    wire = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": (prompt or 0) + (completion or 0),
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": spoken},
    }
    usage = read_usage(msgspec.json.encode(wire))
    if not prompt and not completion:
        assert usage is None
        return
    assert usage is not None
    assert all(getattr(usage, name) >= 0 for name in Usage.__struct_fields__)
    assert usage.input_tokens == (prompt or 0)
    if reasoning:
        assert usage.output_tokens in {completion or 0, (completion or 0) + reasoning}
    else:
        assert usage.output_tokens == (completion or 0)


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 3}, Usage(in_text=5, out_text=3)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_cache_hit_tokens": 80,
                "prompt_cache_miss_tokens": 20,
            },
            Usage(in_text=20, cache_read=80, out_text=50),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 1, "cached_tokens": 6}, Usage(in_text=4, cache_read=6, out_text=1)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 2,
                "total_tokens": 42,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(in_text=10, out_text=2, out_reasoning=30),
        ),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 32,
                "total_tokens": 42,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            Usage(in_text=10, out_text=2, out_reasoning=30),
        ),
    ],
)
def test_quirks(wire: dict[str, object], expected: Usage) -> None:
    assert read_usage(msgspec.json.encode(wire)) == expected


@pytest.mark.parametrize("raw", [b"null", b"5", b"[]", b"{", b'{"prompt_tokens":"x"}', b"{}"])
def test_what_cannot_be_read_is_nothing(raw: bytes) -> None:
    assert read_usage(raw) is None


def test_usages_add_up() -> None:
    assert Usage(in_text=1, out_text=2) + Usage(in_text=3, cache_read=4) == Usage(in_text=4, cache_read=4, out_text=2)


def test_counts_without_end_stay_within_what_the_books_can_hold() -> None:
    endless = b"9" * 40
    usage = read_usage(b'{"prompt_tokens":%b,"completion_tokens":%b}' % (endless, endless))
    assert usage is not None
    assert usage.total_tokens < 2**53


@given(
    st.builds(
        Usage,
        *[st.integers(0, 99)] * 4,
        st.integers(0, 99),
        st.just(0),
        *[st.integers(0, 99)] * 3,
        st.just(0),
    )
)
def test_what_callers_get_reads_back_as_the_same_buckets(usage: Usage) -> None:
    body = wire(usage)
    assert body["total_tokens"] == body["prompt_tokens"] + body["completion_tokens"] == usage.total_tokens
    assert (read_usage(msgspec.json.encode(body)) or Usage()) == usage


def test_both_lifetimes_of_a_cache_are_one_count_for_callers() -> None:
    details = wire(Usage(in_text=1, cache_write_5m=2, cache_write_1h=3))["prompt_tokens_details"]
    assert details["cache_write_tokens"] == 5
