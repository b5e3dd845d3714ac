"""Citations of an answer, which only the end of their block places."""

import msgspec
import pytest

from fastgw.protocols.converse.blocks import Block
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import BlockStart, Cite, Event, Kind


def cited(raw: bytes) -> list[Citation]:
    block = Block(BlockStart(0, Kind.TEXT), "anthropic", 10)
    out: list[Event] = []
    block.write("four", out)
    block.cite(msgspec.Raw(raw))
    return [one.citation for one in block.end() if isinstance(one, Cite)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"title":"T","location":{"web":{"url":"https://e.x"}}}', Citation("url", "https://e.x", "T", "", 10, 14)),
        (
            b'{"sourceContent":[{"text":"a"},{"text":"b"}],"location":{"documentPage":{"documentIndex":1,"start":2,"end":3}}}',
            Citation("document", "", "", "ab", 2, 3, 1, "page"),
        ),
        (
            b'{"location":{"documentChar":{"documentIndex":0,"start":5,"end":9}}}',
            Citation("document", start=5, end=9, unit="char"),
        ),
        (b'{"location":{"documentChunk":{"start":1,"end":1}}}', Citation("document", start=1, end=1, unit="block")),
        (b'{"title":"T","location":{"searchResultLocation":{}}}', Citation("document", title="T")),
    ],
)
def test_places(raw: bytes, expected: Citation) -> None:
    assert cited(raw) == [expected]


def test_a_broken_citation_is_left_out() -> None:
    assert cited(b'{"title":7}') == []
