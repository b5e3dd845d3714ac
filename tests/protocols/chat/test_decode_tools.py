"""Tools, choices, formats and reasoning of a request."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Cache, Format, Thinking, Tool, ToolChoice
from tests.protocols.chat.ask import decoded


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ({"type": "function", "function": {"name": "f"}}, Tool("function", "f")),
        ({"function": {"name": "f", "parameters": None}}, Tool("function", "f")),
        ({"type": "function", "function": {"name": "f", "description": "d", "parameters": {"b": 1, "a": 2},
                                           "strict": True}, "cache_control": {"type": "ephemeral", "ttl": "5m"}},
         Tool("function", "f", "d", '{"b":1,"a":2}', True, cache=Cache("5m"))),
        ({"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}},
         Tool("custom", "c", grammar='{"type":"text"}')),
        ({"type": "web_search", "web_search": {"x": 1}},
         Tool("opaque", "web_search", dialect="chat", raw='{"type":"web_search","web_search":{"x":1}}')),
    ],
)  # fmt: skip
def test_tools(tool: dict[str, Any], expected: Tool) -> None:
    conversation, losses = decoded(tools=[tool])
    assert (conversation.tools, losses) == ((expected,), ())


def test_old_functions_are_tools_that_are_called_one_at_a_time() -> None:
    conversation, _ = decoded(functions=[{"name": "f", "parameters": {}}], function_call={"name": "f"})
    assert conversation.tools == (Tool("function", "f", schema="{}"),)
    assert (conversation.tool_choice, conversation.parallel_calls) == (ToolChoice("named", "f"), False)


def test_web_search_options_are_a_tool() -> None:
    conversation, _ = decoded(web_search_options={"search_context_size": "low"})
    raw = '{"search_context_size":"low"}'
    assert conversation.tools == (Tool("web_search", "web_search", dialect="chat", raw=raw, path="web_search_options"),)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("named", "f")),
        ({"type": "custom", "custom": {"name": "c"}}, ToolChoice("named", "c", custom=True)),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
            {"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "c"}}]}},
         ToolChoice("allowed", allowed=("f", "c"), required=True)),
    ],
)  # fmt: skip
def test_choices(choice: Any, expected: ToolChoice) -> None:
    assert decoded(tool_choice=choice)[0].tool_choice == expected


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"type": "text"}, Format("text")),
        ({"type": "json_object"}, Format("json_object")),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": {"b": 1, "a": 2}, "strict": True,
                                                 "description": "d"}},
         Format("json_schema", "n", '{"b":1,"a":2}', True, "d")),
    ],
)  # fmt: skip
def test_formats(form: dict[str, Any], expected: Format) -> None:
    assert decoded(response_format=form)[0].format == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"reasoning_effort": "xhigh"}, Thinking(effort="xhigh")),
        ({"reasoning_effort": "none"}, Thinking(effort="none")),
        ({"reasoning_effort": None}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, Thinking("on", budget_tokens=2048)),
        ({"thinking": {"type": "disabled"}}, Thinking("off")),
        ({"thinking": {"type": "adaptive"}}, Thinking("adaptive")),
        ({"enable_thinking": True, "thinking_budget": 99}, Thinking("on", budget_tokens=99)),
        ({"enable_thinking": False}, Thinking("off")),
        ({"reasoning": {"effort": "high", "exclude": True}}, Thinking(effort="high", show=False)),
        ({"reasoning": {"enabled": True, "max_tokens": 5}}, Thinking("on", budget_tokens=5)),
    ],
)  # fmt: skip
def test_reasoning(asked: dict[str, Any], expected: Thinking | None) -> None:
    conversation, losses = decoded(**asked)
    assert (conversation.thinking, losses) == (expected, ())


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": 1}}]}, "tools[0].function.name"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "poem"}}, "response_format.type"),
        ({"reasoning_effort": "much"}, "reasoning_effort"),
    ],
)
def test_mistakes_are_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(**body)
    assert (caught.value.status, caught.value.param) == (400, param)
