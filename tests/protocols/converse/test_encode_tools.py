"""Tools and the choice among them."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.converse.encode_tools import NO_CALLS
from fastgw.protocols.hub.conversation import Tool, ToolCall, ToolChoice, ToolResult
from tests.protocols.converse.kit import asked, lane, said, sent

F = Tool("function", "f", "does f", '{"type": "object",  "properties": {"a": {"type": "string"}}}')
G = Tool("function", "g")
CALLED = (said("user", "go"), said("assistant", ToolCall("c", "f", "{}")), said("tool", ToolResult("c", ())))


def spec(tool: Tool, **abilities: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    body, lost = sent(asked(tools=(tool,)), lane(**abilities))
    return body["toolConfig"]["tools"][0]["toolSpec"], lost


def test_functions() -> None:
    assert spec(F) == (
        {"name": "f", "description": "does f",
         "inputSchema": {"json": {"type": "object", "properties": {"a": {"type": "string"}}}}}, ()
    )  # fmt: skip
    assert spec(G)[0] == {"name": "g", "inputSchema": {"json": {"type": "object", "properties": {}}}}
    assert spec(Tool("function", "g", schema='{"properties":{}}'))[0]["inputSchema"]["json"]["type"] == "object"


def test_strict_functions_have_closed_schemas() -> None:
    made, lost = spec(Tool("function", "g", schema='{"type":"object"}', strict=True))
    assert made == {
        "name": "g",
        "inputSchema": {"json": {"type": "object", "additionalProperties": False}},
        "strict": True,
    }
    assert lost == ()
    made, lost = spec(Tool("function", "g", schema='{"type":"object"}', strict=True), tool_strict=False)
    assert ("strict" in made, lost) == (False, ("tools[0].strict",))


def test_custom_tools_become_functions_with_one_text() -> None:
    made, lost = spec(Tool("custom", "patch", "edits", grammar='{"type":"grammar"}'))
    assert made["inputSchema"]["json"]["properties"] == {"input": {"type": "string"}}
    assert lost == ("tools[0].format",)


def test_server_tools_are_lost_by_name() -> None:
    body, lost = sent(asked(tools=(F, Tool("web_search", raw="{}"), Tool("opaque", "computer"))))
    assert len(body["toolConfig"]["tools"]) == 1
    assert lost == ("tools[1]", "tools[2]")


def test_a_lane_without_tools() -> None:
    with pytest.raises(GatewayError, match="takes no tools"):
        sent(asked(tools=(F,)), lane(tools=False))


@pytest.mark.parametrize(
    ("choice", "wire", "names"),
    [
        (ToolChoice("auto"), {"auto": {}}, ["f", "g"]),
        (ToolChoice("required"), {"any": {}}, ["f", "g"]),
        (ToolChoice("named", "g"), {"tool": {"name": "g"}}, ["f", "g"]),
        (ToolChoice("allowed", allowed=("g",)), {"auto": {}}, ["g"]),
        (ToolChoice("allowed", allowed=("g",), required=True), {"any": {}}, ["g"]),
        (None, None, ["f", "g"]),
    ],
)
def test_choices(choice: ToolChoice | None, wire: Any, names: list[str]) -> None:
    body, lost = sent(asked(tools=(F, G), tool_choice=choice))
    assert body["toolConfig"].get("toolChoice") == wire
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == names
    assert lost == ()


def test_what_cannot_be_demanded() -> None:
    body, lost = sent(asked(tools=(F,), tool_choice=ToolChoice("required")), lane(forced_calls=False))
    assert (body["toolConfig"]["toolChoice"], lost) == ({"auto": {}}, ("tool_choice",))
    body, lost = sent(asked(tools=(F,), tool_choice=ToolChoice("named", "gone")))
    assert ("toolChoice" in body["toolConfig"], lost) == (False, ("tool_choice",))


def test_no_calls_at_all() -> None:
    body, lost = sent(asked(tools=(F,), tool_choice=ToolChoice("none")))
    assert ("toolConfig" in body, lost) == (False, ()), "what is not declared is not called"
    body, lost = sent(asked(*CALLED, tools=(F,), tool_choice=ToolChoice("none")))
    assert body["system"] == [{"text": NO_CALLS}]
    assert lost == ("tool_choice",)


def test_a_history_with_calls_declares_them() -> None:
    body, lost = sent(asked(*CALLED))
    assert body["toolConfig"]["tools"] == [
        {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
    ]
    assert body["system"] == [{"text": NO_CALLS}]
    assert lost == ()


def test_one_call_at_a_time_cannot_be_asked_for() -> None:
    assert sent(asked(tools=(F,), parallel_calls=False))[1] == ("parallel_tool_calls",)
    assert sent(asked(tools=(F,), parallel_calls=True))[1] == ()
