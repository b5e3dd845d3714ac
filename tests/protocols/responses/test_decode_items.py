"""Items of `input`: one turn each, in its place."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Opaque, Text, Thought, ToolCall, ToolResult, Turn
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.responses import seals
from tests.protocols.responses.kit import decoded, parts


def test_messages_with_and_without_a_type() -> None:
    turns = decoded(input=[
        {"role": "developer", "content": "d"},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "s"}]},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "phase": "commentary",
         "content": [{"type": "output_text", "text": "a", "annotations": []}]},
    ])[0].turns  # fmt: skip
    assert turns == (
        Turn("developer", (Text("d"),), plain=True),
        Turn("system", (Text("s"),)),
        Turn("assistant", (Text("a"),), id="msg_1", phase="commentary"),
    )


def test_calls_and_their_answers() -> None:
    found = parts(
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"b": 1,  "a": 2}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "42"},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "patch", "input": "*** Begin", "status": "completed"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "ok"}]},
    )
    assert found == (
        ToolCall("call_1", "f", '{"b": 1,  "a": 2}', item_id="fc_1"),
        ToolResult("call_1", (Text("42"),)),
        ToolCall("call_2", "patch", "*** Begin", custom=True),
        ToolResult("call_2", (Text("ok"),), custom=True),
    )


def test_a_call_in_a_namespace_has_one_name() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "js", "namespace": "mcp__x", "arguments": "{}"}
    assert parts(call) == (ToolCall("c", "mcp__x__js", "{}"),)


@pytest.mark.parametrize(
    ("encrypted", "sealed", "redacted"),
    [
        (None, None, False),
        ("gAAA", Sealed("openai", "gAAA"), False),
    ],
)
def test_reasoning(encrypted: str | None, sealed: Sealed | None, redacted: bool) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}, {"text": "b"}],
            "content": [{"type": "reasoning_text", "text": "c"}], "encrypted_content": encrypted}  # fmt: skip
    assert parts(item) == (Thought("c", sealed, redacted, "rs_1", ("a", "b")),)


@pytest.mark.parametrize(
    ("encrypted", "sealed", "redacted"),
    [
        ("fgw1.anthropic.S", Sealed("anthropic", "S"), False),
        (seals.UNSEALED, None, False),
        (seals.redacted(Sealed("anthropic", "R")), Sealed("anthropic", "R"), True),
    ],
)
def test_what_the_gateway_called_a_summary_is_the_reasoning(
    encrypted: str, sealed: Sealed | None, redacted: bool
) -> None:
    item = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}], "encrypted_content": encrypted}
    assert parts(item) == (Thought("a", sealed, redacted),)


def test_carried_seals_are_put_back() -> None:
    gemini = Sealed("gemini", "G")
    found = parts(
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "reasoning", "summary": [], "encrypted_content": seals.carried_by_text(gemini)},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
        {"type": "reasoning", "summary": [], "encrypted_content": seals.carried_by_call("c1", gemini)},
        {"type": "reasoning", "summary": [], "encrypted_content": seals.carried_by_call("gone", gemini)},
    )
    assert found == (
        Text("a", sealed=gemini),
        ToolCall("c1", "f", "{}", sealed=gemini),
        ToolCall("c2", "f", "{}"),
    )


@pytest.mark.parametrize(
    ("item", "kind", "role"),
    [
        ({"type": "item_reference", "id": "msg_1"}, "item_reference", "assistant"),
        ({"id": "msg_1"}, "item_reference", "assistant"),
        ({"type": "compaction", "encrypted_content": "x"}, "compaction", "assistant"),
        ({"type": "web_search_call", "id": "ws_1", "status": "completed"}, "web_search_call", "assistant"),
        ({"type": "image_generation_call", "id": "ig_1", "result": "QUJD"}, "image_generation_call", "assistant"),
        ({"type": "local_shell_call_output", "id": "l", "output": "x"}, "local_shell_call_output", "user"),
        ({"type": "mcp_approval_response", "approve": True}, "mcp_approval_response", "user"),
        ({"type": "tomorrows_item", "role": "user"}, "tomorrows_item", "assistant"),
    ],
)
def test_what_only_this_dialect_knows_stays_whole(item: dict[str, Any], kind: str, role: str) -> None:
    (turn,) = decoded(input=[item])[0].turns
    whole = Opaque("responses", kind, msgspec.json.encode(item).decode(), "input[0]")
    assert turn == Turn(role, (whole,))  # type: ignore[arg-type]


def test_unknown_fields_are_listed_and_a_status_tells_a_model_nothing() -> None:
    _, losses = decoded(input=[
        {"role": "user", "content": "a", "mood": "good"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "", "status": "incomplete", "caller": {}},
    ])  # fmt: skip
    assert losses == ("input[0].mood", "input[1].caller")


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "input[0]"),
        ({"type": "function_call_output", "call_id": "c", "output": 5}, "input[0].output"),
        ({"role": "user", "content": [{"type": "hologram"}]}, "input[0].content[0].type"),
        ({"type": "function_call_output", "call_id": "c", "output": [{"type": "refusal", "refusal": "x"}]},
         "input[0].output[0]"),
        (5, "input[0]"),
    ],
)  # fmt: skip
def test_mistakes_are_named(item: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(input=[item])
    assert caught.value.param == param


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "a"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}], "id": "msg_1"},
        {"role": "user", "content": "a", "type": "message", "phase": "commentary"},
        {"role": "user", "content": "a", "what": 1},
        {"role": "user", "type": "what", "content": "a"},
    ],
)
def test_the_order_of_its_fields_changes_no_message(message: dict[str, Any]) -> None:
    otherwise = dict(reversed(message.items()))
    found, losses = decoded(input=[message])
    again, again_losses = decoded(input=[otherwise])
    assert losses == again_losses
    if message.get("type") != "what":  # what only this dialect knows is kept as it came
        assert found.turns == again.turns
