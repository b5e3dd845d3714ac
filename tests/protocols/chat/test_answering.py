"""What stream and unary answers share: ids, words, custom tools, citations."""

import pytest

from fastgw.protocols.chat import answering
from fastgw.protocols.chat.answering import Answering
from fastgw.protocols.hub.conversation import Citation, Tool
from fastgw.protocols.hub.events import Finish, Kind, StopReason
from tests.protocols.chat.ask import asked, setting


def test_ids_are_native_kept_where_they_can_be_and_never_the_same_twice() -> None:
    answer = Answering(setting())
    assert answer.id == "chatcmpl-ex1"
    made = [answer.call_id(given) for given in ("call_a", "toolu_b", "call_a", "", "", "odd id!")]
    assert made[:2] == ["call_a", "call_b"]
    assert len({*made}) == len(made) and all(one.startswith("call_") for one in made)


@pytest.mark.parametrize(("reason", "word"), [
    (StopReason.END, "stop"), (StopReason.LENGTH, "length"), (StopReason.CONTEXT_FULL, "length"),
    (StopReason.STOP_SEQUENCE, "stop"), (StopReason.TOOLS, "tool_calls"), (StopReason.REFUSAL, "content_filter"),
    (StopReason.PAUSE, "stop"), (StopReason.MALFORMED_CALL, "stop"),
])  # fmt: skip
def test_every_reason_has_a_word(reason: StopReason, word: str) -> None:
    assert Answering(setting()).finish_reason(Finish(reason), called=True) == word


def test_the_table_is_total() -> None:
    assert all(Answering(setting()).finish_reason(Finish(reason), called=False) for reason in StopReason)


def test_words_for_calls() -> None:
    finish = Finish(StopReason.TOOLS)
    assert Answering(setting()).finish_reason(finish, called=False) == "stop", "a call that never came"
    old = setting(fields={"functions": b"[]"})
    assert Answering(old).finish_reason(finish, called=True) == "function_call"
    both = setting(fields={"functions": b"[]", "tools": b"[]"})
    assert not Answering(both).legacy


def test_custom_tools_are_the_callers() -> None:
    answer = Answering(setting(asked(origin="chat", tools=(Tool("custom", "c"), Tool("function", "f")))))
    assert answer.is_custom(Kind.TOOL_CALL, "c") and answer.is_custom(Kind.CUSTOM_CALL, "x")
    assert not answer.is_custom(Kind.TOOL_CALL, "f")


@pytest.mark.parametrize(("arguments", "text"), [
    ('{"input": "a\\nb"}', "a\nb"), ('{"input": 5}', '{"input": 5}'), ('{"input":"a","x":1}', '{"input":"a","x":1}'),
    ("plain", "plain"), ("", ""),
])  # fmt: skip
def test_free_text(arguments: str, text: str) -> None:
    assert answering.free_text(arguments) == text


def test_annotations_cover_what_the_provider_says_or_the_whole_block() -> None:
    made = answering.annotations([
        (Citation("url", "https://a", "A", start=1, end=3), 10, 5),
        (Citation("document", url="https://b", start=7, end=9), 10, 5),
        (Citation("document", title="no url"), 10, 5),
    ])  # fmt: skip
    assert [one["url_citation"] for one in made] == [
        {"start_index": 11, "end_index": 13, "url": "https://a", "title": "A"},
        {"start_index": 10, "end_index": 15, "url": "https://b", "title": ""},
    ]


def test_a_caller_is_told_why_there_is_no_answer() -> None:
    assert answering.refusal_of(Finish(StopReason.REFUSAL, words="unsafe")) == "unsafe"
    assert "cannot be read" in answering.refusal_of(Finish(StopReason.MALFORMED_CALL))
    assert answering.refusal_of(Finish(StopReason.END, words="fine")) == ""
