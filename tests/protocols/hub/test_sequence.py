"""The order of events: whatever a reader sends, a writer gets blocks one after another, whole and numbered."""

from collections.abc import Sequence as Many

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from fastgw.protocols.hub.gather import gather
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import BLOCKS_MAX, Sequence, ordered
from fastgw.usage import Usage

SEAL = Sealed("f", "s")


def test_interleaved_calls_come_one_after_another() -> None:
    seen = ordered(
        [
            Start("x"),
            BlockStart(5, Kind.TOOL_CALL, "a", "one"),
            BlockStart(9, Kind.TOOL_CALL, "b", "two"),
            Delta(9, "{2"),
            Delta(5, "{1"),
            Delta(9, "}"),
            Delta(5, "}"),
            Finish(StopReason.END),
        ]
    )
    assert seen == [
        Start("x"),
        BlockStart(0, Kind.TOOL_CALL, "a", "one"),
        Delta(0, "{1"),
        Delta(0, "}"),
        BlockEnd(0),
        BlockStart(1, Kind.TOOL_CALL, "b", "two"),
        Delta(1, "{2"),
        Delta(1, "}"),
        BlockEnd(1),
        Finish(StopReason.TOOLS),
    ]


def test_nothing_is_added_to_a_block_that_ended_while_it_waited() -> None:
    told: list[Event] = [
        BlockStart(0, Kind.TEXT),
        BlockStart(1, Kind.TEXT),
        Delta(1, "a"),
        BlockEnd(1),
        Delta(1, "b"),
        Delta(0, "c"),
    ]
    seen = ordered([Start(), *told, Finish(StopReason.END)])
    assert [event for event in seen if isinstance(event, Delta | BlockEnd)] == [
        Delta(0, "c"), BlockEnd(0), Delta(1, "a"), BlockEnd(1),
    ]  # fmt: skip


def test_what_comes_behind_the_finish_still_counts() -> None:
    sequence = Sequence()
    first = sequence.order([BlockStart(0, Kind.TOOL_CALL, "a", "f"), Finish(StopReason.TOOLS)])
    assert not any(isinstance(event, Finish) for event in first)
    assert sequence.order([Delta(0, "{}")]) == [Delta(0, "{}")]
    assert sequence.end() == [BlockEnd(0), Finish(StopReason.TOOLS)]


def test_an_empty_block_never_was_and_an_empty_call_was() -> None:
    seen = ordered([BlockStart(0, Kind.TEXT), Delta(0, ""), BlockEnd(0), BlockStart(1, Kind.TOOL_CALL, "a", "f")])
    assert seen == [Start(), BlockStart(0, Kind.TOOL_CALL, "a", "f"), BlockEnd(0)]


def test_choices_do_not_wait_for_each_other() -> None:
    sequence = Sequence()
    sequence.order([BlockStart(0, Kind.TEXT), Delta(0, "a")])
    assert sequence.order([BlockStart(1, Kind.TEXT, choice=1), Delta(1, "b")]) == [
        BlockStart(1, Kind.TEXT, choice=1),
        Delta(1, "b"),
    ]


def test_a_call_ends_only_its_own_choice_as_one() -> None:
    seen = ordered([BlockStart(0, Kind.TOOL_CALL, "a", "f"), Finish(StopReason.END), Finish(StopReason.END, choice=1)])
    assert [event for event in seen if isinstance(event, Finish)] == [
        Finish(StopReason.TOOLS),
        Finish(StopReason.END, choice=1),
    ]


def test_usage_of_a_whole_answer_is_said_once_and_last() -> None:
    seen = ordered([Used(Usage(in_text=1)), Finish(StopReason.END), Used(Usage(in_text=2))])
    assert seen == [Start(), Finish(StopReason.END), Used(Usage(in_text=2))]


def test_blocks_beyond_the_bound_are_left_out() -> None:
    many: list[Event] = []
    for at in range(BLOCKS_MAX + 10):
        many += [BlockStart(at, Kind.TEXT), Delta(at, "x"), BlockEnd(at)]
    assert len(gather(ordered(many)).blocks) == BLOCKS_MAX


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    """Events as the wildest provider would send them: blocks in any order, late pieces, repeated starts and ends."""
    events: list[Event] = []
    numbers = st.integers(0, 5)
    for _ in range(draw(st.integers(0, 30))):
        at = draw(numbers)
        any_of: list[Event] = [
            BlockStart(at, draw(st.sampled_from(Kind)), choice=at % 2),
            Delta(at, draw(st.sampled_from(["", "a", "ü"]))),
            Seal(at, SEAL),
            LogProbs(at, "[]"),
            BlockEnd(at),
            Finish(draw(st.sampled_from(StopReason)), choice=at % 2),
            Used(Usage(out_text=at)),
            Start("again"),
        ]
        events.append(draw(st.sampled_from(any_of)))
    return events


