"""The shipped book: prices and sizes of known models, one compact file per vendor beside this module.

`fastgw.money.book_build` makes the files. One is read when a provider of its vendor is configured, and then kept; that
is package data, like the code itself, and the only file that this room touches.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from fastgw.settings.prices import Price

FOLDER = "books"


class ModelFacts(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """What is known of a model without asking its provider."""

    context_length: int = 0
    """Tokens that fit in, 0 when unknown."""
    max_output: int = 0
    """Tokens that may come out, 0 when unknown."""
    price: Price | None = None
    """None when unknown."""
    retired: bool = False
    """The vendor has announced its end: priced while it is there, and in no list."""


class Book(msgspec.Struct, frozen=True):
    """What is known of one vendor's models."""

    models: Mapping[str, ModelFacts] = {}
    """By the vendor's own name."""
    also: Mapping[str, str] = {}
    """Other exact names to a key of `models`."""
    prefixes: Mapping[str, str] = {}
    """How dated names of a model begin, to a key of `models`; the longest that fits counts."""

    outputs: Mapping[str, int] = {}
    """How names of models begin, in lower case, to the most tokens that these give; the longest that fits counts."""

    @property
    def current(self) -> frozenset[str]:
        """Names of all models that are not retired."""
        return frozenset(name for name, facts in self.models.items() if not facts.retired)

    def find(self, model: str) -> ModelFacts | None:
        """The facts of a model by any of its names, None when there are none."""
        found = self.models.get(model) or self.models.get(self.also.get(model, ""))
        if found is None:
            prefix = _longest(self.prefixes, model)
            found = self.models[self.prefixes[prefix]] if prefix else None
        # Names of one price may have limits of their own (gpt-5-chat-latest gives less than gpt-5).
        known = _longest(self.outputs, model.lower())
        if found is None or not known:
            return found
        return msgspec.structs.replace(found, max_output=self.outputs[known])


def _longest(beginnings: Mapping[str, object], name: str) -> str:
    """The longest with which `name` begins, "" if there is none."""
    return max((one for one in beginnings if name.startswith(one)), key=len, default="")


NO_BOOK = Book()


@cache
def shipped(name: str) -> Book:
    """The book of that name, an empty one when there is none."""
    file = resources.files("fastgw.money").joinpath(FOLDER, f"{name}.json")
    return msgspec.json.decode(file.read_bytes(), type=Book) if name and file.is_file() else NO_BOOK
