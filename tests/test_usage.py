"""Token buckets: disjoint, so that sums are sums."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fastgw.usage import NOTHING, Usage

USAGES = st.builds(Usage, *(st.integers(0, 10**12) for _ in Usage.__struct_fields__))


@given(USAGES)
def test_every_bucket_counts_once(usage: Usage) -> None:
    *buckets, searches = msgspec.structs.astuple(usage)
    assert usage.searches == searches
    assert usage.total_tokens == sum(buckets), "searches are no tokens"
    assert usage.input_tokens + usage.output_tokens == usage.total_tokens


@given(USAGES, USAGES)
def test_sums_are_bucket_by_bucket(one: Usage, other: Usage) -> None:
    both = one + other
    assert both.total_tokens == one.total_tokens + other.total_tokens
    assert both.cache_read == one.cache_read + other.cache_read
    assert both.searches == one.searches + other.searches
    assert one + NOTHING == one


@given(USAGES)
def test_it_survives_the_journal(usage: Usage) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(usage), type=Usage) == usage


@given(st.lists(st.integers(0, 10**12), min_size=10, max_size=10))
def test_what_was_written_before_searches_were_counted_is_still_read(buckets: list[int]) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(buckets), type=Usage) == Usage(*buckets)
    assert Usage(*buckets).searches == 0
