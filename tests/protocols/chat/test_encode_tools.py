"""Tools and choices for lanes that take all, some or none of them."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Cache, Tool, ToolChoice
from tests.protocols.chat.ask import asked, lane, sent

F = Tool("function", "f", "d", '{"type":"object","x":1}')
C = Tool("custom", "c", "d", grammar='{"type":"grammar","syntax":"lark","definition":"x: y"}')


FORM = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x: y"}}


def fields(*tools: Tool, choice: ToolChoice | None = None, origin: str = "messages", parallel: bool | None = None,
           **abilities: Any) -> tuple[dict[str, Any], tuple[str, ...]]:  # fmt: skip
    question = asked(origin=origin, tools=tools, tool_choice=choice, parallel_calls=parallel)
    body, losses = sent(question, lane(**abilities))
    return {name: body[name] for name in body if name not in ("model", "messages")}, losses


def test_a_function() -> None:
    made = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "x": 1}}}
    assert fields(F) == ({"tools": [made]}, ())


def test_a_function_without_parameters_has_an_empty_object() -> None:
    body, _ = fields(Tool("function", "f"))
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}


def test_strictness_is_a_loss_where_it_is_unknown() -> None:
    strict = Tool("function", "f", strict=True)
    assert fields(strict)[0]["tools"][0]["function"]["strict"] is True
    body, losses = fields(strict, tool_strict=False)
    assert "strict" not in body["tools"][0]["function"]
    assert losses == ("tools[0].strict",)


def test_a_custom_tool_and_the_function_that_stands_for_it() -> None:
    body, losses = fields(C, choice=ToolChoice("named", "c", custom=True))
    assert body["tools"] == [{"type": "custom", "custom": {"name": "c", "description": "d", "format": FORM}}]
    assert (body["tool_choice"], losses) == ({"type": "custom", "custom": {"name": "c"}}, ())
    body, losses = fields(C, choice=ToolChoice("named", "c", custom=True), custom_tools=False)
    function = body["tools"][0]["function"]
    assert function["parameters"]["required"] == ["input"] and function["description"].endswith("lark grammar:\nx: y")
    assert body["tool_choice"] == {"type": "function", "function": {"name": "c"}}
    assert losses == ("tools[0].format",)


@pytest.mark.parametrize(("choice", "expected"), [
    (ToolChoice("auto"), "auto"),
    (ToolChoice("none"), "none"),
    (ToolChoice("required"), "required"),
    (ToolChoice("named", "f"), {"type": "function", "function": {"name": "f"}}),
])  # fmt: skip
def test_choices(choice: ToolChoice, expected: Any) -> None:
    assert fields(F, choice=choice)[0]["tool_choice"] == expected
    assert "tool_choice" not in fields(choice=choice)[0], "400 everywhere without tools"


def test_a_demand_becomes_a_wish_where_it_cannot_be_made() -> None:
    body, losses = fields(F, choice=ToolChoice("required"), forced_calls=False)
    assert (body["tool_choice"], losses) == ("auto", ("tool_choice",))


def test_allowed_tools_are_all_that_is_shown() -> None:
    choice = ToolChoice("allowed", allowed=("f",), required=True)
    body, losses = fields(F, C, choice=choice)
    assert ([tool["type"] for tool in body["tools"]], body["tool_choice"], losses) == (["function"], "required", ())


def test_a_choice_of_a_tool_that_was_left_out_is_a_loss() -> None:
    server = Tool("opaque", "code_execution", dialect="messages", raw="{}")
    body, losses = fields(F, server, choice=ToolChoice("named", "code_execution"))
    assert "tool_choice" not in body
    assert losses == ("tools[1]", "tool_choice")


def test_web_search() -> None:
    search = Tool("web_search", "web_search", dialect="messages", raw='{"type":"web_search_20260209"}')
    assert fields(search, web_search="options") == ({"web_search_options": {}}, ())
    assert fields(search) == ({}, ("tools[0]",))
    own = Tool("web_search", "web_search", dialect="chat", raw='{"search_context_size":"low"}',
               path="web_search_options")  # fmt: skip
    assert fields(own, origin="chat", web_search="options")[0] == {"web_search_options": {"search_context_size": "low"}}
    assert fields(own, origin="chat")[1] == ("web_search_options",)


def test_what_another_dialect_says_of_a_search() -> None:
    raw = (
        '{"type":"web_search","max_uses":3,"filters":{},"search_context_size":"low",'
        '"user_location":{"type":"approximate","city":"Bern"}}'
    )
    search = Tool("web_search", "web_search", dialect="responses", raw=raw)
    place = {"type": "approximate", "approximate": {"city": "Bern"}}
    assert fields(search, web_search="options") == (
        {"web_search_options": {"search_context_size": "low", "user_location": place}},
        ("tools[0].max_uses",),
    )
    google = Tool("web_search", "googleSearch", dialect="gemini", raw='{"googleSearch":{}}')
    assert fields(google, web_search="options") == ({"web_search_options": {}}, ())


def test_parallel_calls() -> None:
    assert fields(F, parallel=False)[0]["parallel_tool_calls"] is False
    body, losses = fields(F, parallel=False, parallel_flag=False)
    assert "parallel_tool_calls" not in body
    assert losses == ("tool_choice.disable_parallel_tool_use",)
    assert fields(F, parallel=True, parallel_flag=False)[1] == ()
    assert fields(parallel=False) == ({}, ())


def test_a_model_without_tools_is_not_asked_to_call() -> None:
    with pytest.raises(GatewayError) as caught:
        sent(asked(tools=(F,)), lane(tools=False))
    assert caught.value.param == "tools"


def test_breakpoints_on_tools() -> None:
    marked = Tool("function", "f", cache=Cache())
    assert fields(marked, cache_control=True)[0]["tools"][0]["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in fields(marked)[0]["tools"][0]
