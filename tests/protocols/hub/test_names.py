"""Losses are named by the caller's own field."""

import pytest

from fastgw.protocols.hub.names import field_of


@pytest.mark.parametrize(
    ("origin", "setting", "field"),
    [
        ("chat", "output_cap", "max_completion_tokens"),
        ("responses", "turns", "input"),
        ("messages", "stop", "stop_sequences"),
        ("gemini", "top_k", "generationConfig.topK"),
        ("chat", "seed", "seed"),
        ("messages", "turns", "messages"),
        ("unheard", "turns", "messages"),
    ],
)
def test_a_setting_has_the_name_its_caller_gave_it(origin: str, setting: str, field: str) -> None:
    assert field_of(origin, setting) == field
