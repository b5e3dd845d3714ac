"""Anthropic's list of models, as its SDK reads and pages it."""

from typing import Any

import msgspec
import pytest
from anthropic.types import ModelInfo
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import GatewayError
from fastgw.protocols.listing.anthropic import listed, shown
from tests.protocols.listing.entries import KNOWN, PRICES, UNKNOWN, many


def page(count: int, **query: Any) -> dict[str, Any]:
    seen: dict[str, Any] = msgspec.json.decode(listed(many(count), {name: [str(query[name])] for name in query}))
    assert list(seen) == ["data", "first_id", "last_id", "has_more"]
    assert seen["first_id"] == (seen["data"][0]["id"] if seen["data"] else None)
    assert seen["last_id"] == (seen["data"][-1]["id"] if seen["data"] else None)
    return seen


def test_a_model_is_shown_with_what_is_known_of_it() -> None:
    seen = msgspec.json.decode(shown(KNOWN))
    assert seen == {
        "type": "model",
        "id": "acme/one:free",
        "display_name": "acme/one:free",
        "created_at": "2023-11-14T22:13:20Z",
        "max_input_tokens": 200_000,
        "max_tokens": 8_192,
        "lifecycle": "active",
        "pricing": PRICES,
    }
    for one in (seen, msgspec.json.decode(shown(UNKNOWN))):
        ModelInfo.model_validate(one)
    assert msgspec.json.decode(shown(UNKNOWN))["created_at"] == "1970-01-01T00:00:00Z"


def test_an_empty_list_has_no_ends() -> None:
    assert page(0) == {"data": [], "first_id": None, "last_id": None, "has_more": False}


def test_a_page_is_twenty_unless_said() -> None:
    assert (len(page(30)["data"]), page(30)["has_more"]) == (20, True)
    assert (len(page(20)["data"]), page(20)["has_more"]) == (20, False)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 12), st.integers(1, 5))
def test_pages_joined_are_the_list_in_both_directions(count: int, limit: int) -> None:
    names = [one.id for one in many(count)]
    seen = page(count, limit=limit)
    forward = [one["id"] for one in seen["data"]]
    while seen["has_more"]:
        seen = page(count, limit=limit, after_id=seen["last_id"])
        forward += [one["id"] for one in seen["data"]]
    assert forward == names
    if not names:
        return
    backward = [names[-1]]
    while True:
        seen = page(count, limit=limit, before_id=backward[0])
        backward = [one["id"] for one in seen["data"]] + backward
        if not seen["has_more"]:
            break
    assert backward == names


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1_001}, "limit"),
        ({"after_id": "gone"}, "after_id"),
        ({"before_id": "gone"}, "before_id"),
        ({"after_id": "acme/m-1", "before_id": "acme/m-2"}, "before_id"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as raised:
        page(5, **query)
    assert (raised.value.status, raised.value.param) == (400, param)


def test_every_model_here_is_active() -> None:
    assert page(3, lifecycle="retired")["data"] == []
    assert len(page(3, lifecycle="active")["data"]) == 3
