"""Parts as content blocks."""

import base64
from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Citation,
    Document,
    Image,
    Opaque,
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
from tests.protocols.converse.kit import asked, lane, said, sent

PDF = Source("application/pdf", data="JVBERg==")


def user(*parts: Part, **abilities: Any) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = sent(asked(said("user", *parts)), lane(**abilities))[0]["messages"][0]["content"]
    return content


def assistant(*parts: Part, **abilities: Any) -> list[dict[str, Any]]:
    turns = (said("user", "x"), said("assistant", *parts), said("user", "y"))
    content: list[dict[str, Any]] = sent(asked(*turns), lane(**abilities))[0]["messages"][1]["content"]
    return content


@pytest.mark.parametrize(
    ("arguments", "wire"),
    [('{"a" : 1.0}', {"a": 1.0}), ("", {}), ("  ", {}), ("[1]", {"_raw": "[1]"}), ('{"a', {"_raw": '{"a'})],
)
def test_arguments(arguments: str, wire: Any) -> None:
    turns = (
        said("user", "x"),
        said("assistant", ToolCall("call_1", "f", arguments)),
        said("tool", ToolResult("call_1", ())),
    )
    body, _ = sent(asked(*turns))
    assert body["messages"][1]["content"] == [{"toolUse": {"toolUseId": "tooluse_1", "name": "f", "input": wire}}]
    assert body["messages"][2]["content"][0]["toolResult"]["toolUseId"] == "tooluse_1"


@pytest.mark.parametrize(
    ("result", "wire"),
    [
        (ToolResult("c", (Text("ok"),)), {"content": [{"text": "ok"}]}),
        (ToolResult("c", (Text("bad"),), is_error=True), {"content": [{"text": "bad"}], "status": "error"}),
        (ToolResult("c", (), is_error=True), {"content": [{"text": "The tool failed without a message."}],
                                              "status": "error"}),
        (ToolResult("c", (Text(" "),), is_error=False), {"content": [{"text": "(no content)"}], "status": "success"}),
    ],
)  # fmt: skip
def test_results(result: ToolResult, wire: dict[str, Any]) -> None:
    body, _ = sent(asked(said("user", "x"), said("assistant", ToolCall("c", "f", "{}")), said("tool", result)))
    assert body["messages"][2]["content"] == [{"toolResult": {"toolUseId": "tooluse_c"} | wire}]


def test_a_breakpoint_within_a_result_goes_behind_it() -> None:
    result = ToolResult("c", (Text("ok", cache=Cache("1h")),))
    body, lost = sent(asked(said("user", "x"), said("assistant", ToolCall("c", "f", "{}")), said("tool", result)))
    assert body["messages"][2]["content"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert lost == ()


def test_reasoning_is_replayed_to_its_family_alone() -> None:
    own = Thought("hm", Sealed("anthropic", "sig"))
    redacted = Thought(sealed=Sealed("anthropic", "cmVk"), redacted=True)
    foreign = Thought("hm", Sealed("openai", "x"))
    assert assistant(own, redacted, foreign, Text("a")) == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "cmVk"}},
        {"text": "a"},
    ]
    assert user(own, Text("a")) == [{"text": "a"}], "users do not think"
    assert assistant(foreign, Text("a"), echo_reasoning="kept")[0] == {
        "reasoningContent": {"reasoningText": {"text": "hm"}}
    }


def test_a_refusal_is_text() -> None:
    assert assistant(Refused("no")) == [{"text": "no"}]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image(Source("image/png", data="iVBORw==")), {"image": {"format": "png", "source": {"bytes": "iVBORw=="}}}),
        (Image(Source(data="/9j/4AAQ")), {"image": {"format": "jpeg", "source": {"bytes": "/9j/4AAQ"}}}),
        (Video(Source("video/quicktime", data="AAAA")), {"video": {"format": "mov", "source": {"bytes": "AAAA"}}}),
        (
            Document(PDF, filename="My_Report (v2).pdf"),
            {"document": {"format": "pdf", "name": "My Report (v2)", "source": {"bytes": "JVBERg=="}}},
        ),
        (
            Document(Source(), text="plain ü", context="c", citations=True),
            {
                "document": {
                    "format": "txt",
                    "name": "document 1",
                    "source": {"bytes": base64.b64encode("plain ü".encode()).decode()},
                    "context": "c",
                    "citations": {"enabled": True},
                }
            },
        ),
        (
            Document(Source(data="JVBERg=="), filename="a.PDF", citations=False),
            {"document": {"format": "pdf", "name": "a", "source": {"bytes": "JVBERg=="}}},
        ),
    ],
)
def test_media(part: Part, block: dict[str, Any]) -> None:
    assert user(part, Text("?"), video_input=True)[0] == block


def test_documents_have_names_of_their_own() -> None:
    content = user(Document(PDF, filename="a.pdf"), Document(PDF, filename="a.pdf"), Text("?"))
    assert [block["document"]["name"] for block in content[:2]] == ["a", "a 2"]


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (Image(Source(url="s3://bucket/key")), "cannot fetch"),
        (Image(Source(file_id="file-1")), "kept by another provider"),
        (Image(Source("image/tiff", data="SUkq")), "are not taken"),
        (Document(Source("application/zip", data="UEsD")), "are not taken"),
        (Audio(Source("audio/wav", data="UklG")), "hears no sound"),
        (Video(Source("video/mp4", data="AAAA")), "sees no films"),
    ],
)
def test_media_that_cannot_be_sent(part: Part, why: str) -> None:
    with pytest.raises(GatewayError, match=why):
        user(part)


@pytest.mark.parametrize(
    ("part", "ability"),
    [(Image(Source("image/png", data="iVBO")), "image_input"), (Document(PDF), "document_input")],
)
def test_what_the_lane_cannot_see(part: Part, ability: str) -> None:
    with pytest.raises(GatewayError):
        user(part, **{ability: False})


def test_what_only_tunes_is_listed() -> None:
    cited = Text("a", citations=(Citation("url", "https://e.x"),))
    image = Image(Source("image/png", data="iVBO"), detail="high")
    _, lost = sent(asked(said("user", cited, image, Opaque("messages", "server_tool_use", "{}"))))
    assert lost == ("server_tool_use", "messages.citations", "messages.detail")


def test_parts_that_the_meaning_hangs_on_are_refused() -> None:
    with pytest.raises(GatewayError):
        sent(asked(said("user", Opaque("responses", "item_reference", "{}"))))
