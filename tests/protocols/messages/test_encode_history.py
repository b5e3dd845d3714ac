"""Turns as the API wants them."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Document,
    Image,
    Opaque,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
)
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.messages.encode_history import EMPTY
from tests.protocols.messages.lane import asked, lane, said, sent

PICTURE = Image(Source("image/png", data="AA=="))


def call(name: str) -> ToolCall:
    return ToolCall(f"toolu_{name}", name, "{}")


def result(name: str, *parts: Any) -> ToolResult:
    return ToolResult(f"toolu_{name}", parts or (Text(name),))


def shape(*turns: Turn, origin: str = "chat", **abilities: Any) -> list[str]:
    """Each message as its role's letter and its blocks, the system prompt in front."""
    body, _ = sent(asked(*turns, origin=origin), lane(**abilities))
    system = body.get("system", [])
    messages = [{"role": "SYSTEM", "content": system}] if system else []
    return [f"{m['role'][0]}: {_blocks(m['content'])}" for m in [*messages, *body["messages"]]]


def _blocks(content: Any) -> str:
    if isinstance(content, str):
        return f'"{content}"'
    return " ".join(
        block.get("text") or block.get("name") or f"{block['type']}" + str(block.get("tool_use_id", ""))[5:]
        for block in content
    )


def test_neighbours_of_one_role_become_one_message_of_blocks() -> None:
    turns = said("user", "a", plain=True), said("user", "b "), said("assistant", "c"), said("assistant", call("f"))
    assert shape(*turns, said("tool", result("f"))) == ["u: a b ", "a: c f", "u: tool_result_f"]


def test_a_bare_string_stays_one() -> None:
    assert shape(said("user", "a", plain=True), said("assistant", "b")) == ['u: "a"', "a: b"]


def test_results_come_first_and_in_the_order_of_the_calls() -> None:
    turns = (
        said("user", "a"),
        said("assistant", "t", call("x"), call("y")),
        said("user", "late"),
        said("tool", result("y")),
        said("tool", result("x")),
        said("user", "b"),
    )
    assert shape(*turns) == ["u: a", "a: t x y", "u: tool_result_x tool_result_y late b"]


@pytest.mark.parametrize(
    "turns",
    [
        (said("user", "a"), said("assistant", call("x")), said("user", "b")),
        (said("user", "a"), said("assistant", call("x"))),
        (said("user", "a"), said("tool", result("x"))),
        (said("user", "a"), said("assistant", call("x")), said("tool", result("x")), said("tool", result("x"))),
        (said("user", "a"), said("assistant", call("x"), call("x")), said("tool", result("x"))),
        (said("user", "a"), said("assistant", call("x")), said("user", "b"), said("assistant", "c"),
         said("tool", result("x"))),
    ],
)  # fmt: skip
def test_one_answer_to_each_call_or_none_at_all(turns: tuple[Turn, ...]) -> None:
    with pytest.raises(GatewayError) as raised:
        sent(asked(*turns))
    assert raised.value.param == "messages"


def test_blank_text_goes_and_the_turn_of_a_user_stays() -> None:
    turns = said("user", ""), said("assistant", " \n"), said("user", "a", "\t")
    assert shape(*turns) == ["u: a"]
    assert shape(said("user", "", plain=True), said("assistant", "b")) == [f'u: "{EMPTY}"', "a: b"]


def test_a_history_begins_with_a_user() -> None:
    assert shape(said("system", "s", plain=True)) == ['S: "s"', f'u: "{EMPTY}"']
    assert shape(said("assistant", "a"), said("user", "b")) == [f'u: "{EMPTY}"', "a: a", "u: b"]


def test_reasoning_of_others_leaves_no_empty_message() -> None:
    thought = Thought("hm", Sealed("openai", "x"))
    body, lost = sent(asked(said("user", "a"), said("assistant", thought), said("user", "b")))
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert lost == ()


