"""Counts of the gateway's own."""

from hypothesis import given
from hypothesis import strategies as st

from fastgw.dataplane.metering.estimate import MEDIA_TOKENS_MAX, before_call, prompt_typical


@given(st.integers(0, 2**25), st.integers(0, 2**31), st.integers(1, 128))
def test_the_bound_is_never_below_what_is_likely(size: int, cap: int, choices: int) -> None:
    bound = before_call(size, cap, choices)
    assert bound.prompt_tokens >= prompt_typical(size)
    assert bound.output_tokens >= cap * choices
    assert bound.total == bound.prompt_tokens + bound.output_tokens


def test_media_and_unsaid_caps_have_sizes_of_their_own() -> None:
    assert before_call(2**25, 1, 1).prompt_tokens == MEDIA_TOKENS_MAX
    assert before_call(10, 0, 2).output_tokens == 8_192
    assert prompt_typical(40) == 10
