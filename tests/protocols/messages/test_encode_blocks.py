"""Parts as blocks."""

import base64
from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Audio,
    Citation,
    Document,
    Image,
    Part,
    Refused,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Video,
)
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.messages.encode_blocks import ERROR_UNSAID
from tests.protocols.messages.lane import asked, lane, said, sent


def block(part: Part, *, role: str = "user", origin: str = "chat", **abilities: Any) -> tuple[Any, tuple[str, ...]]:
    """The block for one part, and what is lost."""
    turns = [said("user", "q"), said("assistant", part, "x")] if role == "assistant" else [said("user", part)]
    if isinstance(part, ToolCall):
        turns.append(said("tool", ToolResult(part.id, (Text("r"),))))
    body, lost = sent(asked(*turns, origin=origin), lane(**abilities))
    return body["messages"][role == "assistant"]["content"][0], lost


def answered(result: ToolResult, origin: str = "chat", **abilities: Any) -> Any:
    turns = said("user", "q"), said("assistant", ToolCall(result.call_id, "f", "")), said("tool", result)
    return sent(asked(*turns, origin=origin), lane(**abilities))[0]["messages"][2]["content"][0]


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        ('{"a": 1.0, "a2": [ ]}', {"a": 1.0, "a2": []}),
        ("", {}),
        (" ", {}),
        ("[1]", {"_raw": "[1]"}),
        ('{"a": ', {"_raw": '{"a": '}),
        ('"x"', {"_raw": '"x"'}),
    ],
)
def test_arguments_are_an_object(arguments: str, made: dict[str, Any]) -> None:
    found, _ = block(ToolCall("toolu_1", "f", arguments), role="assistant")
    assert found["input"] == made


def test_a_custom_call_is_one_with_an_input() -> None:
    found, _ = block(ToolCall("toolu_1", "f", "*** Patch", custom=True), role="assistant")
    assert found["input"] == {"input": "*** Patch"}


@pytest.mark.parametrize(
    ("given", "made"), [("call_a1", "toolu_a1"), ("toolu_a1", "toolu_a1"), ("call_a1|fc_2", None), ("x" * 90, None)]
)
def test_ids_are_the_apis(given: str, made: str | None) -> None:
    found, _ = block(ToolCall(given, "f", ""), role="assistant")
    assert found["id"] == (made or found["id"])
    assert found["id"] == answered(ToolResult(given, ()))["tool_use_id"]
    assert found["id"].removeprefix("toolu_").isalnum()


@pytest.mark.parametrize(
    ("result", "made"),
    [
        (ToolResult("toolu_1", (Text("a"),)), {"content": "a"}),
        (ToolResult("toolu_1", ()), {}),
        (ToolResult("toolu_1", (Text(" "),), True), {"content": ERROR_UNSAID, "is_error": True}),
        (ToolResult("toolu_1", (Text("a"), Text("b")), False),
         {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "is_error": False}),
        (ToolResult("toolu_1", (Image(Source("image/png", data="AA==")),)),
         {"content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}]}),
        (ToolResult("toolu_1", (Document(Source(), text="d"),)),
         {"content": [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}}]}),
    ],
)  # fmt: skip
def test_results(result: ToolResult, made: dict[str, Any]) -> None:
    assert answered(result) == {"type": "tool_result", "tool_use_id": "toolu_1"} | made


@pytest.mark.parametrize(
    ("part", "made"),
    [
        (Thought("a", Sealed("anthropic", "s")), {"type": "thinking", "thinking": "a", "signature": "s"}),
        (Thought("", Sealed("anthropic", "s")), {"type": "thinking", "thinking": "", "signature": "s"}),
        (Thought("", Sealed("anthropic", "s"), redacted=True), {"type": "redacted_thinking", "data": "s"}),
        (Thought("a", Sealed("openai", "s")), {"type": "text", "text": "x"}),
        (Thought("a"), {"type": "text", "text": "x"}),
        (Refused("no"), {"type": "text", "text": "no"}),
    ],
)
def test_reasoning_is_replayed_unchanged_to_its_family_only(part: Part, made: dict[str, Any]) -> None:
    assert block(part, role="assistant") == (made, ())


def test_a_lane_may_want_reasoning_without_a_seal() -> None:
    found, _ = block(Thought("a"), role="assistant", echo_reasoning="kept")
    assert found == {"type": "thinking", "thinking": "a", "signature": ""}
    assert block(Thought("a"), echo_reasoning="kept")[0] == {"type": "text", "text": "(no content)"}


