"""Usage in disjoint buckets: they sum up to what was reported, and come back as they were."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.responses import usage
from fastgw.usage import Usage

REPORTED = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 130,
}


def test_buckets() -> None:
    read = usage.read_usage(msgspec.json.encode(REPORTED))
    assert read == Usage(in_text=30, cache_read=60, cache_write_5m=10, out_text=18, out_reasoning=12)
    assert msgspec.to_builtins(usage.said(read)) == REPORTED


def test_both_lives_of_written_tokens_are_one() -> None:
    assert usage.said(Usage(cache_write_5m=2, cache_write_1h=3)).input_tokens_details.cache_write_tokens == 5


@pytest.mark.parametrize("raw", [b"null", b"5", b"{}", b'{"input_tokens":0}', b'{"input_tokens":"9"}', b"{"])
def test_nothing_is_none(raw: bytes) -> None:
    assert usage.read_usage(raw) is None


counts = st.none() | st.integers(min_value=-5, max_value=2**70)


@given(counts, counts, st.fixed_dictionaries({}, optional={name: counts for name in
       ("cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens")}), counts)  # fmt: skip
def test_sums_hold_and_nothing_is_negative(
    took: int | None, gave: int | None, details: dict[str, int], out: int
) -> None:
    read = usage.read_usage(msgspec.json.encode({
        "input_tokens": took, "output_tokens": gave, "input_tokens_details": details,
        "output_tokens_details": {"reasoning_tokens": out},
    }))  # fmt: skip
    if read is None:
        return
    assert read.input_tokens == min(max(0, took or 0), usage.TOKENS_MAX)
    assert read.output_tokens == min(max(0, gave or 0), usage.TOKENS_MAX)
    assert all(count >= 0 for count in msgspec.structs.astuple(read))


def test_usage_in_a_tail() -> None:
    tail = b'ut":[]}],"usage":' + msgspec.json.encode(REPORTED) + b',"metadata":{}}'
    assert usage.usage_in_tail(tail) == usage.read_usage(msgspec.json.encode(REPORTED))
    assert usage.usage_in_tail(b'"usage":null}') is None
