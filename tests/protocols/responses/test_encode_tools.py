"""Tools of other dialects, and the choice among them."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Tool, ToolChoice
from tests.conformance import spec
from tests.protocols.responses.kit import asked, encoded

FUNCTION = Tool("function", "f", "d", '{"type":"object","properties":{"b":{},"a":{}}}')
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: x"}


def made_of(*tools: Tool, choice: ToolChoice | None = None, origin: str = "chat", **abilities: Any) -> dict[str, Any]:
    made = encoded(asked(tools=tools, tool_choice=choice, origin=origin), **abilities)
    spec.assert_valid({name: one for name, one in made.items() if name != "losses"}, "CreateResponse")
    return made


def test_functions_are_not_strict_unless_asked_to_be() -> None:
    made = made_of(FUNCTION, Tool("function", "g"), Tool("function", "h", strict=True))
    assert [tool["strict"] for tool in made["tools"]] == [False, False, True]
    assert made["tools"][1]["parameters"] == {"type": "object", "properties": {}}
    assert msgspec.json.encode(made["tools"][0]["parameters"]).decode() == FUNCTION.schema


def test_strictness_that_the_lane_has_not() -> None:
    made = encoded(asked(tools=(Tool("function", "h", strict=True),)), tool_strict=False)
    assert ("strict" in made["tools"][0], made["losses"]) == (False, ("tools[0].strict",))


@pytest.mark.parametrize("grammar", [{"type": "grammar"}, {"type": "grammar", "grammar": {}}, {}])
def test_a_grammar_that_says_nothing_is_refused(grammar: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        made_of(Tool("custom", "patch", grammar=msgspec.json.encode(grammar).decode()))
    assert (caught.value.param, caught.value.status) == ("tools[0].format", 400)


def test_custom_tools_with_a_grammar() -> None:
    tool = Tool("custom", "patch", "d", grammar=msgspec.json.encode(GRAMMAR).decode())
    assert made_of(tool)["tools"] == [{"type": "custom", "name": "patch", "description": "d", "format": GRAMMAR}]
    shown = made_of(tool, custom_tools=False)
    assert shown["tools"][0]["parameters"]["required"] == ["input"]
    assert shown["losses"] == ("tools[0].format",)


def test_a_custom_tool_of_plain_text_loses_nothing() -> None:
    assert made_of(Tool("custom", "p", grammar='{"type":"text"}'), custom_tools=False)["losses"] == ()


def test_searching_the_web() -> None:
    place = {"type": "approximate", "city": "Bern"}
    raw = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.example"],
           "user_location": place}  # fmt: skip
    tool = Tool("web_search", "web_search", dialect="messages", raw=msgspec.json.encode(raw).decode())
    made = made_of(tool, web_search="tool")
    assert made["tools"] == [
        {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}, "user_location": place}
    ]
    assert made["losses"] == ("tools[0].max_uses",)
    none = made_of(tool)
    assert ("tools" in none, none["losses"]) == (False, ("tools[0]",))


def test_options_of_chat() -> None:
    raw = '{"search_context_size":"low","user_location":{"type":"approximate","approximate":{"city":"Bern"}}}'
    made = made_of(Tool("web_search", dialect="chat", raw=raw), web_search="tool")
    assert made["tools"] == [{"type": "web_search", "search_context_size": "low",
                              "user_location": {"type": "approximate", "city": "Bern"}}]  # fmt: skip


def test_a_search_without_options_loses_nothing() -> None:
    tool = Tool("web_search", "googleSearch", dialect="gemini", raw='{"googleSearch":{}}')
    made = made_of(tool, web_search="tool")
    assert (made["tools"], made["losses"]) == ([{"type": "web_search"}], ())


def test_server_tools_of_other_dialects_are_listed() -> None:
    assert made_of(Tool("opaque", "computer", dialect="messages", raw="{}"))["losses"] == ("tools[0]",)


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("named", "f"), {"type": "function", "name": "f"}),
        (ToolChoice("named", "p"), {"type": "custom", "name": "p"}),
        (ToolChoice("allowed", allowed=("f", "p")),
         {"type": "allowed_tools", "mode": "auto",
          "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "p"}]}),
    ],
)  # fmt: skip
def test_choices(choice: ToolChoice, wanted: Any) -> None:
    assert made_of(FUNCTION, Tool("custom", "p"), choice=choice)["tool_choice"] == wanted


def test_choices_that_lead_nowhere() -> None:
    assert "tool_choice" not in made_of(choice=ToolChoice("auto"))
    assert made_of(FUNCTION, choice=ToolChoice("named", "gone"))["losses"] == ("tool_choice",)
    forced = made_of(FUNCTION, choice=ToolChoice("required"), forced_calls=False)
    assert (forced["tool_choice"], forced["losses"]) == ("auto", ("tool_choice",))


def test_a_lane_without_tools_refuses_them() -> None:
    with pytest.raises(GatewayError) as caught:
        encoded(asked(tools=(FUNCTION,)), tools=False)
    assert caught.value.param == "tools"
