"""A whole answer from its events: what unary encoders write, and streams repeat at their end."""

from collections.abc import Iterable

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Failed,
    Finish,
    Kind,
    LogProbs,
    Seal,
    Start,
    StopReason,
    Used,
)
from fastgw.protocols.hub.sealed import Sealed
from fastgw.usage import NOTHING, Usage


class Block:
    """One block with all that it holds."""

    __slots__ = ("_pieces", "_text", "at", "choice", "citations", "ended", "id", "kind", "logprobs", "media_type",
                 "name", "seals")  # fmt: skip

    def __init__(self, start: BlockStart) -> None:
        self.at = start.at
        self.kind: Kind = start.kind
        self.id = start.id
        self.name = start.name
        self.media_type = start.media_type
        self.choice = start.choice
        self.seals: list[Sealed] = []
        self.citations: list[Citation] = []
        self.logprobs: list[str] = []
        """JSON texts of lists, in order."""
        self.ended = False
        self._pieces: list[str] = []
        self._text = ""

    def add(self, text: str) -> None:
        """Take one delta."""
        self._pieces.append(text)

    @property
    def text(self) -> str:
        """All deltas together."""
        if self._pieces:
            self._text += "".join(self._pieces)
            self._pieces.clear()
        return self._text

    @property
    def sealed(self) -> Sealed | None:
        """The last seal."""
        return self.seals[-1] if self.seals else None


class Answer:
    """Gathers well-formed events as they come."""

    __slots__ = ("blocks", "created_s", "failed", "finishes", "id", "model", "usage")

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.created_s = 0
        self.blocks: list[Block] = []
        """In order; the index is the block's number."""
        self.finishes: dict[int, Finish] = {}
        self.usage: Usage | None = None
        """None: the provider reported nothing."""
        self.failed: Failed | None = None

    def take(self, event: Event) -> None:
        """Add one event."""
        kind = event.__class__
        # The usual ones by their class, which costs less than to try one type after another.
        if kind is Delta:
            self.blocks[event.at].add(event.text)  # type: ignore[union-attr]
        elif kind is BlockStart:
            self.blocks.append(Block(event))  # type: ignore[arg-type]
        elif kind is BlockEnd:
            self.blocks[event.at].ended = True  # type: ignore[union-attr]
        elif kind is Used:
            self.usage = event.usage  # type: ignore[union-attr]
        elif kind is Finish:
            self.finishes[event.choice] = event  # type: ignore[union-attr, assignment]
        else:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Start():
                self.id, self.model, self.created_s = event.id, event.model, event.created_s
            case Seal(at=at, sealed=sealed):
                self.blocks[at].seals.append(sealed)
            case Cite(at=at, citation=citation):
                self.blocks[at].citations.append(citation)
            case LogProbs(at=at, tokens=tokens):
                self.blocks[at].logprobs.append(tokens)
            case Failed():
                self.failed = event

    @property
    def usage_or_nothing(self) -> Usage:
        """What was reported, zeroes if nothing was."""
        return self.usage or NOTHING

    def finish(self, choice: int = 0) -> Finish:
        """How a choice ended; an ordinary end if nobody said."""
        return self.finishes.get(choice) or Finish(StopReason.END, choice=choice)

    def of(self, choice: int) -> list[Block]:
        """The blocks of one choice, in order."""
        return [block for block in self.blocks if block.choice == choice]

    @property
    def choices(self) -> list[int]:
        """Numbers of all choices, at least one."""
        return sorted({block.choice for block in self.blocks} | self.finishes.keys()) or [0]


def gather(events: Iterable[Event]) -> Answer:
    """All of them at once."""
    answer = Answer()
    for event in events:
        answer.take(event)
    return answer
