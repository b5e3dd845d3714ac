"""What the lists of every dialect show of a model, and how they read a query string."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from fastgw.protocols.toplevel import refuse
from fastgw.settings.prices import DatedPrice

Query = Mapping[str, Sequence[str]]
"""A decoded query string: the values of each name, in order."""


class Entry(Protocol):
    """One model that the caller may use."""

    @property
    def id(self) -> str:
        """By which it is asked for; may hold `/` and `:`."""

    @property
    def owned_by(self) -> str:
        """Whose model it is."""

    @property
    def created(self) -> int:
        """Unix seconds, 0 when nobody says."""

    @property
    def context_length(self) -> int:
        """Tokens that fit in, 0 when unknown."""

    @property
    def max_output(self) -> int:
        """Tokens that may come out, 0 when unknown."""

    @property
    def price(self) -> DatedPrice | None:
        """Nano-USD per million tokens; None when unknown."""


class Shape(Protocol):
    """What the module of each dialect offers."""

    def listed(self, entries: Sequence[Entry], query: Query) -> bytes:
        """All of `entries`, or the page that `query` asks for. Raises `GatewayError` (400)."""

    def shown(self, entry: Entry) -> bytes:
        """One of them."""


class Pricing(msgspec.Struct, omit_defaults=True):
    """USD per token as decimal strings, as OpenRouter lists them (openrouter.ai/docs, 2026-08).

    It stands in every dialect's list: the SDKs of Anthropic and Google pass over or keep fields that they do not know.
    """

    prompt: str
    completion: str
    input_cache_read: str = ""
    input_cache_write: str = ""


def pricing(price: DatedPrice | None) -> Pricing | msgspec.UnsetType:
    """What `price` comes to; unset when it is unknown."""
    if price is None:
        return msgspec.UNSET
    return Pricing(
        prompt=_usd_per_token(price.input),
        completion=_usd_per_token(price.output),
        input_cache_read=_usd_per_token(price.cache_read) if price.cache_read else "",
        input_cache_write=_usd_per_token(price.cache_write) if price.cache_write else "",
    )


def _usd_per_token(nano_usd_per_mtok: int) -> str:
    """Exact decimal of nano-USD per million tokens: 15 places, without trailing zeros."""
    whole, fraction = divmod(nano_usd_per_mtok, 10**15)
    return f"{whole}.{fraction:015d}".rstrip("0").rstrip(".")


def number(query: Query, names: Sequence[str], default: int, least: int, most: int) -> int:
    """The value of the first of `names` that the query has. Raises `GatewayError` (400) outside of `least`..`most`."""
    for name in names:
        if values := query.get(name):
            text = values[-1]
            if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
                refuse(f"'{name}' must be a whole number from {least} to {most}.", name)
            return int(text)
    return default


def index_of(entries: Sequence[Entry], name: str, parameter: str) -> int:
    """Where the model `name` stands. Raises `GatewayError` (400) when the list does not hold it."""
    for at, entry in enumerate(entries):
        if entry.id == name:
            return at
    refuse(f"'{parameter}' names no model of this list. Begin again without it.", parameter)
