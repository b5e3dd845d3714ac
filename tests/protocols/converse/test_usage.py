"""Usage of Converse as disjoint buckets."""

import json

import msgspec
import pytest

from fastgw.protocols.converse.usage import WireUsage, usage_in_tail, usage_of
from fastgw.usage import Usage

WHOLE = {
    "inputTokens": 10,
    "outputTokens": 5,
    "totalTokens": 45,
    "cacheReadInputTokens": 20,
    "cacheWriteInputTokens": 10,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": "5m", "inputTokens": 6}],
}


def of(wire: dict[str, object]) -> Usage | None:
    return usage_of(msgspec.json.decode(json.dumps(wire), type=WireUsage))


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        (WHOLE, Usage(in_text=10, cache_read=20, cache_write_5m=6, cache_write_1h=4, out_text=5)),
        ({"inputTokens": 1, "cacheWriteInputTokens": 3}, Usage(in_text=1, cache_write_5m=3)),
        ({"outputTokens": 1, "cacheDetails": [{"ttl": "1h", "inputTokens": 9}]}, Usage(out_text=1)),
        ({"inputTokens": -5, "outputTokens": 2**70}, Usage(out_text=2**40)),
        ({"inputTokens": 0, "outputTokens": 0}, None),
        ({}, None),
    ],
)
def test_buckets(wire: dict[str, object], usage: Usage | None) -> None:
    assert of(wire) == usage
    assert usage is None or usage.total_tokens <= 2**40 + 100


def test_buckets_add_up_to_what_bedrock_says() -> None:
    usage = of(WHOLE)
    assert usage is not None
    assert usage.total_tokens == WHOLE["totalTokens"]


def test_nothing_is_nothing() -> None:
    assert usage_of(None) is None


def test_the_last_bytes_of_a_long_answer() -> None:
    tail = b'zzz"}]}},"stopReason":"end_turn","usage":%s,"metrics":{"latencyMs":5}}' % json.dumps(WHOLE).encode()
    assert usage_in_tail(tail) == of(WHOLE)
    assert usage_in_tail(tail[: tail.index(b"cacheDetails")]) is None
    assert usage_in_tail(b'"usage": {"inputTokens": "x"}') is None
