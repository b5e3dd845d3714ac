"""Items of reasoning: taken apart when they are ours, brought back whole when they are not."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.chat import carriers
from fastgw.protocols.hub.conversation import Thought
from fastgw.protocols.hub.sealed import Sealed


def item(**fields: Any) -> carriers.Item:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}


def shown(made: carriers.Item) -> Any:
    return msgspec.json.decode(msgspec.json.encode(made))


@pytest.mark.parametrize("given", [
    {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.summary", "summary": "hm", "id": None, "index": 1},
    {"type": "reasoning.encrypted", "data": "d", "format": "openai-responses-v1", "id": "rs_1"},
    {"type": "thinking", "thinking": "hm", "signature": "s"},
    {"type": "redacted_thinking", "data": "d"},
])  # fmt: skip
def test_foreign_items_come_back_unchanged(given: dict[str, Any]) -> None:
    (thought,) = carriers.thoughts([item(**given)])
    field, made = carriers.restored(thought)
    assert shown(made) == given
    assert field == ("thinking_blocks" if "thinking" in given["type"] else "reasoning_details")


@pytest.mark.parametrize(("words", "redacted"), [("hm", False), ("", False), ("", True)])
def test_our_own_items_are_taken_apart(words: str, redacted: bool) -> None:
    made = carriers.detail("fgw1.anthropic.sig", words, redacted=redacted, index=3)
    (thought,) = carriers.thoughts([made])
    assert thought == Thought(words, Sealed("anthropic", "sig"), redacted=redacted)


def test_a_bare_seal_gets_an_item() -> None:
    field, made = carriers.restored(Thought(summaries=("a", "b"), sealed=Sealed("x", "sig")))
    assert (field, shown(made)) == (
        "reasoning_details", {"type": "reasoning.text", "text": "a\n\nb", "signature": "sig"},
    )  # fmt: skip
    _, made = carriers.restored(Thought(sealed=Sealed("x", "{no json"), redacted=True))
    assert shown(made) == {"type": "reasoning.encrypted", "data": "{no json"}


def test_values_of_a_wrong_type_are_empty() -> None:
    odd = item(type="reasoning.text", text=5, signature=None)
    assert (carriers.words_of(odd), carriers.seal_text(odd), carriers.is_redacted(odd)) == ("", "", False)
    assert carriers.words_of({}) == ""


def test_a_signature_of_googles() -> None:
    assert carriers.google(Sealed("gemini", "s")) == {"google": {"thought_signature": "s"}}
    assert carriers.google(Sealed("x", "s")) == {"google": {"thought_signature": "fgw1.x.s"}}
