"""One block of an answer."""

import json

import msgspec
import pytest

from fastgw.protocols.hub.events import BlockEnd, BlockStart, Cite, Delta, Event, Kind
from fastgw.protocols.messages.read_blocks import Block, delta_kind, opened


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_a_server_tool_is_one_opaque_piece() -> None:
    block = opened(raw({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}), 3, "f", 0)
    out: list[Event] = []
    block.write('{"query"', out)
    block.write(':"x"}', out)
    assert out == []
    assert block.events == [BlockStart(3, Kind.OPAQUE, name="server_tool_use")]
    text = '{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}}'
    assert block.end() == [Delta(3, text), BlockEnd(3)]


def test_a_result_of_one_passes_as_it_is() -> None:
    given = {"type": "web_search_tool_result", "tool_use_id": "t", "content": [{"n": 1.0}]}
    delta = opened(raw(given), 0, "f", 0).end()[0]
    assert isinstance(delta, Delta)
    assert json.loads(delta.text) == given
    assert '"n": 1.0' in delta.text


def test_broken_input_of_a_server_tool_is_kept() -> None:
    block = opened(raw({"type": "mcp_tool_use", "input": {}}), 0, "f", 0)
    block.write('{"a', [])
    delta = block.end()[0]
    assert isinstance(delta, Delta)
    assert json.loads(delta.text)["input"] == {"_raw": '{"a'}


@pytest.mark.parametrize(
    ("kind", "found"), [("text_delta", Kind.TEXT), ("thinking_delta", Kind.REASONING), ("input_json_delta", None)]
)
def test_a_delta_tells_its_block(kind: str, found: Kind | None) -> None:
    assert delta_kind(kind) is found


def test_a_citation_that_cannot_be_read_is_left_out() -> None:
    block = Block(BlockStart(0, Kind.TEXT), "f", 0)
    block.cite(raw({"type": "char_location", "start_char_index": "x"}))
    block.cite(raw({"type": "char_location", "cited_text": "a", "start_char_index": 1}))
    assert [type(event) for event in block.end()] == [Cite, BlockEnd]


def test_nothing_is_said_of_an_empty_delta() -> None:
    out: list[Event] = []
    block = Block(BlockStart(0, Kind.TEXT), "f", 0)
    block.write("", out)
    block.sign("", out)
    assert out == []
