"""The dialect of a body is told by what only that dialect has; what fits its endpoint stays there."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.detect import detect
from fastgw.protocols.hub.dialect import Fields
from fastgw.protocols.toplevel import decode


def fields(**body: Any) -> Fields:
    return decode(msgspec.json.encode({"model": "m", **body}), 100)


HELLO = [{"role": "user", "content": "hi"}]
CHAT_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"input_schema": {}}}}}
CLAUDE_TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {"function": {"type": "string"}}}}
TOOL_USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
TOOL_RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "1"}]}
THINKING = {"role": "assistant", "content": [{"type": "thinking", "thinking": "…", "signature": "s"}]}
CALLED = {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f"}}]}


@pytest.mark.parametrize(
    ("route", "body", "dialect"),
    [
        # Chat at its place, with all that looks like something else.
        ("chat", {"messages": HELLO}, "chat"),
        ("chat", {"messages": HELLO, "max_tokens": 5, "tools": [CHAT_TOOL]}, "chat"),
        ("chat", {"messages": HELLO, "max_tokens": 5, "thinking": {"type": "enabled"}}, "chat"),
        ("chat", {"messages": [*HELLO, CALLED], "system": "s"}, "chat"),
        ("chat", {"messages": [{"role": "developer", "content": "x"}, *HELLO], "system": "s"}, "chat"),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}], "stop_sequences": []}, "chat"),
        ("chat", {"messages": HELLO, "system": "s", "response_format": {"type": "text"}}, "chat"),
        ("chat", {"messages": HELLO, "max_tokens": 5, "tools": [CHAT_TOOL, CLAUDE_TOOL]}, "chat"),
        ("chat", {"messages": HELLO, "max_tokens": 5, "tools": "tools with \"input_schema\" and name"}, "chat"),
        ("chat", {"messages": "tool_use", "max_tokens": 5, "thinking": {}}, "chat"),
        ("chat", {"messages": [{"role": "user", "content": "tool_use"}], "max_tokens": 5, "thinking": {}}, "chat"),
        ("chat", {}, "chat"),
        ("chat", {"prompt": "legacy"}, "chat"),
        ("chat", {"conversation": None}, "chat"),
        # Responses on chat.
        ("chat", {"input": "hi"}, "responses"),
        ("chat", {"input": []}, "responses"),
        ("chat", {"instructions": "x"}, "responses"),
        ("chat", {"max_output_tokens": 5}, "responses"),
        ("chat", {"previous_response_id": "resp_1"}, "responses"),
        ("chat", {"conversation": {"id": "c"}}, "responses"),
        ("chat", {"prompt": {"id": "pmpt_1"}}, "responses"),
        # Chat on Responses.
        ("responses", {"messages": HELLO}, "chat"),
        ("responses", {"messages": HELLO, "max_tokens": 5, "tools": [CHAT_TOOL]}, "chat"),
        ("responses", {"messages": HELLO, "system": "s", "max_tokens": 5}, "messages"),
        ("responses", {"input": "hi"}, "responses"),
        ("responses", {"prompt": {"id": "p"}}, "responses"),
        ("responses", {}, "responses"),
        # Messages on chat.
        ("chat", {"messages": HELLO, "system": "s", "max_tokens": 5}, "messages"),
        ("chat", {"messages": HELLO, "stop_sequences": ["x"], "max_tokens": 5}, "messages"),
        ("chat", {"messages": HELLO, "max_tokens": 5, "tools": [CLAUDE_TOOL]}, "messages"),
        ("chat", {"messages": [*HELLO, TOOL_USE, TOOL_RESULT], "max_tokens": 5, "tools": [CLAUDE_TOOL]}, "messages"),
        ("chat", {"messages": [*HELLO, TOOL_USE], "max_tokens": 5, "tools": [{"type": "web_search_20250305"}]},
         "messages"),
        ("chat", {"messages": [*HELLO, THINKING, *HELLO], "max_tokens": 5, "thinking": {"type": "enabled"}},
         "messages"),
        ("chat", {"messages": [{"role": "system", "content": "mid"}, *HELLO], "system": "s", "max_tokens": 5},
         "messages"),
        # Gemini anywhere.
        ("chat", {"contents": []}, "gemini"),
        ("responses", {"contents": [{"parts": [{"text": "x"}]}]}, "gemini"),
        ("messages", {"contents": []}, "gemini"),
        # Both shapes at once stay where they are.
        ("chat", {"messages": HELLO, "input": "hi"}, "chat"),
        ("chat", {"messages": HELLO, "contents": []}, "chat"),
        ("chat", {"messages": HELLO, "contents": [], "system": "s", "max_tokens": 5}, "chat"),
        ("chat", {"contents": [], "input": "hi"}, "chat"),
        ("responses", {"messages": HELLO, "input": "hi"}, "responses"),
        ("responses", {"messages": HELLO, "previous_response_id": "r"}, "responses"),
        ("responses", {"contents": [], "input": "hi"}, "responses"),
        ("responses", {"contents": [], "messages": HELLO}, "responses"),
        ("messages", {"messages": HELLO, "contents": []}, "messages"),
        # Messages at its place.
        ("messages", {"messages": HELLO}, "messages"),
        ("messages", {"messages": HELLO, "tools": [CHAT_TOOL]}, "messages"),
        ("messages", {}, "messages"),
        # Legacy completions are left alone.
        ("completions", {"prompt": "x"}, "completions"),
        ("completions", {"prompt": {"id": "x"}, "input": "x"}, "completions"),
        ("completions", {"messages": HELLO, "system": "s"}, "completions"),
    ],
)  # fmt: skip
def test_what_only_one_dialect_has_decides(route: str, body: dict[str, Any], dialect: str) -> None:
    assert detect(route, fields(**body), "") == dialect


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        ({"messages": HELLO, "max_tokens": 5}, "messages"),
        ({"messages": HELLO}, "chat"),
        ({"messages": HELLO, "max_tokens": 5, "stream_options": {"include_usage": True}}, "chat"),
        ({"messages": HELLO, "max_tokens": 5, "tools": [CHAT_TOOL]}, "chat"),
        ({"messages": [*HELLO, CALLED], "max_tokens": 5}, "chat"),
    ],
)
def test_the_version_header_tells_a_body_that_fits_both(body: dict[str, Any], dialect: str) -> None:
    assert detect("chat", fields(**body), "2023-06-01") == dialect


_words = st.sampled_from(
    ["messages", "input", "contents", "system", "max_tokens", "tools", "thinking", "conversation", "prompt", "stop"]
)
_values: st.SearchStrategy[Any] = (
    st.none() | st.text(max_size=3) | st.just(HELLO) | st.just([TOOL_USE]) | st.just([CLAUDE_TOOL]) | st.just({})
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_words, _values), st.sampled_from(["", "2023-06-01"]))
def test_a_body_that_fits_its_endpoint_stays_there(body: dict[str, Any], version: str) -> None:
    found = {route: detect(route, fields(**body), version) for route in ("chat", "responses", "messages", "gemini")}
    if "messages" in body:
        assert found["messages"] == "messages"
        assert found["chat"] in {"chat", "messages"}
    if "input" in body:
        assert found["responses"] == "responses"
    if "contents" in body:
        assert found["gemini"] == "gemini"