def test_parts_of_other_dialects_are_lost_by_name() -> None:
    item = Opaque("responses", "web_search_call", "{}", "input[1]")
    body, lost = sent(asked(said("user", "a"), said("assistant", item, "b"), origin="responses"))
    assert lost == ("input[1]",)
    assert body["messages"][1]["content"] == [{"type": "text", "text": "b"}]


@pytest.mark.parametrize("kind", ["item_reference", "compaction"])
def test_what_only_another_provider_keeps_is_refused(kind: str) -> None:
    with pytest.raises(GatewayError) as refused:
        sent(
            asked(said("assistant", Opaque("responses", kind, "{}", "input[0]")), said("user", "a"), origin="responses")
        )
    assert refused.value.param == "input[0]"
    assert kind in refused.value.message


def test_a_question_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(GatewayError) as refused:
        sent(asked(said("user", "a", Opaque("gemini", "hologram", "{}", "contents[0].parts[1]", asked=True))))
    assert refused.value.param == "contents[0].parts[1]"


def test_pictures_of_the_assistant_are_shown_by_the_user() -> None:
    turns = said("user", "a"), said("assistant", "b", PICTURE, call("x")), said("tool", result("x")), said("user", "c")
    assert shape(*turns) == ["u: a", "a: b x", "u: tool_result_x image c"]
    assert shape(said("user", "a"), said("assistant", PICTURE)) == ["u: a", f"a: {EMPTY}", "u: image"]


def test_documents_of_the_assistant_too_from_the_new_version_on() -> None:
    turns = said("user", "a"), said("assistant", Document(Source(), text="d"), "b"), said("user", "c")
    assert shape(*turns) == ["u: a", "a: document b", "u: c"]
    assert shape(*turns, version="2026-10-21") == ["u: a", "a: b", "u: document c"]


def test_media_in_results_follow_where_results_are_text() -> None:
    turns = said("user", "a"), said("assistant", call("x")), said("tool", result("x", Text("r"), PICTURE))
    body, _ = sent(asked(*turns), lane(tool_images=False))
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "image"]
    assert body["messages"][2]["content"][0]["content"] == "r"


S = said("system", "s", plain=True)
D = said("developer", "d")
U, A = said("user", "u"), said("assistant", "a")


@pytest.mark.parametrize(
    ("turns", "made"),
    [
        ((S, D, U), ["S: s d", "u: u"]),
        ((U, S), ["u: u", 's: "s"']),
        ((U, S, A, U), ["u: u", 's: "s"', "a: a", "u: u"]),
        ((U, S, D, A), ["u: u", "s: s d", "a: a"]),
        ((U, A, S, U), ["u: u", "a: a", "u: u", 's: "s"']),
        ((U, S, U, A), ["u: u u", 's: "s"', "a: a"]),
        ((U, A, S), ['S: "s"', "u: u", "a: a"]),
    ],
)
def test_later_system_messages_stand_behind_a_user(turns: tuple[Turn, ...], made: list[str]) -> None:
    assert shape(*turns) == made


def test_blank_instructions_say_nothing() -> None:
    assert shape(said("system", " "), U) == ["u: u"]
    assert shape(said("system", "s", "\n"), U) == ["S: s", "u: u"]


def test_they_are_hoisted_where_they_may_not_stand() -> None:
    assert shape(S, U, D, A, D, mid_system=False) == ["S: s d d", "u: u", "a: a"]


def test_instructions_are_text() -> None:
    with pytest.raises(GatewayError):
        sent(asked(said("system", PICTURE), U))


def test_a_prefill_does_not_end_in_a_blank() -> None:
    assert shape(U, said("assistant", "a \n", plain=True)) == ["u: u", 'a: "a"']
    assert shape(U, said("assistant", "a \n")) == ["u: u", "a: a"]


def test_names_of_participants_are_lost() -> None:
    assert sent(asked(said("user", "a", name="bob")))[1] == ("messages.name",)
