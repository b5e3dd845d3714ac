"""Reasons for an end: total in both directions."""

import pytest
from google.genai import types

from fastgw.protocols.gemini.stops import reason_of, word_of
from fastgw.protocols.hub.events import StopReason


@pytest.mark.parametrize("reason", list(StopReason))
def test_every_reason_has_a_word_of_google(reason: StopReason) -> None:
    assert word_of(reason) in {each.value for each in types.FinishReason}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", StopReason.END), ("MAX_TOKENS", StopReason.LENGTH), ("SAFETY", StopReason.REFUSAL),
        ("RECITATION", StopReason.REFUSAL), ("SPII", StopReason.REFUSAL), ("IMAGE_SAFETY", StopReason.REFUSAL),
        ("MALFORMED_FUNCTION_CALL", StopReason.MALFORMED_CALL), ("OTHER", StopReason.END), ("NEW", StopReason.END),
        ("CONTINUATION", StopReason.PAUSE),
    ],
)  # fmt: skip
def test_every_word_is_a_reason(word: str, reason: StopReason) -> None:
    assert reason_of(word) is reason


def test_a_word_comes_back_as_a_reason_like_it() -> None:
    for reason in (StopReason.LENGTH, StopReason.REFUSAL, StopReason.MALFORMED_CALL, StopReason.END):
        assert reason_of(word_of(reason)) is reason
