"""What a model is told of a custom tool whose grammar its provider does not know."""

import pytest

from fastgw.protocols.hub.conversation import Tool
from fastgw.protocols.hub.freeform import described
from fastgw.protocols.hub.losses import Losses

GRAMMAR = '{"type":"grammar","syntax":"lark","definition":"start: \\"x\\""}'
WORDS = 'The input must match this lark grammar:\nstart: "x"'


@pytest.mark.parametrize(
    ("description", "grammar", "told", "lost"),
    [
        ("Edits.", GRAMMAR, f"Edits.\n\n{WORDS}", ("tools[3].format",)),
        ("", GRAMMAR, WORDS, ("tools[3].format",)),
        ("Edits.", "", "Edits.", ()),
        ("Edits.", '{"type":"text"}', "Edits.", ()),
        ("Edits.", '{"type":"new"}', "Edits.", ("tools[3].format",)),
        ("Edits.", "5", "Edits.", ("tools[3].format",)),
    ],
)
def test_a_grammar_is_told_in_words(description: str, grammar: str, told: str, lost: tuple[str, ...]) -> None:
    losses = Losses()
    assert described(Tool("custom", "patch", description, grammar=grammar), "tools[3]", losses) == told
    assert losses.paths == lost
