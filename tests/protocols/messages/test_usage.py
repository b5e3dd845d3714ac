"""Counts of tokens, in and out."""

from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.messages.usage import Count, normalise, read_usage, wire_usage
from fastgw.usage import Usage

TOKENS = st.integers(0, 2**33)


@given(*[TOKENS] * 6, st.integers(0, 1_000))
def test_what_is_written_is_read_again(
    read: int, five: int, hour: int, plain: int, out: int, thought: int, searches: int
) -> None:
    usage = Usage(
        in_text=plain,
        cache_read=read,
        cache_write_5m=five,
        cache_write_1h=hour,
        out_text=out,
        out_reasoning=thought,
        searches=searches,
    )
    import json

    wire = json.dumps(wire_usage(usage)).encode()
    assert normalise(read_usage(wire)) == (usage if usage.total_tokens else None)


def report(raw: bytes) -> Count:
    count = Count()
    for line in raw.split(b";"):
        wire = read_usage(line)
        assert wire is not None
        count.take(wire)
    return count


def test_the_end_of_a_stream_restates_the_start() -> None:
    count = report(b'{"input_tokens":9,"cache_read_input_tokens":5,"output_tokens":1};{"output_tokens":30}')
    assert count.usage == Usage(in_text=9, cache_read=5, out_text=30)


def test_newer_input_wins_and_a_zero_takes_nothing_back() -> None:
    count = report(b'{"input_tokens":900,"output_tokens":1};{"input_tokens":12,"cache_read_input_tokens":0}')
    assert count.usage == Usage(in_text=12, out_text=1)
    count = report(b'{"input_tokens":900,"output_tokens":1};{"input_tokens":0,"output_tokens":4}')
    assert count.usage == Usage(in_text=900, out_text=4)


def test_writes_are_split_by_their_time_to_live() -> None:
    split = b'{"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_1h_input_tokens":4}}'
    assert normalise(read_usage(split)) == Usage(cache_write_5m=6, cache_write_1h=4)
    assert normalise(read_usage(b'{"cache_creation_input_tokens":10}')) == Usage(cache_write_5m=10)


def test_thinking_is_part_of_the_output() -> None:
    wire = read_usage(b'{"output_tokens":10,"output_tokens_details":{"thinking_tokens":99}}')
    assert normalise(wire) == Usage(out_reasoning=10)


def test_nonsense_counts_nothing() -> None:
    assert read_usage(b'{"input_tokens":"9"}') is None
    assert normalise(read_usage(b'{"input_tokens":-9}')) is None
    assert normalise(None) is None
