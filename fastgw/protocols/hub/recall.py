"""Reasoning and seals of an answer with tool calls, kept for clients that do not send them back.

Claude, Gemini and OpenAI's models want what they reasoned before a call replayed with the call's result. Callers whose
dialect has no field for it, and clients that drop the field, lose it; so it is kept for an hour under the id of the
answer's first call, which every client sends back.
"""

from collections.abc import Iterable, Mapping

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Part, Thought, ToolCall, Turn
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Kind, Seal
from fastgw.protocols.hub.ids import minted, tool_id
from fastgw.protocols.hub.sealed import Sealed

KEPT_CHARS_MAX = 256 * 1024
"""Of the reasoning of one answer; more is not kept."""
CALLS_MAX = 256
"""Of one answer that are kept, and turns of a history that are looked up."""

BROUGHT_BYTES_MAX = 8 * 1024 * 1024
"""That come back into one question: the same call may stand in many of its turns."""

_CALLS = (Kind.TOOL_CALL, Kind.CUSTOM_CALL)
_THOUGHTS = (Kind.REASONING, Kind.REDACTED)
_NOTED = (*_CALLS, *_THOUGHTS)


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What one answer reasoned before its calls."""

    thoughts: tuple[Thought, ...]
    seals: dict[str, Sealed]
    """Of calls, by `name_of` their ids."""


def name_of(call_id: str) -> str:
    """One name for an id in whichever dialect it comes back."""
    return tool_id(call_id, "call_")


class Recall:
    """Sees the events of one answer, gives ids to calls that have none, and gathers what is worth keeping."""

    __slots__ = (
        "_at",
        "_call",
        "_chars",
        "_exchange_id",
        "_minted",
        "_redacted",
        "_seal",
        "_seals",
        "_text",
        "_thoughts",
        "first",
    )  # fmt: skip

    def __init__(self, exchange_id: str) -> None:
        self._exchange_id = exchange_id
        self._at = -1
        """The block of reasoning that is open."""
        self._call = (-1, "")
        """The call that is open: its block and its name."""
        self._chars = 0
        self._minted = 0
        self._redacted = False
        self._text: list[str] = []
        self._seal: Sealed | None = None
        self._thoughts: list[Thought] = []
        self._seals: dict[str, Sealed] = {}
        self.first = ""
        """`name_of` the answer's first call, empty without one."""

    def see(self, events: Iterable[Event]) -> list[Event]:
        """The events as the writer is to get them, well-formed ones of the first choice kept."""
        out: list[Event] = []
        for event in events:
            kind = event.__class__
            if kind is Delta:
                if event.at == self._at:  # type: ignore[union-attr]
                    self._chars += len(event.text)  # type: ignore[union-attr]
                    if self._chars <= KEPT_CHARS_MAX:
                        self._text.append(event.text)  # type: ignore[union-attr]
            elif kind is BlockStart:
                if event.kind in _NOTED:  # type: ignore[union-attr]
                    event = self._start(event)  # type: ignore[arg-type]  # noqa: PLW2901 - the same event with an id
            elif kind is Seal:
                self._sealed(event)  # type: ignore[arg-type]
            elif kind is BlockEnd and event.at == self._at:  # type: ignore[union-attr]
                self._thoughts.append(Thought("".join(self._text), self._seal, self._redacted))
                self._at = -1
            out.append(event)
        return out

    @property
    def kept(self) -> Kept | None:
        """What to keep: None for an answer without calls, without seals, or with too much reasoning."""
        thoughts = tuple(thought for thought in self._thoughts if thought.sealed is not None)
        if not self.first or not (thoughts or self._seals) or self._chars > KEPT_CHARS_MAX:
            return None
        return Kept(thoughts, self._seals)

    def _start(self, event: BlockStart) -> BlockStart:
        if event.kind in _CALLS:
            if not event.id:
                call_id = minted("call_", self._exchange_id, self._minted)
                event = msgspec.structs.replace(event, id=call_id)
            self._minted += 1
            if event.choice == 0:
                self._call = (event.at, name_of(event.id))
                self.first = self.first or self._call[1]
        elif event.kind in _THOUGHTS and event.choice == 0 and not self.first:
            self._at, self._text, self._seal = event.at, [], None
            self._redacted = event.kind is Kind.REDACTED
        return event

    def _sealed(self, event: Seal) -> None:
        if event.at == self._at:
            self._seal = event.sealed
        elif event.at == self._call[0] and len(self._seals) < CALLS_MAX:
            self._seals[self._call[1]] = event.sealed
        else:
            return
        self._chars += len(event.sealed.data)


def wanted(conversation: Conversation) -> tuple[str, ...]:
    """Names of the first calls of turns that came without a seal, the newest turns last."""
    names: list[str] = []
    for turn in reversed(conversation.turns):
        if turn.role == "assistant" and (calls := _unsealed(turn)) and calls[0].id:
            names.append(name_of(calls[0].id))
            if len(names) == CALLS_MAX:
                break
    return tuple(reversed(names))


def restored(conversation: Conversation, kept: Mapping[str, Kept], bytes_max: int = BROUGHT_BYTES_MAX) -> Conversation:
    """The conversation with what its turns came without, the newest ones first and at most `bytes_max` of it."""
    if not kept:
        return conversation
    turns = list(conversation.turns)
    for number in range(len(turns) - 1, -1, -1):
        turn = turns[number]
        calls = _unsealed(turn) if turn.role == "assistant" else []
        found = kept.get(name_of(calls[0].id)) if calls else None
        if found is None:
            continue
        bytes_max -= _size_bytes(found)
        if bytes_max < 0:
            break
        turns[number] = _restored(turn, found)
    return msgspec.structs.replace(conversation, turns=tuple(turns))


def _size_bytes(kept: Kept) -> int:
    """Of all that a provider is told of it."""
    size = sum(len(seal.data) for seal in kept.seals.values())
    for thought in kept.thoughts:
        size += len(thought.text.encode("utf-8", "surrogatepass"))
        size += len(thought.sealed.data) if thought.sealed is not None else 0
    return size


def _unsealed(turn: Turn) -> list[ToolCall]:
    """The calls of a turn of which nothing is sealed; none if something is."""
    calls: list[ToolCall] = []
    for part in turn.parts:
        if isinstance(part, ToolCall):
            calls.append(part)
        elif part.__class__ is not Thought:
            continue
        if part.sealed is not None:
            return []
    return calls


def _restored(turn: Turn, found: Kept) -> Turn:
    parts: list[Part] = list(found.thoughts)
    for part in turn.parts:
        if isinstance(part, ToolCall):
            parts.append(msgspec.structs.replace(part, sealed=found.seals.get(name_of(part.id))))
        elif not isinstance(part, Thought) or not found.thoughts:
            parts.append(part)
    return msgspec.structs.replace(turn, parts=tuple(parts))
