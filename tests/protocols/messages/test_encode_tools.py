"""Tools and choices, as the lane takes them."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Cache, Conversation, Text, Tool, ToolCall, ToolChoice, ToolResult
from tests.protocols.messages.lane import asked, lane, said, sent

EMPTY = {"type": "object", "properties": {}}
F, G = Tool("function", "f"), Tool("function", "g")


def made(*tools: Tool, origin: str = "chat", **abilities: Any) -> tuple[Any, tuple[str, ...]]:
    body, lost = sent(asked(tools=tools, origin=origin), lane(**abilities))
    return body.get("tools"), lost


@pytest.mark.parametrize(
    ("schema", "sent_"),
    [
        ("", EMPTY),
        ("{}", EMPTY),
        ("null", EMPTY),
        ('{"properties":{}}', EMPTY),
        ('{"type":"object"}', {"type": "object"}),
        ('{"type":"object","properties":{"a":{"type":["string","null"]}}}',
         {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}),
    ],
)  # fmt: skip
def test_parameters_are_an_object(schema: str, sent_: dict[str, Any]) -> None:
    assert made(Tool("function", "f", schema=schema)) == ([{"name": "f", "input_schema": sent_}], ())


def test_a_function_with_all_it_has() -> None:
    tool = Tool("function", "f", "d", '{"type":"object"}', strict=True, cache=Cache("1h"))
    assert made(tool)[0] == [
        {
            "name": "f", "description": "d", "input_schema": {"type": "object", "additionalProperties": False},
            "strict": True, "cache_control": {"type": "ephemeral", "ttl": "1h"},
        }
    ]  # fmt: skip
    assert made(tool, tool_strict=False)[1] == ("tools[0].strict",)
    assert "strict" not in made(Tool("function", "f", strict=False))[0][0]
    assert made(Tool("function", "f", strict=False), origin="messages")[0][0]["strict"] is False


def test_a_custom_tool_becomes_a_function_of_one_text() -> None:
    tools, lost = made(Tool("custom", "patch", "d", grammar='{"type":"grammar"}'))
    assert tools[0]["input_schema"]["required"] == ["input"]
    assert (tools[0]["description"], lost) == ("d", ("tools[0].format",))
    assert made(Tool("custom", "patch"))[1] == ()


def test_tools_of_its_own_pass_and_others_are_lost() -> None:
    own = Tool("opaque", "bash", dialect="messages", raw='{"type":"bash_20250124","name":"bash"}')
    other = Tool("opaque", "shell", dialect="responses", raw='{"type":"local_shell"}')
    tools, lost = made(own, other)
    assert (tools, lost) == ([{"type": "bash_20250124", "name": "bash"}], ("tools[1]",))


def test_a_search_of_its_own_and_of_others() -> None:
    own = Tool("web_search", "web_search", dialect="messages", raw='{"type":"web_search_20260209","name":"web_search"}')
    assert made(own)[0][0]["type"] == "web_search_20260209"
    other = Tool("web_search", dialect="gemini")
    assert made(other)[0] == [{"type": "web_search_20250305", "name": "web_search"}]
    assert made(other, web_search="") == (None, ("tools[0]",))


def chosen(choice: ToolChoice | None, parallel: bool | None = None, origin: str = "chat", **abilities: Any) -> Any:
    question = asked(tools=(F, G), tool_choice=choice, parallel_calls=parallel, origin=origin)
    body, lost = sent(question, lane(**abilities))
    return body.get("tool_choice"), [tool["name"] for tool in body["tools"]], lost


@pytest.mark.parametrize(
    ("choice", "sent_"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("named", "g"), {"type": "tool", "name": "g"}),
        (None, None),
    ],
)
def test_choices(choice: ToolChoice | None, sent_: Any) -> None:
    assert chosen(choice) == (sent_, ["f", "g"], ())


def test_allowed_tools_are_the_only_ones() -> None:
    assert chosen(ToolChoice("allowed", allowed=("g",))) == ({"type": "auto"}, ["g"], ())
    assert chosen(ToolChoice("allowed", allowed=("g",), required=True)) == ({"type": "any"}, ["g"], ())


def test_a_choice_that_cannot_be_had_is_lost() -> None:
    assert chosen(ToolChoice("named", "h")) == (None, ["f", "g"], ("tool_choice",))
    assert chosen(ToolChoice("required"), forced_calls=False) == ({"type": "auto"}, ["f", "g"], ("tool_choice",))
    body, lost = sent(asked(tool_choice=ToolChoice("required")))
    assert ("tool_choice" in body, lost) == (False, ("tool_choice",))
    assert sent(asked(tool_choice=ToolChoice("auto")))[1] == ()


@pytest.mark.parametrize(
    ("choice", "parallel", "sent_"),
    [
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("auto"), True, {"type": "auto"}),
        (None, True, None),
    ],
)
def test_parallel_calls(choice: ToolChoice | None, parallel: bool, sent_: Any) -> None:
    assert chosen(choice, parallel)[0] == sent_


def test_a_lane_may_not_know_how_to_forbid_them() -> None:
    assert chosen(None, False, parallel_flag=False)[::2] == (None, ("parallel_tool_calls",))
    assert chosen(None, True, parallel_flag=False)[2] == ()


def history(origin: str = "chat") -> Conversation:
    result = said("tool", ToolResult("toolu_1", (Text("r"),)))
    return asked(said("user", "a"), said("assistant", ToolCall("toolu_1", "f", "")), result, origin=origin)


def test_calls_of_the_past_are_declared_and_forbidden() -> None:
    body, lost = sent(history())
    assert (body["tools"], body["tool_choice"]) == ([{"name": "f", "input_schema": EMPTY}], {"type": "none"})
    assert lost == ()
    assert "tools" not in sent(history("messages"))[0]


def test_a_lane_without_tools_refuses_them() -> None:
    with pytest.raises(GatewayError) as raised:
        made(F, tools=False)
    assert raised.value.param == "tools"