def pixels(kind: str) -> str:
    starts = {"png": b"\x89PNG\r\n\x1a\n", "bmp": b"BM" + bytes(20)}
    return base64.b64encode(starts[kind] + bytes(22)).decode()


@pytest.mark.parametrize(
    ("source", "made"),
    [
        (Source("image/jpg", data="AA=="), {"type": "base64", "media_type": "image/jpeg", "data": "AA=="}),
        (Source(data=pixels("png")), {"type": "base64", "media_type": "image/png", "data": pixels("png")}),
        (Source(url="https://x/y"), {"type": "url", "url": "https://x/y"}),
    ],
)
def test_pictures(source: Source, made: dict[str, Any]) -> None:
    assert block(Image(source))[0] == {"type": "image", "source": made}


def test_the_detail_of_a_picture_is_lost() -> None:
    assert block(Image(Source(url="https://x"), detail="low"))[1] == ("messages.detail",)
    assert block(Image(Source(url="https://x"), detail="auto"))[1] == ()


TEXT = base64.b64encode("ä,b".encode()).decode()


@pytest.mark.parametrize(
    ("document", "made"),
    [
        (Document(Source("application/pdf", data="AA=="), "f.pdf"),
         {"source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}, "title": "f.pdf"}),
        (Document(Source(data="AA=="), "F.PDF"),
         {"source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}, "title": "F.PDF"}),
        (Document(Source("text/csv", data=TEXT)),
         {"source": {"type": "text", "media_type": "text/plain", "data": "ä,b"}}),
        (Document(Source(url="https://x")), {"source": {"type": "url", "url": "https://x"}}),
        (Document(Source(), "t", "c", True, "d"),
         {"source": {"type": "text", "media_type": "text/plain", "data": "d"}, "title": "t", "context": "c",
          "citations": {"enabled": True}}),
    ],
)  # fmt: skip
def test_documents(document: Document, made: dict[str, Any]) -> None:
    assert block(document)[0] == {"type": "document"} | made


@pytest.mark.parametrize(
    ("part", "abilities"),
    [
        (Audio(Source("audio/wav", data="AA==")), {}),
        (Video(Source("video/mp4", data="AA==")), {}),
        (Image(Source("image/png", data="AA==")), {"image_input": False}),
        (Image(Source("image/bmp", data=pixels("bmp"))), {}),
        (Image(Source(url="https://x")), {"image_url": False}),
        (Image(Source(url="gs://x")), {}),
        (Image(Source(file_id="file-1")), {}),
        (Document(Source(url="https://x")), {"document_url": False}),
        (Document(Source(file_id="file-1")), {}),
        (Document(Source("application/zip", data="AA==")), {}),
        (Document(Source("text/plain", data="/w==")), {}),
        (Document(Source(), text="d"), {"document_input": False}),
    ],
)
def test_what_no_block_can_hold_is_refused(part: Part, abilities: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as raised:
        block(part, **abilities)
    assert raised.value.param == "messages"


def test_a_file_of_anthropics_own_is_named() -> None:
    found, _ = block(Image(Source(file_id="file_1")), origin="messages")
    assert found["source"] == {"type": "file", "file_id": "file_1"}


OWN = Citation("document", dialect="messages", raw=(
    '{"type":"char_location","cited_text":"a","document_index":0,"document_title":null,'
    '"start_char_index":0,"end_char_index":1}'
))  # fmt: skip


def test_citations_go_back_to_the_assistant() -> None:
    found, lost = block(Text("a", citations=(OWN,)), role="assistant")
    assert found["citations"][0]["type"] == "char_location"
    assert lost == ()
    found, lost = block(Text("a", citations=(OWN, Citation("url", url="https://x"))), role="assistant")
    assert (len(found["citations"]), lost) == (1, ("messages.citations",))


def test_the_new_version_takes_none_from_the_user() -> None:
    assert "citations" in block(Text("a", citations=(OWN,)))[0]
    found, lost = block(Text("a", citations=(OWN,)), version="2026-10-21")
    assert "citations" not in found
    assert lost == ("messages.citations",)
    assert "citations" in block(Text("a", citations=(OWN,)), role="assistant", version="2026-10-21")[0]
