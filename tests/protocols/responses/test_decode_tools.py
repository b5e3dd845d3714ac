"""Tools and the choice among them."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Tool, ToolChoice
from tests.protocols.responses.kit import decoded


def test_functions_keep_their_schemas_text() -> None:
    schema = {"type": "object", "properties": {"b": {}, "a": {}}}
    conversation, losses = decoded(tools=[
        {"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": False},
        {"type": "function", "name": "g", "parameters": None, "strict": None},
    ])  # fmt: skip
    text = msgspec.json.encode(schema).decode()
    assert conversation.tools == (Tool("function", "f", "d", text, strict=False), Tool("function", "g"))
    assert losses == ()


def test_custom_tools_keep_their_grammar() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    (tool,) = decoded(tools=[{"type": "custom", "name": "patch", "format": grammar}])[0].tools
    assert (tool.kind, tool.name, msgspec.json.decode(tool.grammar)) == ("custom", "patch", grammar)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"type": "web_search", "external_web_access": True}, "web_search"),
        ({"type": "web_search_preview"}, "web_search"),
        ({"type": "tool_search", "execution": "client"}, "opaque"),
        ({"type": "mcp", "server_label": "s"}, "opaque"),
        ({"type": "image_generation"}, "opaque"),
    ],
)
def test_server_tools_stay_whole(given: dict[str, Any], kind: str) -> None:
    (tool,) = decoded(tools=[given])[0].tools
    assert (tool.kind, tool.name, tool.dialect) == (kind, given["type"], "responses")
    assert msgspec.json.decode(tool.raw) == given


def test_a_namespace_is_flat_elsewhere() -> None:
    conversation, losses = decoded(tools=[{"type": "namespace", "name": "mcp__x", "description": "Files.", "tools": [
        {"type": "function", "name": "read", "parameters": {"type": "object"}, "defer_loading": True},
        {"type": "custom", "name": "patch"},
    ]}])  # fmt: skip
    assert [(tool.kind, tool.name) for tool in conversation.tools] == [
        ("function", "mcp__x__read"),
        ("custom", "mcp__x__patch"),
    ]
    assert losses == ("tools[0].description", "tools[0].tools[0].defer_loading")
    assert len({tool.raw for tool in conversation.tools}) == 1


def test_more_than_others_can_say_is_listed_and_kept() -> None:
    given = {"type": "function", "name": "f", "parameters": {}, "allowed_callers": ["direct"]}
    conversation, losses = decoded(tools=[given])
    assert losses == ("tools[0].allowed_callers",)
    assert msgspec.json.decode(conversation.tools[0].raw) == given


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ("none", ToolChoice("none")),
        ({"type": "function", "name": "f"}, ToolChoice("named", "f")),
        ({"type": "custom", "name": "p"}, ToolChoice("named", "p", custom=True)),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
         ToolChoice("allowed", allowed=("f",), required=True)),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "s"}]}, None),
        ({"type": "web_search_preview"}, None),
    ],
)  # fmt: skip
def test_choices(given: Any, choice: ToolChoice | None) -> None:
    conversation, _ = decoded(tool_choice=given)
    assert conversation.tool_choice == choice
    assert ("tool_choice" in conversation.same) == (choice is None)


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ([{"name": "f"}], "tools[0]"),
        ([{"type": "function"}], "tools[0]"),
        ({"type": "function"}, "tools"),
        ([{"type": "function", "name": "f", "parameters": 5}], "tools[0].parameters"),
        ([{"type": "custom", "name": "p", "format": "text"}], "tools[0].format"),
        ([{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}], "tools[0].tools[0]"),
    ],
)
def test_mistakes_are_named(tools: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(tools=tools)
    assert caught.value.param == param
