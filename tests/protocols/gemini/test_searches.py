"""Queries of a grounded answer as Google bills them."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.gemini.answer import read_answer, usage_in_tail
from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.gemini.searches import Searches, of_answer
from fastgw.protocols.hub.events import Used
from fastgw.protocols.searches import SEARCHES_MAX
from fastgw.usage import Usage
from tests.protocols.gemini.kit import candidate, read, sse

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}


def grounded(*queries: Any, model: str = "gemini-3.8-flash", **more: Any) -> dict[str, Any]:
    metadata = {"webSearchQueries": list(queries), "groundingChunks": [{"web": {"uri": "https://a", "title": "a"}}]}
    return {**candidate({"text": "a"}, groundingMetadata=metadata), "modelVersion": model} | more


@pytest.mark.parametrize(
    ("model", "queries", "count"),
    [
        ("gemini-3.8-flash", ["a", "b", "a", "", " "], 2),
        ("gemini-4-argon", ["a", "b"], 2),
        ("", ["a", "b"], 2),
        ("gemini-2.5-flash", ["a", "b"], 1),
        ("models/gemini-2.0-flash-001", ["a", "b", "c"], 1),
        ("gemini-1.5-pro", ["a"], 1),
        ("gemini-2.5-flash", ["", ""], 0),
        ("gemini-3.8-flash", [], 0),
        ("gemini-3.8-flash", [7, None, "a"], 1),
    ],
)
def test_each_query_once_and_one_for_a_prompt_of_older_models(model: str, queries: list[Any], count: int) -> None:
    answer = grounded(*queries, model=model, usageMetadata=USAGE)
    wanted = Usage(in_text=9, out_text=4, searches=count)
    assert of_answer(msgspec.json.encode(answer)) == count
    assert read_answer(msgspec.json.encode(answer)).usage == wanted
    assert usage_in_tail(b'..."}' + msgspec.json.encode(answer)[20:]) == wanted
    assert [one.usage for one in read(answer) if isinstance(one, Used)] == [wanted]


def test_chunks_and_candidates_may_repeat_queries_and_come_before_or_after_the_usage() -> None:
    chunks = [
        grounded("a"),
        grounded("b", usageMetadata=USAGE),
        {**candidate({"text": "b"}), "usageMetadata": USAGE | {"candidatesTokenCount": 5, "totalTokenCount": 14}},
        grounded("a", "c", finishReason="STOP"),
    ]
    wanted = Usage(in_text=9, out_text=5, searches=3)
    tap = DIALECT.tap(hide_usage=False)
    tap.feed(sse(*chunks))
    assert tap.usage == wanted
    assert [one.usage for one in read(*chunks) if isinstance(one, Used)][-1] == wanted
    two = msgspec.json.encode({"candidates": [*grounded("a")["candidates"], *grounded("a", "b")["candidates"]]})
    assert of_answer(two) == 2


def test_maps_and_what_makes_no_sense_are_no_searches() -> None:
    maps = {**candidate({"text": "a"}, groundingMetadata={"groundingChunks": [{"maps": {"uri": "https://a"}}]})}
    said = candidate({"text": '"webSearchQueries": ["a"]'}, groundingMetadata={"webSearchQueries": "a"})
    for answer in (maps, said):
        answer["usageMetadata"] = USAGE
        assert read_answer(msgspec.json.encode(answer)).usage == Usage(in_text=9, out_text=4)
        tap = DIALECT.tap(hide_usage=False)
        tap.feed(sse(answer))
        assert tap.usage == Usage(in_text=9, out_text=4)
    searches = Searches()
    searches.chunk(b'{"candidates":7}')
    searches.tail(b'"webSearchQueries": [nonsense]')
    assert searches.made == 0


def test_a_count_is_bounded() -> None:
    assert of_answer(msgspec.json.encode(grounded(*map(str, range(SEARCHES_MAX + 5))))) == SEARCHES_MAX
