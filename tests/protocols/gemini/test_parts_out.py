"""Blocks as parts that a caller reads."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.gemini.parts_out import Block, part_of, seal_of
from fastgw.protocols.hub.events import BlockStart, Kind
from fastgw.protocols.hub.sealed import Sealed


def block(kind: Kind, text: str, sealed: Sealed | None = None, **more: Any) -> Block:
    made = Block(BlockStart(0, kind, **more), "ex-1", 3)
    made.add(text)
    made.sealed = sealed
    return made


@pytest.mark.parametrize(
    ("made", "part"),
    [
        (block(Kind.TEXT, "a"), {"text": "a"}),
        (block(Kind.REFUSAL, "no"), {"text": "no"}),
        (block(Kind.REASONING, "why"), {"text": "why", "thought": True}),
        (block(Kind.TEXT, ""), None),
        (block(Kind.TEXT, "", Sealed("gemini", "b3du")), {"text": "", "thoughtSignature": "b3du"}),
        (block(Kind.TOOL_CALL, "", name="f"), {"functionCall": {"id": "call_ex-1_3", "name": "f", "args": {}}}),
        (
            block(Kind.TOOL_CALL, "[", name="f", id="toolu_9"),
            {"functionCall": {"id": "call_9", "name": "f", "args": {"_raw": "["}}},
        ),
        (
            block(Kind.CUSTOM_CALL, "patch", name="p", id="call_1"),
            {"functionCall": {"id": "call_1", "name": "p", "args": {"input": "patch"}}},
        ),
        (block(Kind.IMAGE, "aGk="), {"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
        (
            block(Kind.AUDIO, "aGk=", media_type="audio/L16"),
            {"inlineData": {"mimeType": "audio/L16", "data": "aGk="}},
        ),
        (block(Kind.OPAQUE, '{"type":"x"}', name="computer_call"), None),
        (block(Kind.OPAQUE, "broken", name="executableCode"), None),
    ],
)
def test_each_kind(made: Block, part: Any) -> None:
    said = part_of(made)
    assert (None if said is None else msgspec.json.decode(msgspec.json.encode(said))) == part


def test_what_is_hidden_shows_no_words() -> None:
    part = part_of(block(Kind.REDACTED, "secret", Sealed("anthropic", "blob")))
    assert part is not None
    assert (part["text"], part["thought"]) == ("", True)
    assert part["thoughtSignature"]


def test_the_seal_of_a_streamed_block_comes_behind_it() -> None:
    assert seal_of(block(Kind.TEXT, "a")) is None
    assert seal_of(block(Kind.REASONING, "a", Sealed("gemini", "b3du"))) == {
        "text": "", "thought": True, "thoughtSignature": "b3du",
    }  # fmt: skip


def test_no_more_is_kept_than_allowed() -> None:
    made = Block(BlockStart(0, Kind.TEXT), "ex-1", 0, 4)
    for _ in range(10):
        made.add("abc")
    assert made.text == "abcabc"
    made.clear()
    assert made.text == ""
