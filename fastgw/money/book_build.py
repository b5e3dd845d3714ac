"""Makes the shipped book from the `genai-prices` package: `python -m fastgw.money.book_build` in a checkout.

Importing that package takes 0.7 s and 98 MB (version 0.2.3), more than the whole budget of a worker; its content, cut
to what the gateway uses, is a few files of 1 to 120 KB. Prices that depend on the hour are taken at noon UTC, prices by
tier at their base.
"""

import datetime
import importlib.metadata
import math
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from genai_prices.data import providers
from genai_prices.types import ClauseEquals, ClauseOr, ClauseStartsWith, ModelInfo, TieredPrices

from fastgw.money.book import FOLDER, Book, ModelFacts
from fastgw.settings.prices import Price

BOOKS = {
    "anthropic": ("claude-",),
    "deepseek": ("deepseek-",),
    "google": ("gemini-", "gemma-"),
    "groq": (),
    "minimax": (),
    "mistral": (),
    "moonshotai": (),
    "openai": (),
    "openrouter": (),
    "x-ai": (),
    "zhipuai": (),
}
"""Providers of the package to take, and how names must begin (Google's list also has its partners' models)."""

_NANO_PER_USD = 1_000_000_000


def build(provider: str, starts: tuple[str, ...], at: datetime.datetime) -> Book:
    """The book of one provider with the prices at `at`."""
    models: dict[str, ModelFacts] = {}
    also: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    for model in next(entry for entry in providers if entry.id == provider).models:
        if model.deprecated or (starts and not model.id.startswith(starts)):
            continue
        equals, begins = _names(model.match)
        # Some ids are titles (GLM-4-Air) whose name on the wire is the lower-case one.
        name = model.id.lower() if model.id.lower() in equals else model.id
        models[name] = ModelFacts(model.context_window or 0, 0, _price(model, at))
        also.update(dict.fromkeys(equals - {name}, name))
        prefixes.update(dict.fromkeys(begins, name))
    return Book(models=models, also=also, prefixes=prefixes)


def main() -> int:
    """Write all books beside this module."""
    noon = datetime.datetime.now(datetime.UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    folder = Path(__file__).parent / FOLDER
    folder.mkdir(exist_ok=True)
    for provider, starts in BOOKS.items():
        book = build(provider, starts, noon)
        # One model a line, so that a new version shows as the lines that changed.
        text = msgspec.json.encode(book, order="sorted").replace(b'],"', b'],\n"')
        (folder / f"{provider}.json").write_bytes(text + b"\n")
    version = importlib.metadata.version("genai-prices")
    source = f"genai-prices {version} (MIT), prices of {noon.date().isoformat()}\n"
    (folder / "SOURCE").write_text(source, "utf-8")
    return 0


def _names(match: Any) -> tuple[set[str], set[str]]:
    clauses = match.or_ if isinstance(match, ClauseOr) else [match]
    equals = {clause.equals for clause in clauses if isinstance(clause, ClauseEquals)}
    begins = {clause.starts_with for clause in clauses if isinstance(clause, ClauseStartsWith)}
    return equals, begins


def _price(model: ModelInfo, at: datetime.datetime) -> Price | None:
    prices = model.get_prices(at)
    if prices.input_mtok is None and prices.output_mtok is None:
        return None
    return Price(
        input=_nano(prices.input_mtok),
        output=_nano(prices.output_mtok),
        cache_read=_nano(prices.cache_read_mtok),
        cache_write=_nano(prices.cache_write_mtok),
    )


def _nano(usd: Decimal | TieredPrices | None) -> int:
    """USD per million tokens as nano-USD per million tokens, rounded up."""
    base = usd.base if isinstance(usd, TieredPrices) else usd
    return math.ceil((base or Decimal(0)) * _NANO_PER_USD)


if __name__ == "__main__":
    sys.exit(main())
