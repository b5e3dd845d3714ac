"""Four prompt-cache breakpoints at most."""

import json
from typing import Any

import pytest

from tests.protocols.messages.lane import heard, lane, sent

CACHE = {"cache_control": {"type": "ephemeral"}}


def body(tools: int, system: int, user: int) -> dict[str, Any]:
    text = {"type": "text", "text": "x"} | CACHE
    return {
        "tools": [{"name": f"t{n}", "input_schema": {"type": "object"}} | CACHE for n in range(tools)],
        "system": [text] * system,
        "messages": [{"role": "user", "content": [text] * user}],
    }


def marks(made: dict[str, Any]) -> list[int]:
    return [json.dumps(made.get(name)).count("cache_control") for name in ("tools", "system", "messages")]


@pytest.mark.parametrize(
    ("given", "kept"),
    [((1, 1, 2), [1, 1, 2]), ((2, 2, 2), [0, 2, 2]), ((1, 0, 5), [0, 0, 4]), ((3, 2, 0), [2, 2, 0])],
)
def test_the_last_four_are_kept(given: tuple[int, int, int], kept: list[int]) -> None:
    made, lost = sent(heard(body(*given) if given[2] else body(*given[:2], 0) | PLAIN)[0])
    assert marks(made) == kept
    assert lost == (("cache_control",) if sum(given) > 4 else ())


PLAIN = {"messages": [{"role": "user", "content": "x"}]}


def test_one_for_the_whole_request_counts() -> None:
    made, lost = sent(heard(body(2, 1, 1) | CACHE)[0])
    assert made["cache_control"] == CACHE["cache_control"]
    assert marks(made) == [1, 1, 1]
    assert lost == ("cache_control",)


def test_those_in_results_and_server_tools_count() -> None:
    inner = {"type": "text", "text": "x"} | CACHE
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [inner] * 2} | CACHE
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}} | CACHE
    search = {"type": "web_search_20250305", "name": "web_search"} | CACHE
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    made, _ = sent(heard({"tools": [search], "messages": turns})[0])
    assert marks(made) == [0, 0, 4]


def test_a_lane_without_a_cache_gets_none() -> None:
    made, lost = sent(heard(body(1, 1, 1) | CACHE)[0], lane(cache_control=False))
    assert "cache_control" not in json.dumps(made)
    assert lost == ("cache_control",)


def test_the_time_to_live_is_kept() -> None:
    hour = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    made, _ = sent(heard({"system": [hour]})[0])
    assert made["system"] == [hour]