def cut(events: Many[Event], sizes: list[int]) -> list[list[Event]]:
    parts, at = [], 0
    for size in sizes:
        parts.append(list(events[at : at + size]))
        at += size
    return [*parts, list(events[at:])]


@given(answers(), st.lists(st.integers(0, 4), max_size=12))
def test_writers_get_what_events_promises(events: list[Event], sizes: list[int]) -> None:
    sequence = Sequence()
    out: list[Event] = []
    for part in cut(events, sizes):
        out += sequence.order(part)
    out += sequence.end()
    if out:
        assert sum(isinstance(event, Start) for event in out) <= 1
        assert isinstance(out[0], Start | Finish)
    opened: dict[int, int] = {}
    known: list[int] = []
    finished: set[int] = set()
    for event in out:
        match event:
            case BlockStart():
                assert event.at == len(known), "dense from 0"
                assert event.choice not in opened, "no two blocks of a choice at once"
                known.append(event.at)
                opened[event.choice] = event.at
            case Delta() | Seal() | LogProbs() | Cite():
                assert event.at in opened.values()
                assert not isinstance(event, Delta) or event.text
            case BlockEnd():
                choice = next(choice for choice, at in opened.items() if at == event.at)
                del opened[choice]
            case Finish():
                assert event.choice not in finished
                assert event.choice not in opened
                finished.add(event.choice)
    assert not opened


@given(answers(), st.lists(st.integers(0, 4), max_size=12))
def test_how_events_are_grouped_changes_nothing(events: list[Event], sizes: list[int]) -> None:
    whole = Sequence()
    expected = [*whole.order(events), *whole.end()]
    pieces = Sequence()
    out: list[Event] = []
    for part in cut(events, sizes):
        out += pieces.order(part)
    out += pieces.end()
    if events and not isinstance(events[0], Start) and any(isinstance(event, Start) for event in events):
        return  # a late announcement goes first if it comes in time, and is passed over otherwise
    assert out == expected


@st.composite
def whole_answers(draw: st.DrawFn) -> list[Event]:
    """Whole answers, most of them in order, some with one thing that is not."""
    events: list[Event] = [Start("a")]
    for at in range(draw(st.integers(0, 3))):
        inside: list[Event] = [Delta(at, "a"), Delta(at, "b"), Seal(at, SEAL), LogProbs(at, "[]")]
        events.append(BlockStart(at, draw(st.sampled_from(Kind))))
        events += draw(st.lists(st.sampled_from(inside), max_size=3))
        events.append(BlockEnd(at))
    events.append(Finish(draw(st.sampled_from(StopReason))))
    events.append(Used(Usage(out_text=1)))
    for _ in range(draw(st.integers(0, 2))):
        odd: list[Event] = [Delta(0, ""), Delta(1, "c"), Finish(StopReason.END, choice=1), BlockEnd(0), Start("b"),
                            BlockStart(1, Kind.TEXT), BlockStart(7, Kind.TEXT, choice=1), Used(Usage()),
                            Failed("x")]  # fmt: skip
        events.insert(draw(st.integers(0, len(events))), draw(st.sampled_from(odd)))
    if draw(st.booleans()):
        del events[draw(st.integers(0, len(events) - 1))]
    return events


@given(whole_answers() | answers())
def test_an_answer_that_is_in_order_becomes_what_any_other_would(events: list[Event]) -> None:
    sequence = Sequence()
    told = [*sequence.order(events), *sequence.end()]
    used = [event for event in told if isinstance(event, Used)]
    assert ordered(events) == [event for event in told if not isinstance(event, Used)] + used[-1:]


@pytest.mark.parametrize("kind", Kind)
def test_a_seal_alone_makes_a_block(kind: Kind) -> None:
    seen = ordered([BlockStart(3, kind), Seal(3, SEAL)])
    assert seen == [Start(), BlockStart(0, kind), Seal(0, SEAL), BlockEnd(0)]
