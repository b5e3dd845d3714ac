"""Whatever a question of another dialect says shows in the request, or in its losses, or is refused."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Citation,
    Conversation,
    Document,
    Format,
    Image,
    Opaque,
    Refused,
    Sampling,
    Source,
    Text,
    Thinking,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Video,
)
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.responses.kit import asked, encoded

PLAIN = asked(Turn("user", (Text("Hello"),)), tools=(Tool("function", "f"),))
SAID: dict[str, Any] = {
    "stream": True, "tools": (), "tool_choice": ToolChoice("required"), "parallel_calls": True, "output_cap": 99,
    "thinking": Thinking(effort="low"), "format": Format("json_object"), "verbosity": "low", "user": "u",
    "cache_key": "k", "service_tier": "flex", "same": {"x": msgspec.Raw(b"1")},
    "turns": (Turn("user", (Text("Bye"),)),),
}  # fmt: skip
SAMPLING: dict[str, Any] = {
    "temperature": 0.0, "top_p": 0.0, "top_k": 0, "seed": 0, "frequency_penalty": 0.0, "presence_penalty": 0.0,
    "logit_bias": "{}", "stop": ("x",), "n": 2, "logprobs": True, "top_logprobs": 0,
}  # fmt: skip
PARTS: list[Any] = [
    Text("mark"), Text("x", citations=(Citation("url", "https://mark"),)), Text("x", Cache("1h")), Refused("mark"),
    Image(Source(url="https://mark")), Image(Source("image/png", data="mark")), Image(Source(file_id="mark")),
    Document(Source("application/pdf", data="mark")), Document(Source(), "mark", text="x"),
    Document(Source(), context="mark", text="x"), Document(Source(data="QUJD"), citations=True),
    Document(Source(url="https://mark")), Audio(Source(data="mark")), Video(Source(data="mark")),
    Thought("x", Sealed("openai", "mark")), ToolCall("mark", "f", "{}"), ToolCall("c", "mark", "{}"),
    ToolCall("c", "f", '{"a":"mark"}'), ToolCall("c", "f", "mark", custom=True),
    ToolCall("c", "f", "{}", cache=Cache()),
    ToolResult("mark", ()), ToolResult("c", (Text("mark"),)),
    ToolResult("c", (Image(Source("image/png", data="mark")),)),
    ToolResult("c", (), is_error=True), ToolResult("c", (), cache=Cache()), Opaque("gemini", "mark", "{}"),
]  # fmt: skip
TOOLS: list[Tool] = [
    Tool("function", "mark"), Tool("function", "f", "mark"), Tool("function", "f", schema='{"type":"mark"}'),
    Tool("function", "f", strict=True), Tool("function", "f", cache=Cache()), Tool("custom", "mark"),
    Tool("custom", "p", "mark"), Tool("custom", "p", grammar='{"type":"grammar","syntax":"lark","definition":"mark"}'),
    Tool("web_search", "w", dialect="messages", raw='{"type":"mark"}'),
    Tool("opaque", "mark", dialect="gemini", raw="{}"),
]  # fmt: skip
NEITHER = {"origin", "sampling", "stateless", "seals", "user_field"}
"""Of no consequence to the provider: nothing is ever kept there, and its seals are always wanted."""


def shown(conversation: Conversation) -> Any:
    """The request and its losses; None: it is refused."""
    try:
        return encoded(conversation)
    except GatewayError as error:
        assert error.status == 400 and error.param
        return None


@pytest.mark.parametrize("name", [name for name in Conversation.__struct_fields__ if name not in NEITHER])
def test_every_setting_shows(name: str) -> None:
    changed = msgspec.structs.replace(PLAIN, **{name: SAID[name]})
    assert shown(changed) != shown(PLAIN)


@pytest.mark.parametrize("name", Sampling.__struct_fields__)
def test_every_number_that_tunes_shows(name: str) -> None:
    changed = msgspec.structs.replace(PLAIN, sampling=Sampling(**{name: SAMPLING[name]}))
    assert shown(changed) != shown(PLAIN)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_every_part_shows(part: Any, role: Any) -> None:
    if role == "user" and isinstance(part, Thought):
        return  # Reasoning of a user is no reasoning.
    made = shown(asked(Turn(role, (Text("x"), part))))
    assert made is None or "mark" in str(made) or made["losses"] or made != shown(asked(Turn(role, (Text("x"),))))


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_shows(tool: Tool) -> None:
    made = shown(msgspec.structs.replace(PLAIN, tools=(tool,)))
    assert "mark" in str(made) or made["losses"] or made != shown(PLAIN)


def test_a_name_of_a_participant_shows() -> None:
    assert shown(asked(Turn("user", (Text("a"),), name="bob")))["losses"]
