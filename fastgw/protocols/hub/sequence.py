"""Puts the events of an answer in order: what readers may interleave, writers get one block after another."""

from collections.abc import Iterable

from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Finish,
    Kind,
    LogProbs,
    Seal,
    Start,
    StopReason,
    Used,
)

BLOCKS_MAX = 4_096
"""Of one answer; what a provider sends beyond is left out together with its deltas."""

_LAZY = frozenset((Kind.TEXT, Kind.REASONING, Kind.REFUSAL, Kind.OPAQUE, Kind.IMAGE, Kind.AUDIO, Kind.REDACTED))
"""Blocks that are announced with their first content: an empty one never was."""
_CALLS = (Kind.TOOL_CALL, Kind.CUSTOM_CALL)

_Of = Delta | Seal | Cite | LogProbs | BlockEnd
_CONTENT = frozenset((Delta, Seal, Cite, LogProbs))
_RARE = frozenset((Seal, Cite, LogProbs, BlockEnd))
"""Looked up by class: a check against each of several types would cost more than all else here."""


class _Block:
    __slots__ = ("at", "ended", "passing", "start", "waiting")

    def __init__(self, start: BlockStart) -> None:
        self.start = start
        self.passing = False
        """It is announced and first of its choice: what comes for it goes out at once."""
        self.at = -1
        """Its number towards the writer; -1 until it is announced."""
        self.waiting: list[_Of] = []
        self.ended = False


class Sequence:
    """One answer on its way from a reader to a writer."""

    __slots__ = ("_blocks", "_calls", "_finishes", "_next", "_queues", "_started")

    def __init__(self) -> None:
        self._blocks: dict[int, _Block] = {}
        self._queues: dict[int, list[_Block]] = {}
        """Unfinished blocks of each choice; the first one is being passed on, the others wait."""
        self._finishes: dict[int, Finish] = {}
        self._calls: set[int] = set()
        self._next = 0
        self._started = False

    def order(self, events: Iterable[Event]) -> list[Event]:
        """What may be passed on now. `Finish` waits for `end`: some providers send pieces of calls behind it."""
        out: list[Event] = []
        for event in events:
            kind = event.__class__
            if kind is Delta:
                block = self._blocks.get(event.at)  # type: ignore[union-attr]
                if block is None or not event.text:  # type: ignore[union-attr]
                    continue
                if block.passing:
                    same = event.at == block.at  # type: ignore[union-attr]
                    out.append(event if same else Delta(block.at, event.text))  # type: ignore[union-attr]
                else:
                    self._take(block, event, out)  # type: ignore[arg-type]
            elif kind is BlockStart:
                self._open(event, out)  # type: ignore[arg-type]
            elif kind in _RARE:
                block = self._blocks.get(event.at)  # type: ignore[union-attr]
                if block is not None:
                    self._take(block, event, out)  # type: ignore[arg-type]
            elif kind is Finish:
                self._finishes.setdefault(event.choice, event)  # type: ignore[union-attr, arg-type]
            elif kind is Start:
                if not self._started:
                    out.insert(0, event)
                self._started = True
            else:
                self._announce(out)
                out.append(event)
        return out

    def end(self) -> list[Event]:
        """Everything that still waits, each block ended, then the finishes."""
        out: list[Event] = []
        self._announce(out)
        for queue in self._queues.values():
            while queue:
                self._take(queue[0], BlockEnd(queue[0].start.at), out)
        for choice, finish in sorted(self._finishes.items()):
            out.append(_told(finish, called=choice in self._calls))
        self._finishes.clear()
        return out

    def _announce(self, out: list[Event]) -> None:
        if not self._started:
            self._started = True
            out.append(Start())

    def _open(self, start: BlockStart, out: list[Event]) -> None:
        if start.at in self._blocks or len(self._blocks) >= BLOCKS_MAX:
            return
        block = self._blocks[start.at] = _Block(start)
        queue = self._queues.setdefault(start.choice, [])
        queue.append(block)
        if start.kind in _CALLS:
            self._calls.add(start.choice)
        if queue[0] is block:
            self._begin(block, out)

    def _begin(self, block: _Block, out: list[Event]) -> None:
        if block.start.kind not in _LAZY:
            self._show(block, out)

    def _show(self, block: _Block, out: list[Event]) -> None:
        self._announce(out)
        start = block.start
        block.at = self._next
        block.passing = True
        self._next += 1
        out.append(BlockStart(block.at, start.kind, start.id, start.name, start.media_type, start.choice))

    def _take(self, block: _Block, event: _Of, out: list[Event]) -> None:
        if block.ended:
            return
        queue = self._queues[block.start.choice]
        if queue[0] is not block:
            block.waiting.append(event)
            return
        self._pass(block, event, out)
        while queue and queue[0].ended:
            queue.pop(0)
            if queue:
                block = queue[0]
                self._begin(block, out)
                waiting, block.waiting = block.waiting, []
                for held in waiting:
                    if not block.ended:
                        self._pass(block, held, out)

    def _pass(self, block: _Block, event: _Of, out: list[Event]) -> None:
        kind = event.__class__
        if kind is BlockEnd:
            block.ended = True
            block.passing = False
            if block.at >= 0:
                out.append(BlockEnd(block.at))
            return
        if block.at < 0:
            self._show(block, out)
        if event.at == block.at:
            out.append(event)
            return
        match event:
            case Delta(text=text):
                out.append(Delta(block.at, text))
            case Seal(sealed=sealed):
                out.append(Seal(block.at, sealed))
            case Cite(citation=citation):
                out.append(Cite(block.at, citation))
            case LogProbs(tokens=tokens):
                out.append(LogProbs(block.at, tokens))


