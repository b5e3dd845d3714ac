"""What an answer reasoned before its calls, brought back to the turn that lost it."""

import msgspec
import pytest

from fastgw.protocols.hub.conversation import Conversation, Part, Text, Thought, ToolCall, Turn
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Finish, Kind, Seal, StopReason
from fastgw.protocols.hub.recall import KEPT_CHARS_MAX, Kept, Recall, name_of, restored, wanted
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered

SEAL = Sealed("anthropic", "sig")
CALL_SEAL = Sealed("gemini", "thought")


def seen(*events: Event) -> tuple[Recall, list[Event]]:
    recall = Recall("req_1")
    return recall, recall.see(ordered(list(events)))


def thinking(at: int, text: str = "hm", seal: Sealed | None = SEAL) -> list[Event]:
    return [BlockStart(at, Kind.REASONING), Delta(at, text), *([Seal(at, seal)] if seal else []), BlockEnd(at)]


def conversation(*parts: Part) -> Conversation:
    return Conversation("chat", (Turn("user", (Text("go"),)), Turn("assistant", parts)))


def test_reasoning_and_seals_come_back_in_front_of_the_calls() -> None:
    recall, _ = seen(
        *thinking(0),
        BlockStart(1, Kind.TOOL_CALL, "toolu_1", "f"),
        Seal(1, CALL_SEAL),
        BlockEnd(1),
        BlockStart(2, Kind.TOOL_CALL, "toolu_2", "g"),
        Finish(StopReason.TOOLS),
    )
    assert recall.kept is not None
    kept = msgspec.json.decode(msgspec.json.encode(recall.kept), type=Kept)
    asked = conversation(Text("I look."), ToolCall("call_1", "f", "{}"), ToolCall("call_2", "g", "{}"))
    assert wanted(asked) == (recall.first,) == (name_of("toolu_1"),)
    turn = restored(asked, {recall.first: kept}).turns[1]
    assert turn.parts == (
        Thought("hm", SEAL),
        Text("I look."),
        ToolCall("call_1", "f", "{}", sealed=CALL_SEAL),
        ToolCall("call_2", "g", "{}"),
    )


def test_words_that_came_back_without_their_seal_are_replaced() -> None:
    recall, _ = seen(*thinking(0), BlockStart(1, Kind.TOOL_CALL, "a", "f"))
    assert recall.kept is not None
    asked = conversation(Thought("hm, cut"), ToolCall("a", "f", "{}"))
    assert restored(asked, {recall.first: recall.kept}).turns[1].parts[0] == Thought("hm", SEAL)


@pytest.mark.parametrize("part", [Thought("x", SEAL), ToolCall("b", "f", "{}", sealed=CALL_SEAL)])
def test_who_sends_a_seal_back_is_left_alone(part: Part) -> None:
    asked = conversation(part, ToolCall("a", "f", "{}"))
    assert wanted(asked) == ()
    assert restored(asked, {name_of("a"): Kept((Thought("y", SEAL),), {})}) == asked


def test_calls_without_an_id_get_one_and_are_found_by_it() -> None:
    recall, events = seen(BlockStart(0, Kind.TOOL_CALL, "", "f"), Seal(0, CALL_SEAL), BlockStart(1, Kind.TOOL_CALL))
    ids = [event.id for event in events if isinstance(event, BlockStart)]
    assert all(ids)
    assert len(set(ids)) == 2
    assert recall.first == name_of(ids[0])


@pytest.mark.parametrize(
    "events",
    [
        [],
        thinking(0),
        [*thinking(0, seal=None), BlockStart(1, Kind.TOOL_CALL, "a")],
        [BlockStart(0, Kind.TOOL_CALL, "a"), Delta(0, "{}")],
        [*thinking(0, "x" * (KEPT_CHARS_MAX + 1)), BlockStart(1, Kind.TOOL_CALL, "a")],
        [BlockStart(0, Kind.TOOL_CALL, "a", choice=1), Seal(0, CALL_SEAL)],
    ],
)
def test_what_is_not_worth_it_is_not_kept(events: list[Event]) -> None:
    recall, out = seen(*events)
    assert recall.kept is None
    assert out == ordered(events)


def test_a_redacted_thought_stays_redacted() -> None:
    recall, _ = seen(BlockStart(0, Kind.REDACTED), Seal(0, SEAL), BlockEnd(0), BlockStart(1, Kind.TOOL_CALL, "a"))
    assert recall.kept is not None
    assert recall.kept.thoughts == (Thought("", SEAL, redacted=True),)


def test_reasoning_too_long_to_be_kept_is_not_even_gathered() -> None:
    recall = Recall("req_1")
    recall.see([BlockStart(0, Kind.REASONING), *(Delta(0, "x" * 1_024) for _ in range(1_000))])
    assert len(recall._text) * 1_024 <= KEPT_CHARS_MAX
    assert recall.kept is None


def test_only_so_much_comes_back_and_the_newest_first() -> None:
    turns = tuple(Turn("assistant", (ToolCall(name, "f", "{}"),)) for name in ("a", "b", "b"))
    kept = {name_of(name): Kept((Thought("x" * 100, SEAL),), {}) for name in ("a", "b")}
    size = 100 + len(SEAL.data)
    for most, back in ((0, 0), (size - 1, 0), (size, 1), (2 * size, 2), (9 * size, 3)):
        found = restored(Conversation("chat", turns), kept, most).turns
        assert [turn.parts != given.parts for turn, given in zip(found, turns, strict=True)] == [
            number >= 3 - back for number in range(3)
        ]
