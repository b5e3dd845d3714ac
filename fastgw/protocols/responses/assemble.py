"""From the pieces of a provider's answer to events: the same, whether a piece came as deltas, at its end, or both."""

import msgspec

from fastgw.protocols.hub.events import BlockEnd, BlockStart, Cite, Delta, Event, Kind, LogProbs, Seal
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.responses.decode_parts import citation
from fastgw.protocols.responses.read_items import (
    MARK,
    Item,
    Words,
    arguments_of,
    call_start,
    read_item,
    reasoning_of,
)
from fastgw.protocols.responses.seals import UNSEALED

_WHOLE = "whole"
"""Key of a block that is a whole item; parts of a message are keyed by their number."""
_items = msgspec.json.Decoder(list[dict[str, object]])
_encode = msgspec.json.Encoder().encode


class _Open:
    __slots__ = ("at", "cited", "part", "said")

    def __init__(self, at: int) -> None:
        self.at = at
        self.said = 0
        """Characters that have been passed on."""
        self.cited = 0
        self.part = -1
        """Of reasoning: which piece the last words belong to."""


class Assembler:
    """One answer. Pieces may come in any order; an item that has ended takes nothing more."""

    __slots__ = ("_blocks", "_ended", "_family", "_next", "called", "refused")

    def __init__(self, family: str) -> None:
        self._family = family
        self._blocks: dict[tuple[int, int | str], _Open] = {}
        self._ended: set[int] = set()
        self._next = 0
        self.called = False
        """A function or a custom tool was called."""
        self.refused = False
        """A part of a message is a refusal."""

    def item_added(self, index: int, item: Item) -> list[Event]:
        """An item begins. Messages show up with their parts, and what only comes whole at its end."""
        if item.type in {"function_call", "custom_tool_call", "reasoning"}:
            return self._begun(index, item)
        return []

    def delta(self, index: int, part: int, kind: Kind, text: str) -> list[Event]:
        """The next piece of a part of a message."""
        events: list[Event] = []
        if index in self._ended:
            return events
        block = self._blocks.get((index, part)) or self._opened(index, part, events, kind)
        block.said += len(text)
        events.append(Delta(block.at, text))
        return events

    def call_delta(self, index: int, text: str) -> list[Event]:
        """The next piece of a call's text; one that has not begun has no name to be called by."""
        block = self._blocks.get((index, _WHOLE))
        if block is None or index in self._ended:
            return []
        block.said += len(text)
        return [Delta(block.at, text)]

    def call_done(self, index: int, text: str) -> list[Event]:
        """All of a call's text, for what no delta has said."""
        block = self._blocks.get((index, _WHOLE))
        return [] if block is None or block.said or not text else self.call_delta(index, text)

    def reasoning_delta(self, index: int, part: int, text: str) -> list[Event]:
        """The next words of reasoning; `part` numbers the pieces of the summary and, from 1000 on, the reasoning's."""
        events: list[Event] = []
        if index in self._ended:
            return events
        block = self._blocks.get((index, _WHOLE)) or self._opened(index, _WHOLE, events, Kind.REASONING)
        if block.said and block.part != part:
            text = MARK + text
        block.part = part
        block.said += len(text)
        events.append(Delta(block.at, text))
        return events

    def part_done(self, index: int, part: int, words: Words) -> list[Event]:
        """A part of a message as a whole, for what no delta has said."""
        if index in self._ended:
            return []
        refusal = words.type == "refusal"
        events: list[Event] = []
        block = self._blocks.get((index, part))
        if block is None:
            if not words.words:
                return events
            block = self._opened(index, part, events, Kind.REFUSAL if refusal else Kind.TEXT)
        if not block.said and words.words:
            block.said = len(words.words)
            events.append(Delta(block.at, words.words))
            if words.logprobs:
                events.append(LogProbs(block.at, chat_logprobs(_encode(words.logprobs))))
        for raw in (words.annotations or ())[block.cited :]:
            block.cited += 1
            events.append(Cite(block.at, citation(raw)))
        return events

    def cite(self, index: int, part: int, raw: msgspec.Raw) -> list[Event]:
        """An annotation of a part."""
        block = self._blocks.get((index, part))
        if block is None or index in self._ended:
            return []
        block.cited += 1
        return [Cite(block.at, citation(raw))]

    def logprobs(self, index: int, part: int, raw: bytes) -> list[Event]:
        """Log probabilities of the last piece."""
        block = self._blocks.get((index, part))
        return [] if block is None or index in self._ended else [LogProbs(block.at, chat_logprobs(raw))]

    def item_done(self, index: int, raw: msgspec.Raw) -> list[Event]:
        """An item is complete: what of it was not said yet, and the end of its blocks. Raises `MsgspecError`."""
        if index in self._ended:
            return []
        item = read_item(raw)
        events: list[Event] = []
        if item.type == "message":
            for number, words in enumerate(item.content or ()):
                events += self.part_done(index, number, words)
        else:
            events += self._begun(index, item)
            block = self._blocks[index, _WHOLE]
            if not block.said:
                text = self._whole_text(item, raw)
                if text:
                    events.append(Delta(block.at, text))
            sealed = item.encrypted_content
            if sealed and sealed != UNSEALED and item.type == "reasoning":
                events.append(Seal(block.at, Sealed(self._family, sealed)))
        self._ended.add(index)
        events += [BlockEnd(block.at) for (of, _), block in self._blocks.items() if of == index]
        return events

    def _begun(self, index: int, item: Item) -> list[Event]:
        if (index, _WHOLE) in self._blocks or index in self._ended:
            return []
        block = self._blocks[index, _WHOLE] = _Open(self._next)
        self._next += 1
        start = call_start(item, block.at)
        self.called = self.called or start.kind in {Kind.TOOL_CALL, Kind.CUSTOM_CALL}
        return [start]

    def _opened(self, index: int, part: int | str, events: list[Event], kind: Kind) -> _Open:
        block = self._blocks[index, part] = _Open(self._next)
        self._next += 1
        self.refused = self.refused or kind is Kind.REFUSAL
        events.append(BlockStart(block.at, kind))
        return block

    def _whole_text(self, item: Item, raw: msgspec.Raw) -> str:
        match item.type:
            case "function_call" | "custom_tool_call":
                return arguments_of(item)
            case "reasoning":
                return reasoning_of(item)
            case "image_generation_call":
                return item.result or ""
        return bytes(raw).decode("utf-8", "replace")


def chat_logprobs(raw: bytes | msgspec.Raw) -> str:
    """A list in chat's shape; streams leave `bytes` out (`ResponseLogProb`)."""
    try:
        tokens = _items.decode(raw)
    except msgspec.MsgspecError:
        return "[]"
    for token in tokens:
        _filled(token)
    return _encode(tokens).decode()


def _filled(token: dict[str, object]) -> None:
    token.setdefault("bytes", None)
    others = token.setdefault("top_logprobs", [])
    for other in others if isinstance(others, list) else ():
        if isinstance(other, dict):
            other.setdefault("bytes", None)
