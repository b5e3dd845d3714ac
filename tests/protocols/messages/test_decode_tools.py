"""Tools and choices of a caller's request."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Cache, Tool, ToolChoice
from tests.protocols.messages.lane import heard


def one(tool: dict[str, Any]) -> tuple[Tool, tuple[str, ...]]:
    asked, lost = heard({"tools": [tool]})
    return asked.tools[0], lost


def test_a_function_keeps_the_bytes_of_its_schema() -> None:
    tool, lost = one({"name": "f", "description": "d", "input_schema": {"type": "object", "n": 1.0}, "strict": True})
    assert tool == Tool("function", "f", "d", '{"type": "object", "n": 1.0}', strict=True)
    assert lost == ()
    assert one({"type": "custom", "name": "f", "input_schema": {}})[0].kind == "function"
    assert one({"type": None, "name": "f", "input_schema": None})[0].schema == ""


def test_what_others_do_not_know_of_a_function_is_a_loss() -> None:
    tool = {"name": "f", "input_schema": {}, "defer_loading": True, "eager_input_streaming": True}
    assert set(one(tool)[1]) == {"tools[0].defer_loading", "tools[0].eager_input_streaming"}


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("web_search_20260209", "web_search"),
        ("bash_20250124", "opaque"),
        ("mcp_toolset", "opaque"),
        ("computer_toolset_20260801", "opaque"),
    ],
)
def test_tools_of_anthropics_own_stay_as_they_are(kind: str, read: str) -> None:
    tool, lost = one({"type": kind, "name": "n", "max_uses": 3, "cache_control": {"type": "ephemeral", "ttl": "1h"}})
    assert (tool.kind, tool.name, tool.dialect, tool.cache) == (read, "n", "messages", Cache("1h"))
    assert '"max_uses": 3' in tool.raw
    assert lost == ()


@pytest.mark.parametrize(
    ("said", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": False}, ToolChoice("named", "f"), True),
        ({"type": "none"}, ToolChoice("none"), None),
        (None, None, None),
    ],
)
def test_choices(said: Any, choice: ToolChoice | None, parallel: bool | None) -> None:
    asked, _ = heard({"tool_choice": said})
    assert (asked.tool_choice, asked.parallel_calls) == (choice, parallel)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "all"}}, "tool_choice.type"),
        ({"tools": [{"input_schema": {}}]}, "tools[0]"),
        ({"tools": {}}, "tools"),
    ],
)
def test_a_mistake_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as raised:
        heard(body)
    assert raised.value.param == param
