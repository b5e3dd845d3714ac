"""Google's list of models, as its SDK reads and pages it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import GatewayError
from fastgw.protocols.listing.google import listed, shown
from tests.protocols.listing.entries import KNOWN, PRICES, UNKNOWN, many


def page(count: int, **query: Any) -> dict[str, Any]:
    seen: dict[str, Any] = msgspec.json.decode(listed(many(count), {name: [str(query[name])] for name in query}))
    return seen


def test_a_model_is_shown_with_what_is_known_of_it() -> None:
    assert msgspec.json.decode(shown(KNOWN)) == {
        "name": "models/acme/one:free",
        "displayName": "acme/one:free",
        "inputTokenLimit": 200_000,
        "outputTokenLimit": 8_192,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        "pricing": PRICES,
    }
    assert set(msgspec.json.decode(shown(UNKNOWN))) == {"name", "displayName", "supportedGenerationMethods"}


def test_the_last_page_has_no_token() -> None:
    assert page(0) == {"models": []}
    assert (len(page(51)["models"]), "nextPageToken" in page(51)) == (50, True)
    assert (len(page(50)["models"]), "nextPageToken" in page(50)) == (50, False)
    assert len(page(1_200, pageSize=5_000)["models"]) == 1_000


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 12), st.integers(1, 5), st.booleans())
def test_pages_joined_are_the_list(count: int, size: int, snake: bool) -> None:
    size_name, token_name = ("page_size", "page_token") if snake else ("pageSize", "pageToken")
    seen = page(count, **{size_name: size})
    found = list(seen["models"])
    while "nextPageToken" in seen:
        seen = page(count, **{size_name: size, token_name: seen["nextPageToken"]})
        assert len(seen["models"]) <= size
        found += seen["models"]
    assert [one["name"] for one in found] == [f"models/{one.id}" for one in many(count)]


@pytest.mark.parametrize(
    "query", [{"pageSize": -1}, {"pageToken": "!"}, {"pageToken": "é"}, {"pageToken": "Z29uZQ"}, {"pageToken": "_w"}]
)
def test_a_query_that_makes_no_sense_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as raised:
        page(5, **query)
    assert (raised.value.status, raised.value.param) == (400, next(iter(query)))
