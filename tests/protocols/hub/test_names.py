"""Losses are named by the caller's own field."""

import pytest

from fastgw.protocols.hub.conversation import Conversation, Format, Thinking, Tool
from fastgw.protocols.hub.names import field_of, format_of, thinking_of, tool_of, user_of


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


@pytest.mark.parametrize(
    ("origin", "form", "field"),
    [
        ("gemini", Format("json_schema", schema="{}", dialect="gemini", raw="{}"), "generationConfig.responseSchema"),
        ("gemini", Format("json_schema", schema="{}"), "generationConfig.responseJsonSchema"),
        ("gemini", Format("json_object"), "generationConfig.responseMimeType"),
        ("responses", Format("json_object"), "text.format"),
        ("chat", None, "response_format"),
    ],
)
def test_the_form_is_named_as_it_was_said(origin: str, form: Format | None, field: str) -> None:
    assert format_of(Conversation(origin, (), format=form)) == field


def test_a_tool_is_named_by_its_place() -> None:
    assert tool_of(Tool("function", "f"), 2) == "tools[2]"
    assert tool_of(Tool("web_search", path="tools[1].googleSearch"), 2) == "tools[1].googleSearch"


@pytest.mark.parametrize(
    ("origin", "thinking", "field"),
    [
        ("messages", Thinking("adaptive", "high"), "output_config.effort"),
        ("messages", Thinking("on", "high", 2_000), "thinking"),
        ("messages", Thinking("adaptive"), "thinking"),
        ("responses", Thinking(effort="high"), "reasoning"),
    ],
)
def test_reasoning_is_named_by_what_says_how_much(origin: str, thinking: Thinking, field: str) -> None:
    assert thinking_of(Conversation(origin, (), thinking=thinking)) == field


def test_the_end_user_is_named_as_they_were() -> None:
    assert user_of(Conversation("messages", (), user="u")) == "metadata.user_id"
    assert user_of(Conversation("chat", (), user="u", user_field="safety_identifier")) == "safety_identifier"
