"""Pieces of an answer, put together: what is said twice comes out once."""

import msgspec
import pytest

from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Kind
from fastgw.protocols.responses.assemble import Assembler, chat_logprobs
from fastgw.protocols.responses.read_items import Item, Words

CALL = msgspec.Raw(b'{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}')


def test_an_item_that_has_ended_takes_nothing_more() -> None:
    assembler = Assembler("openai")
    assert assembler.item_done(0, CALL) == [BlockStart(0, Kind.TOOL_CALL, "c", "f"), Delta(0, "{}"), BlockEnd(0)]
    assert assembler.item_done(0, CALL) == []
    assert assembler.item_added(0, Item("function_call")) == []
    assert assembler.call_delta(0, "x") == assembler.call_done(0, "x") == []
    assert assembler.delta(0, 0, Kind.TEXT, "x") == assembler.reasoning_delta(0, 0, "x") == []
    assert assembler.part_done(0, 0, Words("output_text", "x")) == assembler.cite(0, 0, msgspec.Raw(b"{}")) == []
    assert assembler.called


def test_parts_of_one_message_end_with_it() -> None:
    assembler = Assembler("openai")
    first, second = assembler.delta(0, 0, Kind.TEXT, "a"), assembler.delta(0, 1, Kind.REFUSAL, "b")
    assert [one.__class__ for one in (*first, *second)] == [BlockStart, Delta] * 2
    assert assembler.item_done(0, msgspec.Raw(b'{"type":"message","content":[]}')) == [BlockEnd(0), BlockEnd(1)]
    assert (assembler.refused, assembler.called) == (True, False)


def test_a_part_without_words_never_was() -> None:
    assert Assembler("openai").part_done(0, 0, Words("output_text", "")) == []


def test_no_object_is_no_item() -> None:
    with pytest.raises(msgspec.MsgspecError):
        Assembler("openai").item_done(0, msgspec.Raw(b"5"))


def test_log_probabilities_that_make_no_sense_are_none() -> None:
    assert chat_logprobs(b'{"token":"a"}') == "[]"
    assert chat_logprobs(b'[{"token":"a","logprob":0}]') == '[{"token":"a","logprob":0,"bytes":null,"top_logprobs":[]}]'
