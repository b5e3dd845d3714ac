"""Turns of other dialects as items: order, roles, ids and seals."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Citation,
    Image,
    Opaque,
    Part,
    Refused,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
)
from fastgw.protocols.hub.sealed import Sealed
from tests.conformance import spec
from tests.protocols.responses.kit import asked, encoded

PICTURE = Image(Source("image/png", data="QUJD"))


def items(*turns: Turn, origin: str = "chat", **abilities: Any) -> Any:
    made = encoded(asked(*turns, origin=origin), **abilities)
    assert made.pop("losses") == ()
    spec.assert_valid({name: one for name, one in made.items() if name != "losses"}, "CreateResponse")
    return made["input"]


def says(*parts: Part) -> Turn:
    return Turn("assistant", parts)


def test_leading_system_turns_are_instructions_and_later_ones_stay_in_place() -> None:
    made = encoded(asked(
        Turn("system", (Text("a"), Text("b"))), Turn("system", (Text("c"),)), Turn("user", (Text("u"),)),
        Turn("system", (Text("d"),)), Turn("developer", (Text("e"),)),
    ))  # fmt: skip
    assert made["instructions"] == "a\n\nb\n\nc"
    assert [(item["role"], item["content"]) for item in made["input"]] == [
        ("user", "u"),
        ("system", "d"),
        ("developer", "e"),
    ]


def test_lanes_without_late_system_turns_or_developers() -> None:
    turns = (Turn("developer", (Text("a"),)), Turn("user", (Text("u"),)), Turn("system", (Text("b"),)))
    assert encoded(asked(*turns), mid_system=False)["instructions"] == "a\n\nb"
    assert [item["role"] for item in items(*turns, developer_role=False)] == ["system", "user", "system"]


def test_the_block_that_names_claude_codes_version_is_left_out() -> None:
    system = Turn("system", (Text("x-anthropic-billing-header: cc_version=2.1"), Text("You are.")))
    assert encoded(asked(system, Turn("user", (Text("u"),)), origin="messages"))["instructions"] == "You are."


def test_words_calls_and_words_keep_their_order() -> None:
    made = items(
        says(Text("a"), Text("b"), ToolCall("toolu_1", "f", '{"x":1}'), ToolCall("toolu_2", "g", ""), Text("c")),
        Turn("user", (ToolResult("toolu_1", (Text("1"),)), ToolResult("toolu_2", ()), Text("and"))),
        origin="messages",
    )
    assert made == [
        {"type": "message", "role": "assistant", "content": "a"},
        {"type": "message", "role": "assistant", "content": "b"},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"x":1}'},
        {"type": "function_call", "call_id": "call_2", "name": "g", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": "c"},
        {"type": "function_call_output", "call_id": "call_1", "output": "1"},
        {"type": "function_call_output", "call_id": "call_2", "output": ""},
        {"type": "message", "role": "user", "content": "and"},
    ]


def test_what_tools_answer() -> None:
    made = items(
        says(ToolCall("call_a", "f", "{}")),
        Turn("tool", (ToolResult("call_a", (Text("see"), PICTURE)),)),
        Turn("tool", (ToolResult("call_b", (Text("boom"),), is_error=True), ToolResult("call_c", (), is_error=True))),
    )
    assert [item["output"] for item in made[1:]] == [
        [{"type": "input_text", "text": "see"},
         {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"}],
        "Error: boom",
        "Error:",
    ]  # fmt: skip


@pytest.mark.parametrize("custom", [True, False])
def test_custom_calls_and_what_stands_in_for_them(custom: bool) -> None:
    turns = (
        says(ToolCall("call_a", "patch", "*** x", custom=True)),
        Turn("tool", (ToolResult("call_a", (Text("ok"),)),)),
    )
    call, output = items(*turns, custom_tools=custom)
    assert output["type"] == ("custom_tool_call_output" if custom else "function_call_output")
    assert (call["type"], call.get("input"), call.get("arguments")) == (
        ("custom_tool_call", "*** x", None) if custom else ("function_call", None, '{"input":"*** x"}')
    )


@pytest.mark.parametrize(
    ("thought", "abilities", "wanted"),
    [
        (Thought("t", Sealed("openai", "E")), {}, {"summary": ["t"], "encrypted_content": "E"}),
        (Thought("", Sealed("openai", "E"), redacted=True), {}, {"summary": [], "encrypted_content": "E"}),
        (Thought("t", Sealed("anthropic", "S")), {}, None),
        (Thought("t"), {}, None),
        (Thought("t"), {"echo_reasoning": "kept"}, {"summary": [], "content": ["t"]}),
        (Thought(), {"echo_reasoning": "kept"}, None),
    ],
)
def test_reasoning_goes_where_it_can_be_read(thought: Thought, abilities: Any, wanted: dict[str, Any] | None) -> None:
    call = ToolCall("call_a", "f", "{}")
    made = encoded(asked(says(thought, call)), **abilities)["input"]
    assert made[-1]["type"] == "function_call"
    if wanted is None:
        assert len(made) == 1
        return
    item = made[0]
    for name in ("summary", "content"):
        if name in item:
            item[name] = [one["text"] for one in item[name]]
    # Sealed reasoning has no id but the one under which it was sealed, and that is unknown.
    assert item.pop("type") == "reasoning"
    assert ("id" in item) == ("encrypted_content" not in item)
    item.pop("id", None)
    assert item == wanted


def test_empty_texts_and_turns_of_the_model_vanish() -> None:
    assert len(items(Turn("user", (Text(""), Text("a"))), says(Text("")), says(), Turn("user", (Text("a"),)))) == 2


def test_an_earlier_refusal_stays_what_was_said() -> None:
    assert items(says(Refused("No.")))[0]["content"] == "No."


def test_pictures_of_the_model_are_shown_to_it() -> None:
    made = items(says(Text("Here."), PICTURE), Turn("user", (Text("Nice."),)), origin="gemini")
    assert [(item["role"], item["content"] if isinstance(item["content"], str) else "picture") for item in made] == [
        ("assistant", "Here."), ("user", "picture"), ("user", "Nice."),
    ]  # fmt: skip


def test_what_has_no_place_is_listed_by_its_path() -> None:
    citation = Citation("url", "https://a")
    made = encoded(asked(
        Turn("user", (Text("u"),), name="bob"), says(Text("a", citations=(citation,))),
        says(Opaque("messages", "server_tool_use", "{}")), origin="messages",
    ))  # fmt: skip
    assert made["losses"] == ("messages.name", "messages.citations", "server_tool_use")


@pytest.mark.parametrize("mid_system", [True, False])
def test_instructions_lose_nothing_unseen(mid_system: bool) -> None:
    words = Turn("system", (Text("a"), Opaque("chat", "odd", "{}")))
    made = encoded(asked(words, Turn("user", (Text("u"),))), mid_system=mid_system)
    assert (made["instructions"], made["losses"]) == ("a", ("odd",))
    picture = Turn("system", (Image(Source(url="https://a.example/b")),))
    with pytest.raises(GatewayError):
        encoded(asked(picture, Turn("user", (Text("u"),))), mid_system=mid_system)


@pytest.mark.parametrize(
    ("turns", "wanted"),
    [
        ([Turn("user", (Text(""),), plain=True)], ["user: (no content)"]),
        (
            [Turn("user", (Text("a"),)), says(Text("b")), Turn("user", ())],
            ["user: a", "assistant: b", "user: (no content)"],
        ),
        ([Turn("system", (Text("s"),))], ["system: s"]),
        ([Turn("system", (Text(""),))], ["user: (no content)"]),
        ([Turn("user", (Opaque("chat", "odd", "{}"),))], ["user: (no content)"]),
    ],
)
def test_the_question_is_never_empty(turns: list[Turn], wanted: list[str]) -> None:
    made = encoded(asked(*turns))
    assert [f"{item['role']}: {item['content']}" for item in made["input"]] == wanted
    assert "instructions" not in made


def test_a_reference_of_another_dialect_is_refused() -> None:
    with pytest.raises(GatewayError):
        encoded(asked(says(Opaque("chat", "item_reference", "{}"))))
