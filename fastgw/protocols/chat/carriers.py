"""Reasoning as chat clients and providers carry it: `reasoning_details` (OpenRouter) and `thinking_blocks` (LiteLLM).

Each item has words under one key and a seal under another. An item of a foreign hand is sealed as a whole, without its
words, so that whatever else stands in it (`format`, `id`, `index`) comes back unchanged to the family that wrote it.
An item that the gateway wrote has a tagged seal, and is taken apart again.
"""

from collections.abc import Iterable

import msgspec

from fastgw.protocols.hub.conversation import Thought
from fastgw.protocols.hub.sealed import Sealed, tagged, untagged

Item = dict[str, msgspec.Raw]

NATIVE = "openai"
"""Family of the dialect."""
ANYBODY = "chat"
"""Family of seals that a caller brought from elsewhere: nobody knows whose they are, so that no lane is of it. They go
back only in the dialect in which they came. The gateway's own are always tagged, OpenAI's too."""
GOOGLE = "gemini"
"""Family of a bare seal under `extra_content.google`."""

_WORDS = {"reasoning.text": "text", "reasoning.summary": "summary", "thinking": "thinking"}
_SEALS = {
    "reasoning.text": "signature",
    "reasoning.encrypted": "data",
    "thinking": "signature",
    "redacted_thinking": "data",
}
_REDACTED = ("reasoning.encrypted", "redacted_thinking")

_string = msgspec.json.Decoder(str)
_item = msgspec.json.Decoder(Item)
_encode = msgspec.json.encode


def text_of(item: Item, key: str) -> str:
    """The string under `key`, empty if there is none."""
    try:
        return _string.decode(item[key]) if key in item else ""
    except msgspec.MsgspecError:
        return ""


def words_of(item: Item) -> str:
    """The words of one item, empty if it has none."""
    key = _WORDS.get(text_of(item, "type"))
    return text_of(item, key) if key else ""


def seal_text(item: Item) -> str:
    """The seal of one item as it stands there, empty if it has none."""
    key = _SEALS.get(text_of(item, "type"))
    return text_of(item, key) if key else ""


def whole(item: Item, family: str) -> Sealed:
    """One item without its words, as the seal that brings it back."""
    words = _WORDS.get(text_of(item, "type"))
    return Sealed(family, _encode({key: value for key, value in item.items() if key != words}).decode())


def is_redacted(item: Item) -> bool:
    """It holds a seal and can have no words."""
    return text_of(item, "type") in _REDACTED


def thoughts(items: Iterable[Item]) -> list[Thought]:
    """What a caller replays in `reasoning_details` or `thinking_blocks`."""
    found = []
    for item in items:
        sealed = untagged(seal_text(item), "")
        if not sealed.family:
            sealed = whole(item, ANYBODY)
        found.append(Thought(text=words_of(item), sealed=sealed, redacted=is_redacted(item)))
    return found


def restored(thought: Thought) -> tuple[str, Item]:
    """The field and the item in which a thought whose seal may be replayed goes back to its provider."""
    assert thought.sealed is not None
    words = thought.text or "\n\n".join(thought.summaries)
    if thought.sealed.data.startswith("{"):
        try:
            item = _item.decode(thought.sealed.data)
        except (msgspec.MsgspecError, RecursionError):
            item = {}
        kind = text_of(item, "type")
        if kind:
            if kind in _WORDS:
                # Words follow the type, as the providers that write such items order them.
                rest = {key: value for key, value in item.items() if key != "type"}
                item = {"type": item["type"], _WORDS[kind]: msgspec.Raw(_encode(words)), **rest}
            return "thinking_blocks" if "thinking" in kind else "reasoning_details", item
    return "reasoning_details", detail(thought.sealed.data, words, redacted=thought.redacted)


def detail(seal: str, words: str, *, redacted: bool, index: int | None = None) -> Item:
    """One item of `reasoning_details`."""
    fields: dict[str, str | int] = {"type": "reasoning.encrypted" if redacted else "reasoning.text"}
    if redacted:
        fields["data"] = seal
    else:
        fields |= {"text": words, "signature": seal}
    if index is not None:
        fields["index"] = index
    return {key: msgspec.Raw(_encode(value)) for key, value in fields.items()}


def google(seal: Sealed) -> dict[str, dict[str, str]]:
    """`extra_content` with a seal of a call or a text."""
    return {"google": {"thought_signature": tagged(seal, GOOGLE)}}
