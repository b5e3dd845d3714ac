"""What the dialect offers as a whole, and the laws that hold for every question."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.converse.dialect import DIALECT
from fastgw.protocols.hub.conversation import (
    Cache,
    Citation,
    Document,
    Image,
    Opaque,
    Part,
    Role,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
)
from fastgw.protocols.hub.dialect import ProviderDialect
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.converse.kit import asked, lane, sent

_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
_CACHES = st.sampled_from([None, None, Cache(), Cache("1h")])
_TEXTS = st.builds(Text, _WORDS, _CACHES, st.sampled_from([(), (Citation("url", "https://e.x"),)]))
_IMAGES = st.builds(Image, st.just(Source("image/png", data="iVBORw==")), st.sampled_from(["", "high"]), _CACHES)
_DOCUMENTS = st.builds(Document, st.just(Source("application/pdf", data="JVBERg==")), _WORDS, cache=_CACHES)
_THOUGHTS = st.builds(Thought, _WORDS, st.sampled_from([None, Sealed("anthropic", "c2ln"), Sealed("openai", "x")]))
_OPAQUES = st.just(Opaque("messages", "server_tool_use", "{}"))
_USER: st.SearchStrategy[Part] = st.one_of(_TEXTS, _IMAGES, _DOCUMENTS, _OPAQUES)
_ASSISTANT: st.SearchStrategy[Part] = st.one_of(_TEXTS, _THOUGHTS, _IMAGES)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Turn, ...]:
    """Turns in any order, each call answered, the results in any order and in one or several turns."""
    turns: list[Turn] = []
    calls = 0
    for _ in range(draw(st.integers(0, 5))):
        role: Role = draw(st.sampled_from(["system", "developer", "user", "assistant"]))
        if role in ("system", "developer"):
            turns.append(Turn(role, (draw(_TEXTS),)))
        elif role == "user":
            turns.append(
                Turn("user", tuple(draw(st.lists(_USER, max_size=3))), name=draw(st.sampled_from(["", "ann"])))
            )
        else:
            asked_for = [
                ToolCall(f"call_{calls + number}", "f", draw(st.sampled_from(["", "{}", '{"a":1}', "[1]", "{"])))
                for number in range(draw(st.integers(0, 2)))
            ]
            calls += len(asked_for)
            turns.append(Turn("assistant", (*draw(st.lists(_ASSISTANT, max_size=3)), *asked_for)))
            results = [
                ToolResult(call.id, tuple(draw(st.lists(st.one_of(_TEXTS, _IMAGES), max_size=2))), draw(st.booleans()))
                for call in asked_for
            ]
            turns += [Turn("tool", (result,)) for result in draw(st.permutations(results))]
    return tuple(turns)


def words(value: Any) -> list[str]:
    """All texts in a body, however deep."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in words(item)]
    if isinstance(value, list):
        return [text for item in value for text in words(item)]
    return [value] if isinstance(value, str) else []


@settings(max_examples=150, deadline=None)
@given(histories(), st.booleans(), st.booleans())
def test_every_history_is_one_that_aws_describes_with_all_that_was_said(
    turns: tuple[Turn, ...], caches: bool, images: bool
) -> None:
    body, lost = sent(asked(*turns), lane(cache_control=caches, tool_images=images))
    roles = [message["role"] for message in body["messages"]]
    assert roles[0] == "user"
    assert all(one != other for one, other in pairwise(roles))
    told = words(body)
    parts = [part for turn in turns for part in turn.parts]
    inner = [part for result in parts if isinstance(result, ToolResult) for part in result.parts]
    for part in [*parts, *inner]:
        if isinstance(part, Text) and part.text.strip():
            assert part.text in told
            assert not part.citations or "messages.citations" in lost
        if isinstance(part, Image) and part.detail:
            assert "messages.detail" in lost
        if isinstance(part, Opaque):
            assert "server_tool_use" in lost
    assert any(turn.name for turn in turns) == ("messages.name" in lost)
    calls = [part for part in parts if isinstance(part, ToolCall)]
    assert json.dumps(body).count('"toolResult"') == json.dumps(body).count('"toolUse"') == len(calls)
    for message, following in pairwise(body["messages"]):
        ids = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        results = [block["toolResult"]["toolUseId"] for block in following["content"] if "toolResult" in block]
        assert ids == results
    points = json.dumps(body).count('"cachePoint"')
    assert points <= (4 if caches else 0)
    thoughts = [part for turn in turns if turn.role == "assistant" for part in turn.parts if isinstance(part, Thought)]
    own = sum(part.sealed == Sealed("anthropic", "c2ln") for part in thoughts)
    assert json.dumps(body).count('"reasoningText"') == own


def test_it_is_a_dialect_of_providers() -> None:
    offered: ProviderDialect = DIALECT
    assert offered.name == "converse"


def test_no_stream_of_it_is_relayed_untouched() -> None:
    with pytest.raises(AssertionError):
        DIALECT.tap(hide_usage=False)
