"""The shipped book: prices and sizes of known models, one compact file per vendor beside this module.

`python -m fastgw.money.book_build` makes the files from the `genai-prices` package, which itself costs too much to
import in a worker. A file is read when a provider of its vendor is configured, and then kept.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

import msgspec

from fastgw.settings.values import Price


class ModelFacts(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """What is known of a model without asking its provider."""

    context_length: int = 0
    """Tokens that fit in, 0 when unknown."""
    max_output: int = 0
    """Tokens that may come out, 0 when unknown."""
    price: Price | None = None
    """None when unknown."""


_DECODER = msgspec.json.Decoder(dict[str, ModelFacts])


@cache
def shipped(book: str) -> Mapping[str, ModelFacts]:
    """The models of a book by the vendor's own names; empty when there is no such book."""
    file = resources.files("fastgw.money").joinpath("books", f"{book}.json")
    if not file.is_file():
        return MappingProxyType({})
    return MappingProxyType(_DECODER.decode(file.read_bytes()))
