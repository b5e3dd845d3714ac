"""Calls, reasoning and pictures, each as its own item."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.responses.frames import Frames, Item
from fastgw.protocols.responses.write_items import Call, Foreign, Picture, Reasoning, WrappedCall, unwrapped
from tests.protocols.responses.kit import read_frames, validated


def told(item: Item, *words: str, seal: Sealed | None = None) -> list[dict[str, Any]]:
    said = item.begin() + b"".join(item.delta(text) for text in words)
    if seal is not None:
        item.seal(seal)
    return validated(read_frames(said + item.stop() + item.done(item.whole("completed"))))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [('{"input":"a\\n"}', "a\n"), ('{"input":5}', '{"input":5}'), ("not json", "not json"), ("", ""), ("[]", "[]"),
     ('{"x":1}', '{"x":1}')],
)  # fmt: skip
def test_unwrapping(arguments: str, text: str) -> None:
    assert unwrapped(arguments) == text


def test_a_function_without_arguments_has_an_empty_object() -> None:
    events = told(Call(Frames(), "fc_1", 0, "call_1", "f", "", custom=False))
    assert [event["delta"] for event in events if "delta" in event] == ["{}"]
    assert events[-1]["item"]["arguments"] == "{}"


def test_a_custom_tool_without_words_has_none() -> None:
    for kind in (Call, WrappedCall):
        events = told(kind(Frames(), "ctc_1", 0, "call_1", "p", "", custom=True))
        assert ([event for event in events if "delta" in event], events[-1]["item"]["input"]) == ([], "")


@pytest.mark.parametrize(
    ("seal", "redacted", "wanted"),
    [
        (Sealed("openai", "E"), False, "E"),
        (Sealed("anthropic", "S"), False, "fgw1.anthropic.S"),
        (Sealed("anthropic", "R"), True, "fgw1.redacted.fgw1.anthropic.R"),
        (None, False, "fgw1.unsealed."),
    ],
)
def test_seals_of_reasoning(seal: Sealed | None, redacted: bool, wanted: str | None) -> None:
    events = told(Reasoning(Frames(), "rs_1", 0, redacted=redacted), seal=seal)
    assert [event["type"] for event in events] == ["response.output_item.added", "response.output_item.done"]
    assert events[-1]["item"].get("encrypted_content") == wanted


def test_redacted_reasoning_shows_no_words() -> None:
    events = told(Reasoning(Frames(), "rs_1", 0, redacted=True), "secret", seal=Sealed("anthropic", "R"))
    assert "secret" not in str(events)


def test_a_picture() -> None:
    events = told(Picture(Frames(), "ig_1", 0), "QU", "JD")
    assert [event["type"].rpartition(".")[2] for event in events] == [
        "added", "in_progress", "generating", "completed", "done",
    ]  # fmt: skip
    assert (events[0]["item"]["result"], events[-1]["item"]["result"]) == (None, "QUJD")


def test_an_item_of_the_own_dialect() -> None:
    raw = {"type": "web_search_call", "id": "ws_p", "status": "completed", "action": {"type": "search", "query": "q"}}
    events = told(Foreign(Frames(), "web_1", 0), msgspec.json.encode(raw).decode())
    assert events[0]["item"] == events[1]["item"] == raw | {"id": "web_1"}
