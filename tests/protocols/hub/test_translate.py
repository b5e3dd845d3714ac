"""A translation seen from outside: what is held, when it is over, what it counts."""

from collections.abc import Iterable, Sequence

import msgspec
import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.hub import translate
from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.protocols.hub.events import BlockStart, Delta, Event, Failed, Finish, Kind, Start, StopReason, Used
from fastgw.protocols.hub.recall import Recall
from fastgw.protocols.hub.translate import Translation
from fastgw.usage import Usage


class Script:
    """Reads the script of a test: each byte of input stands for one step."""

    def __init__(self, *steps: Sequence[Event], done_after: int = 99) -> None:
        self._steps = list(steps)
        self._left = done_after
        self.finished = False
        self.done = False
        self.searches = 0

    @property
    def complete(self) -> bool:
        return self.finished or self.done

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for _ in data:
            self._left -= 1
            self.done = self._left <= 0
            events += self._steps.pop(0)
        self.finished = self.finished or any(isinstance(event, Finish) for event in events)
        return events

    def end(self) -> list[Event]:
        return []


class Names:
    """Writes the name of each event."""

    def write(self, events: Iterable[Event]) -> bytes:
        return b"".join(type(event).__name__.encode() + b" " for event in events)

    def end(self) -> bytes:
        return b"END"

    def fail(self, error: GatewayError) -> bytes:
        return b"FAIL"


def test_nothing_is_shown_before_something_means_something() -> None:
    one = Translation(
        Script([Start()], [Used(Usage())], [BlockStart(0, Kind.TEXT), Delta(0, "ä")]), Names(), Recall("req_1")
    )
    assert (one.feed(b".."), one.opened) == (b"", False)
    assert one.feed(b".") == b"Start Used BlockStart Delta "
    assert one.opened
    assert one.output_tokens_estimate() == 1


def test_the_end_mark_ends_it_and_nothing_follows() -> None:
    one = Translation(
        Script([BlockStart(0, Kind.TEXT), Delta(0, "a")], [Finish(StopReason.END)], done_after=2),
        Names(),
        Recall("req_1"),
    )
    assert one.feed(b"..") == b"Start BlockStart Delta BlockEnd Finish END"
    assert one.done
    assert one.complete
    assert one.feed(b".") == b""
    assert one.rest() == b""


def test_a_provider_without_an_end_mark_is_complete_by_its_finish() -> None:
    one = Translation(
        Script([BlockStart(0, Kind.TEXT), Delta(0, "a"), Finish(StopReason.END)]), Names(), Recall("req_1")
    )
    one.feed(b".")
    assert not one.done
    assert one.rest() == b"BlockEnd Finish END"
    assert one.done


def test_a_cut_is_never_dressed_up() -> None:
    one = Translation(Script([BlockStart(0, Kind.TEXT), Delta(0, "a")]), Names(), Recall("req_1"))
    one.feed(b".")
    assert one.rest() == b""
    assert not one.complete
    assert not one.done
    assert one.fail(GatewayError(ErrorKind.UPSTREAM_CUT, "cut"), "x") == b"FAIL"


def test_a_failure_stops_it_where_it_stands() -> None:
    one = Translation(
        Script([BlockStart(0, Kind.TEXT), Delta(0, "a"), Failed("no"), Delta(0, "b")]), Names(), Recall("req_1")
    )
    assert one.feed(b".") == b"Start BlockStart Delta "
    assert one.error == "no"
    assert one.rest() == b""


def test_pictures_are_no_text() -> None:
    one = Translation(Script([BlockStart(0, Kind.IMAGE), Delta(0, "x" * 400)]), Names(), Recall("req_1"))
    one.feed(b".")
    assert one.output_tokens_estimate() == 0


def test_the_last_usage_stands() -> None:
    one = Translation(Script([Used(Usage(in_text=1))], [Used(Usage(in_text=2))]), Names(), Recall("req_1"))
    one.feed(b"..")
    assert one.usage == Usage(in_text=2)


def test_an_end_mark_alone_is_no_answer() -> None:
    one = Translation(Script([Start(), Used(Usage())], done_after=1), Names(), Recall("req_1"))
    assert one.feed(b".") == b""
    assert (one.done, one.opened) == (True, False)


def test_a_reason_for_the_end_is_one() -> None:
    one = Translation(Script([Start(), Finish(StopReason.REFUSAL)], done_after=1), Names(), Recall("req_1"))
    assert one.feed(b".") == b"Start Finish END"
    assert (one.done, one.opened) == (True, True)


class Puzzled(Script):
    """Meets JSON text that nobody can read."""

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = msgspec.json.decode(b"[1e999]")
        return events

    def end(self) -> list[Event]:
        return self.feed(b"")


def test_what_cannot_be_read_breaks_the_stream_and_nothing_else() -> None:
    one = Translation(Puzzled(), Names(), Recall("req_1"))
    with pytest.raises(StreamBroken):
        one.feed(b".")
    with pytest.raises(StreamBroken):
        one.rest()


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translate, "STREAM_BYTES_MAX", 100)
    counting = [[Used(Usage(in_text=number))] for number in range(100)]
    one = Translation(Script([Start()], *counting, done_after=999), Names(), Recall("req_1"))
    assert b"".join(one.feed(b".") for _ in range(100)) == b""
    assert one._held == [Start(), Used(Usage(in_text=98))]
    with pytest.raises(StreamBroken):
        one.feed(b".")
