"""The form of a custom tool's input in both spellings."""

import pytest

from fastgw.protocols.chat import grammar

CHAT = '{"type":"grammar","grammar":{"syntax":"lark","definition":"start: \\"x\\""}}'
HUB = '{"type":"grammar","syntax":"lark","definition":"start: \\"x\\""}'


def test_both_ways() -> None:
    assert (grammar.flat(CHAT), grammar.wrapped(HUB)) == (HUB, CHAT)


@pytest.mark.parametrize("raw", ['{"type":"text"}', '{"type":"new","x":1}', "5", "{}"])
def test_other_forms_stay_as_they_are(raw: str) -> None:
    assert (grammar.flat(raw), grammar.wrapped(raw)) == (raw, raw)
