"""Items as providers send them, also with types that nobody described."""

import pytest

from fastgw.protocols.hub.events import BlockStart, Kind
from fastgw.protocols.responses.read_items import Item, Words, arguments_of, call_start, read_item, reasoning_of


@pytest.mark.parametrize(
    ("item", "kind", "id", "name"),
    [
        (Item("function_call", "fc_1", "call_1", "f"), Kind.TOOL_CALL, "call_1", "f"),
        (Item("function_call", "fc_1", None, "f"), Kind.TOOL_CALL, "fc_1", "f"),
        (Item("custom_tool_call", "c", "call_1", "p"), Kind.CUSTOM_CALL, "call_1", "p"),
        (Item("reasoning", "rs_1"), Kind.REASONING, "rs_1", ""),
        (Item("image_generation_call", "ig_1"), Kind.IMAGE, "ig_1", ""),
        (Item("mcp_call", "m"), Kind.OPAQUE, "m", "mcp_call"),
    ],
)
def test_how_a_block_begins(item: Item, kind: Kind, id: str, name: str) -> None:
    media_type = "image/png" if kind is Kind.IMAGE else ""
    assert call_start(item, 3) == BlockStart(3, kind, id, name, media_type)


def test_the_text_of_a_call() -> None:
    assert arguments_of(read_item(b'{"type":"function_call","arguments":"{\\"a\\": 1}"}')) == '{"a": 1}'
    assert arguments_of(read_item(b'{"type":"function_call","arguments":{"a": 1e999}}')) == '{"a": 1e999}'
    assert arguments_of(read_item(b'{"type":"function_call","arguments":null}')) == ""
    assert arguments_of(Item("function_call")) == arguments_of(Item("custom_tool_call")) == ""
    assert arguments_of(Item("custom_tool_call", input="x")) == "x"


def test_words_of_reasoning() -> None:
    item = Item("reasoning", summary=[Words("summary_text", "a"), Words("summary_text", "")], content=[Words(text="b")])
    assert reasoning_of(item) == "a\n\nb"
    assert reasoning_of(Item("reasoning")) == ""


def test_of_an_item_with_other_types_the_type_is_known() -> None:
    assert read_item(b'{"type":"mcp_call","name":5}') == Item("mcp_call")


def test_words() -> None:
    assert Words("refusal", "a", "b").words == "b"
    assert Words("output_text", None).words == ""
