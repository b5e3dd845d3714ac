"""Turns of other dialects as chat messages: order, results behind calls, pictures of results, reasoning."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Document, Image, Opaque, Source, Text, Thought, ToolCall, ToolResult, Turn
from tests.protocols.chat.ask import asked, lane, sent, turn

PNG = Image(Source("image/png", data="AAAA"))
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def said(*turns: Turn, origin: str = "messages", **abilities: Any) -> list[dict[str, Any]]:
    body, losses = sent(asked(*turns, origin=origin), lane(**abilities))
    assert losses == ()
    messages: list[dict[str, Any]] = body["messages"]
    return messages


def call(name: str) -> ToolCall:
    return ToolCall(f"call_{name}", name, "{}")


def result(name: str, *parts: Any) -> ToolResult:
    return ToolResult(f"call_{name}", parts or (Text(name),))


def roles(messages: list[dict[str, Any]]) -> list[str]:
    return [message["role"] + message.get("tool_call_id", "")[-2:] for message in messages]


def test_blocks_of_system_text_are_kept_apart_and_the_billing_header_is_removed() -> None:
    billing = Text("x-anthropic-billing-header: cc_version=2.1; cch=77;")
    messages = said(turn("system", billing, Text("a"), Text("b")), turn("user", Text("hi")))
    assert messages == [{"role": "system", "content": "a\n\nb"}, {"role": "user", "content": "hi"}]


def test_a_caller_of_this_dialect_keeps_its_blocks() -> None:
    messages = said(turn("system", Text("a"), Text("")), turn("user", Text("hi")), origin="chat")
    assert messages[0]["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": ""}]
    assert messages[1]["content"] == [{"type": "text", "text": "hi"}]


@pytest.mark.parametrize(("knows", "role"), [(True, "developer"), (False, "system")])
def test_developers_are_systems_where_they_are_unknown(knows: bool, role: str) -> None:
    assert roles(said(turn("developer", Text("a")), turn("user", Text("b")), developer_role=knows))[0] == role


@pytest.mark.parametrize(("mid", "order"), [(True, ["user", "system"]), (False, ["system", "user"])])
def test_late_system_messages_are_hoisted_where_they_must(mid: bool, order: list[str]) -> None:
    assert roles(said(turn("user", Text("a")), turn("system", Text("b")), mid_system=mid)) == order


def test_results_follow_their_calls_whatever_stands_before_them_and_words_come_after() -> None:
    messages = said(
        turn("assistant", Text("t"), call("a"), call("b")),
        turn("user", Text("words"), result("b"), result("a")),
    )
    assert roles(messages) == ["assistant", "tool_a", "tool_b", "user"]
    assert messages[0]["content"] == "t"
    assert messages[-1]["content"] == "words"


def test_a_result_that_comes_late_is_moved_to_its_call() -> None:
    messages = said(turn("assistant", call("a")), turn("user", Text("x")), turn("user", result("a")))
    assert roles(messages) == ["assistant", "tool_a", "user"]


def test_the_same_id_in_two_rounds_is_answered_in_each() -> None:
    messages = said(
        turn("assistant", call("a")), turn("user", result("a", Text("1"))),
        turn("assistant", call("a")), turn("user", result("a", Text("2"))),
    )  # fmt: skip
    assert [message["content"] for message in messages if message["role"] == "tool"] == ["1", "2"]


def test_pieces_of_one_answer_are_one_message() -> None:
    messages = said(
        turn("assistant", Thought("hm")), turn("assistant", Text("t")), turn("assistant", call("a")),
        turn("assistant", call("b")), turn("tool", result("a")), turn("tool", result("b")),
        turn("assistant", Text("u")), turn("assistant", Text("v")),
        origin="responses", echo_reasoning="kept",
    )  # fmt: skip
    assert roles(messages) == ["assistant", "tool_a", "tool_b", "assistant", "assistant"]
    assert (messages[0]["content"], messages[0]["reasoning_content"], len(messages[0]["tool_calls"])) == ("t", "hm", 2)


def test_pictures_of_results_follow_in_a_users_message_before_its_own_words() -> None:
    messages = said(turn("assistant", call("a"), call("b")), turn("user", result("a", Text("r"), PNG), result("b"),
                                                                  Text("words")))  # fmt: skip
    assert roles(messages) == ["assistant", "tool_a", "tool_b", "user"]
    mark = {"type": "text", "text": "Output of the tool call call_a:"}
    assert messages[-1]["content"] == [mark, PNG_PART, {"type": "text", "text": "words"}]


def test_pictures_of_the_last_result_get_a_message_of_their_own() -> None:
    messages = said(turn("assistant", call("a")), turn("user", result("a", PNG)), turn("assistant", Text("x")))
    assert roles(messages) == ["assistant", "tool_a", "user", "assistant"]
    assert messages[1]["content"] == ""


def test_pictures_stay_in_results_where_the_lane_takes_them() -> None:
    messages = said(turn("assistant", call("a")), turn("user", result("a", Text("r"), PNG)), tool_images=True)
    assert messages[1]["content"] == [{"type": "text", "text": "r"}, PNG_PART]


def test_a_picture_that_the_assistant_made_is_shown_by_the_user() -> None:
    messages = said(turn("assistant", Text("here"), PNG), turn("user", Text("bigger")), origin="gemini")
    assert roles(messages) == ["assistant", "user"]
    assert messages[1]["content"][1:] == [PNG_PART, {"type": "text", "text": "bigger"}]


def test_a_document_in_a_result() -> None:
    pdf = Document(Source("application/pdf", data="AAAA"), "a.pdf")
    messages = said(turn("assistant", call("a")), turn("user", result("a", Document(Source(), text="words"), pdf)))
    assert "words" in messages[1]["content"]
    assert messages[2]["content"][1]["file"]["filename"] == "a.pdf"


def test_a_failed_tool_says_so() -> None:
    failed = ToolResult("call_a", (Text("boom"),), is_error=True)
    assert said(turn("assistant", call("a")), turn("user", failed))[1]["content"] == "Error: boom"
    empty = ToolResult("call_a", (), is_error=True)
    assert said(turn("assistant", call("a")), turn("user", empty))[1]["content"] == "Error"


def test_reasoning_alone_is_no_message() -> None:
    messages = said(turn("user", Text("a")), turn("assistant", Thought("hm")), turn("user", Text("b")))
    assert roles(messages) == ["user", "user"]


def test_empty_text_is_removed_and_something_is_always_said() -> None:
    assert said(turn("user", Text(""), Text("a")))[0]["content"] == "a"
    assert said(turn("user", Text(""))) == [{"role": "user", "content": ""}]


def test_names_are_left_out_where_they_are_refused() -> None:
    question = asked(turn("user", Text("a"), name="ann"), origin="chat")
    assert sent(question, lane())[0]["messages"][0]["name"] == "ann"
    body, losses = sent(question, lane(names=False))
    assert "name" not in body["messages"][0]
    assert losses == ("messages.name",)


def test_parts_that_only_their_dialect_knows_are_losses_or_refused() -> None:
    _, losses = sent(asked(turn("user", Text("a"), Opaque("messages", "search_result", "{}"))), lane())
    assert losses == ("search_result",)
    with pytest.raises(GatewayError, match="item_reference"):
        sent(asked(turn("user", Opaque("responses", "item_reference", "{}")), origin="responses"), lane())
