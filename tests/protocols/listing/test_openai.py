"""OpenAI's list of models, as its SDK reads it."""

import msgspec
from openai.types import Model as SdkModel

from fastgw.protocols.listing.openai import CREATED_UNKNOWN_S, listed, shown
from tests.protocols.listing.entries import KNOWN, PRICES, UNKNOWN


def test_a_model_is_shown_with_what_is_known_of_it() -> None:
    seen = msgspec.json.decode(shown(KNOWN))
    assert seen == {
        "id": "acme/one:free",
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "acme",
        "context_length": 200_000,
        "max_output_tokens": 8_192,
        "pricing": PRICES,
    }
    assert msgspec.json.decode(shown(UNKNOWN)) == {
        "id": "two", "object": "model", "created": CREATED_UNKNOWN_S, "owned_by": "acme"
    }  # fmt: skip
    SdkModel.model_validate(seen, strict=True)


def test_the_list_is_one_page_whatever_is_asked() -> None:
    seen = msgspec.json.decode(listed([KNOWN, UNKNOWN], {"limit": ["1"]}))
    assert seen["object"] == "list"
    assert [one["id"] for one in seen["data"]] == ["acme/one:free", "two"]
    assert msgspec.json.decode(listed([], {})) == {"object": "list", "data": []}
