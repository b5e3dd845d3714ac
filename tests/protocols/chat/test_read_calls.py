"""Tool calls as providers send them in pieces: each of these was seen in the wild."""

from typing import Any

import pytest

from fastgw.protocols.chat.read_calls import CALLS_MAX, Calls
from fastgw.protocols.chat.read_choice import Numbers
from fastgw.protocols.chat.read_wire import Call, Custom, Function
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Kind, Seal
from fastgw.protocols.hub.gather import gather
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered


def piece(index: int | None = None, call_id: str | None = None, name: str | None = None,
          arguments: str | None = None, **more: Any) -> Call:  # fmt: skip
    return Call(index, call_id, Function(name, arguments), **more)


def read(*pieces: Call) -> list[tuple[str, str, str]]:
    calls = Calls(0, Numbers(), "openai")
    events: list[Event] = []
    for one in pieces:
        calls.take(one, events)
    return [(block.id, block.name, block.text) for block in gather(ordered(events)).blocks]


F = ("a", "f", '{"x":1}')
G = ("b", "g", '{"y":2}')


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([piece(0, "a", "f", ""), piece(0, None, None, '{"x"'), piece(0, None, None, ":1}"),
                      piece(1, "b", "g", ""), piece(1, None, None, '{"y":2}')], id="as OpenAI"),
        pytest.param([piece(1, "a", "f", '{"x":1}'), piece(5, "b", "g", '{"y":2}')], id="indices 1 and 5"),
        pytest.param([piece(0, "a", "f", '{"x"'), piece(1, "b", "g", '{"y"'), piece(0, None, None, ":1}"),
                      piece(1, None, None, ":2}")], id="in turn"),
        pytest.param([piece(None, "a", "f", '{"x"'), piece(None, None, None, ":1}"), piece(None, "b", "g", '{"y":2}')],
                     id="no index"),
        pytest.param([piece(None, "a", "f", '{"x"'), piece(None, "b", "g", '{"y"'), piece(None, "a", None, ":1}"),
                      piece(None, "b", None, ":2}")], id="no index, in turn by id"),
        pytest.param([piece(0, "a", "f", '{"x"'), piece(0, "a", "f", ":1}"), piece(1, "b", "g", '{"y":2}')],
                     id="id and name on each piece"),
        pytest.param([piece(0, "a", "f", '{"x"'), piece(0, "z", None, ":1}"), piece(1, "b", "g", '{"y":2}')],
                     id="id changes"),
        pytest.param([piece(0, "a", "f", '{"x"'), piece(0, "z", "f", ":1}"), piece(1, "b", "g", '{"y":2}')],
                     id="id changes, name repeated"),
        pytest.param([piece(0, "a", "f", '{"x":1}'), piece(0, "b", "g", '{"y":2}')], id="all have index 0"),
        pytest.param([piece(0, "a", "f", None), piece(0, "", "", '{"x":1}'), piece(1, "b", "g", '{"y":2}')],
                     id="empty id and name later"),
    ],
)  # fmt: skip
def test_two_calls(pieces: list[Call]) -> None:
    assert read(*pieces) == [F, G]


def test_calls_without_any_id_are_told_apart_by_their_names() -> None:
    assert read(piece(name="f", arguments="{}"), piece(name="f", arguments="{}")) == [("", "f", "{}")] * 2


def test_a_custom_call() -> None:
    calls = Calls(0, Numbers(), "openai")
    events: list[Event] = []
    calls.take(Call(0, "a", custom=Custom("c", "fr")), events)
    calls.take(Call(0, None, custom=Custom(None, "ee")), events)
    assert events == [BlockStart(0, Kind.CUSTOM_CALL, "a", "c"), Delta(0, "fr"), Delta(0, "ee")]


def test_the_old_function_call() -> None:
    calls = Calls(0, Numbers(), "openai")
    events: list[Event] = []
    calls.take_legacy(Function("f", ""), events)
    calls.take_legacy(Function(None, "{}"), events)
    assert events == [BlockStart(0, Kind.TOOL_CALL, "", "f"), Delta(0, "{}")]


def test_a_whole_call_ends_when_the_next_one_begins_so_that_nothing_waits() -> None:
    calls = Calls(0, Numbers(), "openai")
    events: list[Event] = []
    calls.take(piece(0, "a", "f", '{"x":1}'), events)
    calls.take(piece(1, "b", "g", ""), events)
    assert BlockEnd(0) in events


def test_googles_signature() -> None:
    calls = Calls(0, Numbers(), "gemini")
    events: list[Event] = []
    calls.take(piece(0, "a", "f", "{}", extra_content={"google": {"thought_signature": "s"}}), events)
    assert Seal(0, Sealed("gemini", "s")) in events


def test_a_name_may_come_late_and_a_call_without_one_is_none() -> None:
    assert read(piece(0, "a", None, '{"x"'), piece(0, None, "f", ":1}"), piece(1, "b", None, "{}")) == [F]
    assert read(piece(0, "a", None, '{"x":1}'), piece(0, None, "f")) == [F]


def test_long_arguments_are_passed_on_without_being_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastgw.protocols.chat.read_calls.ARGUMENTS_CHARS_MAX", 3)
    assert read(piece(0, "a", "f", '{"x"'), piece(0, None, None, ":1}"), piece(1, "b", "g", '{"y":2}')) == [F, G]


def test_calls_have_a_bound() -> None:
    assert len(read(*(piece(number, str(number), "f", "{}") for number in range(CALLS_MAX + 5)))) == CALLS_MAX
