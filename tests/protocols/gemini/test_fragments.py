"""What a streaming caller sends back in pieces is whole again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.gemini.seals import carried
from fastgw.protocols.hub.conversation import Part, Text, Thought, ToolCall
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Finish, Kind, Seal, StopReason
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.gemini.kit import USER, asked, streamed

CLAUDE, OWN = Sealed("anthropic", "sig"), Sealed("gemini", "b3du")
SEAL = {"text": "", "thought": True, "thoughtSignature": carried(CLAUDE)}


def thought(text: str) -> Any:
    return {"text": text, "thought": True}


def told(*contents: list[Any]) -> tuple[Part, ...]:
    """The parts of the one turn that these contents of the model become."""
    turns = asked({"contents": [*USER, *({"role": "model", "parts": parts} for parts in contents), *USER]}).turns
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]
    return turns[1].parts


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ([[{"text": "a"}], [{"text": "b"}], [{"text": ""}]], (Text("ab"),)),
        ([[{"text": "a"}], [{"text": "", "thoughtSignature": "b3du"}]], (Text("a", sealed=OWN),)),
        ([[{"text": "a"}, {"text": "b"}], [{"text": "c"}]], (Text("a"), Text("bc"))),
        ([[{"text": "a"}, {"text": "b"}]], (Text("a"), Text("b"))),
        ([[{"text": ""}], [{"text": ""}]], (Text(""),)),
        ([[thought("a")], [thought("b")], [{"text": "c"}]], (Thought("ab"), Text("c"))),
        (
            [[thought("The ")], [thought("cat")], [SEAL], [thought("2"), SEAL]],
            (Thought("The cat", CLAUDE), Thought("2", CLAUDE)),
        ),
        ([[thought("a"), {"text": "b"}, SEAL]], (Thought("a"), Text("b"), Thought("", CLAUDE))),
        ([[thought("a"), thought("b"), SEAL]], (Thought("ab", CLAUDE),)),
        (
            [[{"functionCall": {"id": "1", "name": "f"}}], [{"text": ""}],
             [{"functionCall": {"id": "2", "name": "f"}}]],
            (ToolCall("1", "f", ""), ToolCall("2", "f", "")),
        ),
    ],
)  # fmt: skip
def test_pieces(contents: list[list[Any]], expected: tuple[Part, ...]) -> None:
    assert told(*contents) == expected


def test_what_is_hidden_takes_nothing_in() -> None:
    hidden = {"text": "", "thought": True, "thoughtSignature": carried(CLAUDE, redacted=True)}
    assert told([thought("a")], [hidden]) == (Thought("a"), Thought("", CLAUDE, redacted=True))


def test_many_pieces_take_time_like_their_number() -> None:
    pieces = [[{"text": "ab"}]] * 20_000
    assert told(*pieces) == (Text("ab" * 20_000),)


BLOCKS = st.lists(
    st.tuples(
        st.sampled_from([Kind.TEXT, Kind.REASONING]), st.lists(st.text("ab ", min_size=1), min_size=1, max_size=4)
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(BLOCKS)
def test_a_streamed_answer_comes_back_as_the_blocks_that_it_was(blocks: list[tuple[Kind, list[str]]]) -> None:
    events: list[Event] = []
    expected: list[Part] = []
    for at, (kind, pieces) in enumerate(blocks):
        seal = [Seal(at, CLAUDE)] if kind is Kind.REASONING else []
        events += [BlockStart(at, kind), *(Delta(at, piece) for piece in pieces), *seal, BlockEnd(at)]
        text = "".join(pieces)
        last = expected[-1] if expected else None
        if kind is Kind.REASONING:
            expected.append(Thought(text, CLAUDE))
        elif isinstance(last, Text):
            # Nothing tells where a text ended and the next one began.
            expected[-1] = Text(last.text + text)
        else:
            expected.append(Text(text))
    chunks = streamed([*events, Finish(StopReason.END)])
    assert told(*(chunk["candidates"][0]["content"]["parts"] for chunk in chunks)) == tuple(expected)
