"""Google's counts become disjoint buckets and counts again; sums stand."""

from typing import Any

import msgspec
import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.gemini.usage import TOKENS_MAX, read_usage, to_wire
from fastgw.usage import Usage


def read(**said: Any) -> Usage | None:
    return read_usage(msgspec.json.encode(said))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}, Usage(10, out_text=5)),
        (
            {"promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": 5, "thoughtsTokenCount": 7,
             "toolUsePromptTokenCount": 3, "totalTokenCount": 25},
            Usage(9, cache_read=4, out_text=5, out_reasoning=7),
        ),
        ({"promptTokenCount": 10, "totalTokenCount": 14}, Usage(10, out_text=4)),
        ({"promptTokenCount": 10, "thoughtsTokenCount": 3, "totalTokenCount": 13}, Usage(10, out_reasoning=3)),
        ({"totalTokenCount": 9}, Usage(9)),
        ({"promptTokenCount": "8", "candidatesTokenCount": "2"}, Usage(8, out_text=2)),
        (
            {"promptTokenCount": 10, "candidatesTokenCount": 8, "thoughtsTokenCount": 6, "totalTokenCount": 18},
            Usage(10, out_text=2, out_reasoning=6),
        ),
        (
            {"promptTokenCount": 10, "toolUsePromptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 11},
            Usage(10, out_text=1),
        ),
        (
            {"promptTokenCount": 100, "cachedContentTokenCount": 30, "candidatesTokenCount": 50,
             "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 50}, {"modality": "AUDIO", "tokenCount": 40},
                                     {"modality": "IMAGE", "tokenCount": 10}],
             "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}],
             "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 20},
                                         {"modality": "AUDIO", "tokenCount": 5}]},
            Usage(50, 10, 10, 30, out_text=25, out_audio=5, out_image=20),
        ),
        ({"promptTokenCount": 5, "cachedContentTokenCount": 9}, Usage(cache_read=5)),
        ({"promptTokenCount": 10**30, "candidatesTokenCount": -4}, Usage(TOKENS_MAX)),
        ({"promptTokenCount": 0, "candidatesTokenCount": 0}, None),
        ({"promptTokenCount": "many"}, None),
    ],
)  # fmt: skip
def test_each_shape(said: Any, expected: Usage | None) -> None:
    assert read(**said) == expected


def test_nothing_is_none() -> None:
    assert read_usage(b"null") is None
    assert read_usage(b"{") is None


COUNT = st.integers(0, 10_000)


@settings(max_examples=100, deadline=None)
@given(st.builds(Usage, *[COUNT] * 10))
def test_what_a_caller_is_told_sums_up_and_reads_back(usage: Usage) -> None:
    said: Any = to_wire(usage)
    types.GenerateContentResponseUsageMetadata.model_validate(said)
    assert said["totalTokenCount"] == usage.total_tokens
    assert (
        said["promptTokenCount"] + said["candidatesTokenCount"] + said.get("thoughtsTokenCount", 0)
        == usage.total_tokens
    )
    for name in ("promptTokensDetails", "candidatesTokensDetails"):
        if name in said:
            assert sum(each["tokenCount"] for each in said[name]) == said[name.replace("TokensDetails", "TokenCount")]
    back = read(**said) or Usage()
    assert (back.input_tokens, back.output_tokens) == (usage.input_tokens, usage.output_tokens)
    assert (back.cache_read, back.out_reasoning) == (usage.cache_read, usage.out_reasoning)