def ordered(events: list[Event]) -> list[Event]:
    """A whole answer, well-formed."""
    return _in_order(events) or _put_in_order(events)


def _in_order(events: list[Event]) -> list[Event] | None:
    """What `_put_in_order` gives, for an answer of one choice whose blocks are in order already; None for any other.

    Nearly every whole answer is one, and to see that costs a fourth of putting it in order again.
    """
    if not events or events[0].__class__ is not Start:
        return None
    out: list[Event] = [events[0]]
    used: list[Event] = []
    finishes: list[Finish] = []
    number = 0
    began = -1
    """Length of `out` behind the start of the open block; -1: none is open."""
    called = lazy = False
    for event in events[1:]:
        kind = event.__class__
        if kind is Used:
            used = [event]
            continue
        if kind is Finish:
            finishes.append(event)  # type: ignore[arg-type]
            continue
        if kind is BlockStart:
            fits = began < 0 and event.at == number and event.choice == 0  # type: ignore[union-attr]
            began = len(out) + 1
            lazy = event.kind in _LAZY  # type: ignore[union-attr]
            called = called or event.kind in _CALLS  # type: ignore[union-attr]
        elif kind is BlockEnd:
            fits = 0 <= began <= len(out) - lazy and event.at == number  # type: ignore[union-attr]
            began = -1
            number += 1
        else:
            fits = kind in _CONTENT and began >= 0 and event.at == number  # type: ignore[union-attr]
            fits = fits and (kind is not Delta or event.text != "")  # type: ignore[union-attr]
        if not fits:
            return None
        out.append(event)
    if began > len(out) - lazy or number >= BLOCKS_MAX or len(finishes) > 1:
        return None
    if began >= 0:
        out.append(BlockEnd(number))
    if finishes and finishes[0].choice:
        return None
    return [*out, *(_told(finish, called=called) for finish in finishes), *used]


def _told(finish: Finish, *, called: bool) -> Finish:
    """Some providers call it an ordinary end although the answer is a call."""
    if called and finish.reason is StopReason.END:
        return Finish(StopReason.TOOLS, finish.sequence, finish.choice, finish.words)
    return finish


def _put_in_order(events: Iterable[Event]) -> list[Event]:
    sequence = Sequence()
    first = sequence.order(events)
    used = [event for event in first if isinstance(event, Used)]
    return [event for event in first if not isinstance(event, Used)] + sequence.end() + used[-1:]
