"""Which items are searches that are billed, and whose count counts."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.responses import searches
from fastgw.protocols.responses.read import read_answer
from fastgw.protocols.responses.tap import StreamTap
from fastgw.protocols.responses.usage import usage_in_tail
from fastgw.protocols.searches import SEARCHES_MAX
from fastgw.usage import Usage

SEARCH: dict[str, Any] = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
USAGE: dict[str, Any] = {"input_tokens": 9, "output_tokens": 4}


def json(value: Any) -> bytes:
    return msgspec.json.encode(value)


@pytest.mark.parametrize(
    ("item", "billed"),
    [
        (SEARCH, True),
        ({"type": "web_search_call", "status": "completed"}, True),
        (SEARCH | {"action": None}, True),
        (SEARCH | {"action": {"type": "open_page", "url": "u"}}, False),
        (SEARCH | {"action": {"type": "find_in_page"}}, False),
        (SEARCH | {"action": {"type": "find"}}, False),
        (SEARCH | {"status": "failed"}, False),
        (SEARCH | {"type": "file_search_call"}, False),
        (SEARCH | {"action": 7}, False),
        ([], False),
    ],
)
def test_a_search_is_billed_and_reading_pages_is_not(item: Any, billed: bool) -> None:
    assert searches.is_search(json(item)) is billed
    assert searches.made(json([item, {"type": "message"}])) == billed


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"tool_usage": {"image_gen": {"total_tokens": 0}, "web_search": {"num_requests": 5}}}, 5),
        ({"tool_usage": {"web_search": {"num_requests": 0}}}, 2),
        ({"tool_usage": None}, 2),
        ({"tool_usage": {"web_search": None}}, 2),
        ({"tool_usage": {"web_search": 7}}, 2),
        ({"tool_usage": {"web_search": {"num_requests": 10**15}}}, SEARCHES_MAX),
        ({"usage": USAGE | {"server_side_tool_usage_details": {"web_search_calls": 4, "x_search_calls": 9}}}, 4),
        ({"usage": USAGE | {"server_side_tool_usage_details": {"web_search_calls": 0}}}, 2),
        ({"usage": USAGE | {"server_tool_use": {"web_search_requests": 3}}}, 3),
        ({"usage": USAGE | {"server_tool_use_details": {"web_search_requests": 1}}}, 1),
        ({"usage": USAGE | {"server_tool_use_details": "?"}}, 2),
        ({}, 2),
    ],
)
def test_a_count_that_is_told_counts_and_otherwise_the_items(fields: dict[str, Any], count: int) -> None:
    response = {"id": "r", "status": "completed", "output": [SEARCH, SEARCH], "usage": USAGE} | fields
    wanted = Usage(in_text=9, out_text=4, searches=count)
    assert read_answer(json(response)).usage == wanted
    tap = StreamTap()
    tap.feed(b"data: " + json({"type": "response.completed", "response": response}) + b"\n\n")
    assert tap.usage == wanted


def test_a_stream_may_end_without_its_output() -> None:
    tap = StreamTap()
    for event in (
        {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": SEARCH | {"status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 0, "item": SEARCH},
        {"type": "response.output_text.delta", "delta": json(SEARCH).decode()},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [], "usage": USAGE}},
    ):
        tap.feed(b"data: " + json(event) + b"\n\n")
    assert tap.usage == Usage(in_text=9, out_text=4, searches=1)


def test_an_answer_too_large_to_hold_has_those_that_it_tells() -> None:
    tail = b'..."}], "tool_usage": {"web_search": {"num_requests": 3}}, "usage": ' + json(USAGE) + b"}"
    assert usage_in_tail(tail) == Usage(in_text=9, out_text=4, searches=3)
    told = USAGE | {"server_side_tool_usage_details": {"web_search_calls": 2}}
    assert usage_in_tail(b'..."}], "usage": ' + json(told) + b"}") == Usage(in_text=9, out_text=4, searches=2)
    assert usage_in_tail(b'"usage": ' + json(USAGE)) == Usage(in_text=9, out_text=4)
