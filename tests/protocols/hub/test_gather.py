"""A whole answer from its events."""

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
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
from fastgw.usage import NOTHING, Usage


def test_everything_that_was_said_is_there() -> None:
    seal, cited = Sealed("f", "s"), Citation("url", url="https://example.com")
    answer = gather(
        [
            Start("id", "m", 7),
            BlockStart(0, Kind.TEXT),
            Delta(0, "a"),
            Delta(0, "b"),
            Seal(0, seal),
            Cite(0, cited),
            LogProbs(0, "[1]"),
            BlockEnd(0),
            BlockStart(1, Kind.TOOL_CALL, "c", "f", choice=1),
            Used(Usage(in_text=1)),
            Used(Usage(in_text=2)),
            Finish(StopReason.LENGTH),
            Failed("no"),
        ]
    )
    first, second = answer.blocks
    assert (first.text, first.sealed, first.citations, first.logprobs) == ("ab", seal, [cited], ["[1]"])
    assert first.ended
    assert not second.ended
    assert (answer.id, answer.model, answer.created_s, answer.usage) == ("id", "m", 7, Usage(in_text=2))
    assert answer.finish().reason is StopReason.LENGTH
    assert answer.finish(1).reason is StopReason.END
    assert (answer.of(1), answer.choices) == ([second], [0, 1])
    assert answer.failed == Failed("no")


def test_text_can_be_read_while_it_grows() -> None:
    answer = gather([BlockStart(0, Kind.TEXT), Delta(0, "a")])
    assert answer.blocks[0].text == "a"
    answer.take(Delta(0, "b"))
    assert answer.blocks[0].text == "ab"


def test_nothing_is_an_answer_with_one_choice() -> None:
    assert gather([]).choices == [0]
    assert gather([]).usage_or_nothing == NOTHING
