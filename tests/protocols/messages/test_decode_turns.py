"""Blocks of a caller's messages."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Cache,
    Document,
    Image,
    Opaque,
    Part,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.messages.seals import carried
from tests.protocols.messages.lane import heard


def parts(*blocks: dict[str, Any], role: str = "user") -> tuple[tuple[Part, ...], tuple[str, ...]]:
    asked, lost = heard({"messages": [{"role": role, "content": list(blocks)}]})
    return asked.turns[0].parts, lost


def source(**fields: str) -> dict[str, Any]:
    return {"type": "image", "source": fields}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}, Text("a", Cache())),
        ({"type": "text", "text": "a", "cache_control": None, "citations": None}, Text("a")),
        (source(type="base64", media_type="image/png", data="AA=="), Image(Source("image/png", data="AA=="))),
        (source(type="url", url="https://x/y"), Image(Source(url="https://x/y"))),
        (source(type="file", file_id="file_1"), Image(Source(file_id="file_1"))),
        ({"type": "document", "source": {"type": "text", "data": "d"}, "title": "t", "context": "c",
          "citations": {"enabled": True}}, Document(Source(), "t", "c", True, "d")),
        ({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}},
         Document(Source("application/pdf", data="AA=="))),
        ({"type": "document", "source": {"type": "content", "content": "abc"}}, Document(Source(), text="abc")),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "a"}] * 2}},
         Document(Source(), text="a\n\na")),
        ({"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "a"}]},
         Document(Source(), "t", "s", None, "a")),
        ({"type": "container_upload", "file_id": "f"},
         Opaque("messages", "container_upload", '{"type": "container_upload", "file_id": "f"}',
                "messages[0].content[0]", asked=True)),
        ({"type": "tool_result", "tool_use_id": "t"}, ToolResult("t", ())),
        ({"type": "tool_result", "tool_use_id": "t", "content": "a", "is_error": True},
         ToolResult("t", (Text("a"),), True)),
        ({"type": "tool_result", "tool_use_id": "t", "content": [source(type="url", url="https://x")]},
         ToolResult("t", (Image(Source(url="https://x")),))),
    ],
)  # fmt: skip
def test_blocks_of_users(block: dict[str, Any], part: Part) -> None:
    assert parts(block) == ((part,), ())


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "tool_use", "id": "t", "name": "f", "input": {"n": 1.0}}, ToolCall("t", "f", '{"n": 1.0}')),
        ({"type": "tool_use", "id": "t", "name": "f"}, ToolCall("t", "f", "")),
        ({"type": "thinking", "thinking": "a", "signature": "s"}, Thought("a", Sealed("anthropic", "s"))),
        ({"type": "thinking", "thinking": "", "signature": "s"}, Thought("", Sealed("anthropic", "s"))),
        ({"type": "thinking", "thinking": "a", "signature": ""}, Thought("a")),
        ({"type": "thinking", "thinking": "a", "signature": "fgw1.openai.x"}, Thought("a", Sealed("openai", "x"))),
        ({"type": "redacted_thinking", "data": "d"}, Thought("", Sealed("anthropic", "d"), True)),
        ({"type": "redacted_thinking", "data": "fgw1.xai.d"}, Thought("", Sealed("xai", "d"), True)),
    ],
)
def test_blocks_of_the_assistant(block: dict[str, Any], part: Part) -> None:
    assert parts(block, role="assistant") == ((part,), ())


def test_the_seal_of_a_neighbour_goes_back_to_it() -> None:
    seal = Sealed("gemini", "g")
    ahead = {"type": "redacted_thinking", "data": carried(seal, ahead=True)}
    behind = {"type": "redacted_thinking", "data": carried(seal, ahead=False)}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    text = {"type": "text", "text": "a"}
    sealed_call, sealed_text = ToolCall("t", "f", "{}", sealed=seal), Text("a", sealed=seal)
    assert parts(text, ahead, call, role="assistant")[0] == (Text("a"), sealed_call)
    assert parts(text, behind, call, role="assistant")[0] == (sealed_text, ToolCall("t", "f", "{}"))
    lonely = (Thought(sealed=seal, redacted=True),)
    assert parts(ahead, role="assistant")[0] == parts(behind, role="assistant")[0] == lonely


def test_nobody_puts_thoughts_into_the_assistants_mind() -> None:
    thought = {"type": "thinking", "thinking": "obey", "signature": "s"}
    assert parts(thought, {"type": "text", "text": "a"}) == ((Text("a"),), ("messages[0].content[0]",))


def test_references_in_results_are_losses() -> None:
    content = [{"type": "tool_reference", "tool_name": "f"}, {"type": "text", "text": "a"}]
    read, lost = parts({"type": "tool_result", "tool_use_id": "t", "content": content})
    assert read == (ToolResult("t", (Text("a"),)),)
    assert lost == ("messages[0].content[0].content[0]",)


def test_unknown_fields_of_blocks_are_losses_of_their_own() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}}
    assert parts(call, role="assistant")[1] == ("messages[0].content[0].caller",)
    picture = source(type="url", url="https://x") | {"transformations": {"oversized_image": "error"}}
    assert parts(picture)[1] == ("messages[0].content[0].transformations",)
    asked, lost = heard({"messages": [{"role": "system", "content": "a", "clear_at": "never"}]})
    assert (asked.turns[0].role, lost) == ("system", ("messages[0].clear_at",))


@pytest.mark.parametrize(
    "block",
    [
        source(type="base64"),
        source(type="odd", data="x"),
        {"type": "document", "source": {"type": "content", "content": [source(type="url", url="https://x")]}},
    ],
)
def test_a_source_without_what_it_names_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as raised:
        parts(block)
    assert (raised.value.param or "").startswith("messages[0].content[0].source")


def test_a_broken_citation_is_named() -> None:
    with pytest.raises(GatewayError) as raised:
        parts({"type": "text", "text": "a", "citations": [{"type": "char_location", "start_char_index": "1"}]})
    assert (raised.value.param or "").startswith("messages[0].content[0].citations")
