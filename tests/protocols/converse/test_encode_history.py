"""Turns as messages: alternation, results in their place, instructions on top."""

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.converse.encode_history import EMPTY
from fastgw.protocols.hub.conversation import Document, Image, Source, Text, ToolCall, ToolResult, Turn
from tests.protocols.converse.kit import asked, lane, said, sent

PNG = Image(Source("image/png", data="iVBORw=="))
A, B = ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")


def roles(*turns: Turn) -> list[tuple[str, list[str]]]:
    body, _ = sent(asked(*turns))
    return [(one["role"], [next(iter(block)) for block in one["content"]]) for one in body["messages"]]


def texts(*turns: Turn) -> list[tuple[str, list[str]]]:
    body, _ = sent(asked(*turns))
    return [(one["role"], [block["text"] for block in one["content"]]) for one in body["messages"]]


def test_neighbours_are_joined_and_a_user_comes_first() -> None:
    assert texts(said("assistant", "a"), said("assistant", "b"), said("user", "c"), said("user", "d")) == [
        ("user", [EMPTY]), ("assistant", ["a", "b"]), ("user", ["c", "d"])
    ]  # fmt: skip


def test_blank_turns() -> None:
    assert texts(said("user", " "), said("assistant", ""), said("user", "x")) == [("user", ["x"])]
    assert texts(said("user", "")) == [("user", [EMPTY])]
    assert texts() == [("user", ["hello"])]


def test_instructions_go_to_the_top_wherever_they_stand() -> None:
    body, lost = sent(asked(said("system", "a"), said("user", "x"), said("developer", "b", " ")))
    assert body["system"] == [{"text": "a"}, {"text": "b"}]
    assert lost == ()
    with pytest.raises(GatewayError, match="text only"):
        sent(asked(said("system", PNG)))


@pytest.mark.parametrize(("family", "kept"), [("anthropic", 2), ("nova", 1)])
def test_what_differs_with_each_request_would_spoil_the_cache(family: str, kept: int) -> None:
    body, lost = sent(asked(said("system", "x-anthropic-billing-header: cc", "b"), said("user", "x")), lane(family))
    assert (len(body["system"]), lost) == (kept, ())


def test_results_come_first_in_the_order_of_the_calls() -> None:
    turns = (
        said("user", "go"),
        said("assistant", "both", A, B),
        said("tool", ToolResult("b", (Text("2"),))),
        said("tool", ToolResult("a", (Text("1"),))),
        said("user", "and?"),
    )
    assert roles(*turns) == [
        ("user", ["text"]),
        ("assistant", ["text", "toolUse", "toolUse"]),
        ("user", ["toolResult", "toolResult", "text"]),
    ]  # fmt: skip
    content = sent(asked(*turns))[0]["messages"][2]["content"]
    assert [block["toolResult"]["content"] for block in content[:2]] == [[{"text": "1"}], [{"text": "2"}]]


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        ((said("assistant", A), said("user", "x")), "has no result"),
        ((said("assistant", A),), "has no result"),
        ((said("user", ToolResult("a", ())),), "does not follow a call"),
        ((said("assistant", A), said("user", ToolResult("a", ()), ToolResult("a", ()))), "has two results"),
        ((said("assistant", A, A), said("user", ToolResult("a", ()))), "the same id"),
    ],
)
def test_what_bedrock_would_refuse_is_refused_with_a_reason(turns: tuple[Turn, ...], why: str) -> None:
    with pytest.raises(GatewayError, match=why):
        sent(asked(*turns))


def test_pictures_of_the_assistant_are_shown_by_the_user() -> None:
    assert roles(said("user", "draw"), said("assistant", PNG), said("user", "more")) == [
        ("user", ["text"]), ("assistant", ["text"]), ("user", ["image", "text"])
    ]  # fmt: skip
    assert roles(said("user", "draw"), said("assistant", PNG)) == [
        ("user", ["text"]), ("assistant", ["text"]), ("user", ["image"])
    ]  # fmt: skip


def test_pictures_in_results_follow_where_the_lane_takes_text_alone() -> None:
    turns = (said("user", "go"), said("assistant", A), said("tool", ToolResult("a", (Text("t"), PNG))))
    (block,) = sent(asked(*turns))[0]["messages"][2]["content"]
    assert [next(iter(part)) for part in block["toolResult"]["content"]] == ["text", "image"]
    content = sent(asked(*turns), lane(tool_images=False))[0]["messages"][2]["content"]
    assert [next(iter(part)) for part in content] == ["toolResult", "image"]


def test_a_document_never_stands_without_a_word() -> None:
    assert roles(said("user", Document(Source("application/pdf", data="JVBERg==")))) == [("user", ["document", "text"])]


def test_names_of_participants_are_lost() -> None:
    assert sent(asked(said("user", "x", name="ann")))[1] == ("messages.name",)
