"""Citations between the wire and the hub."""

import json
from typing import Any

import msgspec
import pytest

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.messages.citations import read_citation, replayed, wire_citation

WIRE: list[dict[str, Any]] = [
    {"type": "char_location", "cited_text": "a", "document_index": 1, "document_title": "t", "start_char_index": 2,
     "end_char_index": 3},
    {"type": "page_location", "cited_text": "a", "document_index": 0, "document_title": None, "start_page_number": 1,
     "end_page_number": 2},
    {"type": "content_block_location", "cited_text": "a", "document_index": 0, "document_title": None,
     "start_block_index": 1, "end_block_index": 2},
    {"type": "web_search_result_location", "cited_text": "a", "encrypted_index": "e", "title": "t", "url": "https://x"},
    {"type": "search_result_location", "cited_text": "a", "source": "https://x", "title": "t", "search_result_index": 0,
     "start_block_index": 0, "end_block_index": 1},
    {"type": "newer_location", "cited_text": "a"},
]  # fmt: skip


def read(wire: dict[str, Any]) -> Citation:
    return read_citation(msgspec.Raw(json.dumps(wire).encode()))


@pytest.mark.parametrize("wire", WIRE)
def test_a_citation_comes_back_as_it_was(wire: dict[str, Any]) -> None:
    made = wire_citation(read(wire))
    assert isinstance(made, msgspec.Raw)
    assert json.loads(bytes(made)) == wire


@pytest.mark.parametrize("wire", WIRE[:3])
def test_a_place_in_a_document_is_said_alike_without_its_raw_text(wire: dict[str, Any]) -> None:
    assert wire_citation(msgspec.structs.replace(read(wire), raw="")) == wire


def test_a_page_of_the_web_from_elsewhere_has_a_place() -> None:
    made = wire_citation(Citation("url", url="https://x", title="t"))
    assert made == {
        "type": "web_search_result_location", "cited_text": "", "encrypted_index": "", "title": "t", "url": "https://x",
    }  # fmt: skip


def test_a_provider_gets_only_what_it_made() -> None:
    foreign = wire_citation(Citation("url", url="https://x"))
    assert isinstance(foreign, dict)
    assert replayed((read(foreign), Citation("url", url="https://x"), read(WIRE[4]))) == []
    assert len(replayed((read(WIRE[3]), read(WIRE[0])))) == 2


def test_a_file_of_another_provider_has_no_place() -> None:
    assert wire_citation(Citation("file", title="x")) is None
