"""Makes the shipped book from the `genai-prices` package: `python -m fastgw.money.book_build` in a checkout.

Importing that package takes 0.7 s and 98 MB (version 0.2.3), more than the whole budget of a worker; its content, cut
to what the gateway uses, is a few files of 1 to 200 KB. What is taken, and how:

- prices of all days, with the day from which each holds; tiers by length of the prompt;
- prices that depend on the hour (DeepSeek) at the dearest hour: a charge must not be less than what the provider takes;
- audio and images, cached tokens written for 5 minutes and an hour, web and file searches, pages, characters, hours of
  sound; cached audio and images at the price of cached text, because usage does not tell them apart; video only where
  images have no price;
- prices of requests that ask for another `service_tier` or `speed`; not those of batches.
"""

import datetime
import importlib.metadata
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from genai_prices.data import providers
from genai_prices.types import (
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
)

from fastgw.money.book import FOLDER, Book, ModelFacts
from fastgw.money.outputs import CONTEXTS_UNSURE, OUTPUTS
from fastgw.settings.prices import DatedPrice, Price, PriceTier, SpeedPrice

BOOKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "anthropic": ("anthropic", ("claude-",)),
    "deepseek": ("deepseek", ("deepseek-",)),
    "google": ("google", ("gemini-", "gemma-")),
    "groq": ("groq", ()),
    "minimax": ("minimax", ()),
    "mistral": ("mistral", ()),
    "moonshotai": ("moonshotai", ()),
    "openai": ("openai", ()),
    "openrouter": ("openrouter", ()),
    "vertex": ("google", ("gemini-", "claude-")),
    "x-ai": ("x-ai", ()),
    "zhipuai": ("zhipuai", ()),
}
"""Books to make: the package's provider, and how names must begin. Google's list has its partners' models at Vertex AI
too, at the prices of its global endpoint; regional ones are a tenth dearer for some."""

_NANO_PER_USD = 1_000_000_000
_TOKENS = {
    "input": ("input_mtok",),
    "output": ("output_mtok",),
    "cache_read": ("cache_read_mtok",),
    "cache_write": ("cache_write_mtok",),
    "cache_write_1h": ("cache_write_1h_mtok",),
    "input_audio": ("input_audio_mtok",),
    "input_image": ("input_image_mtok", "input_video_mtok"),
    "reasoning": ("output_reasoning_mtok",),
    "output_audio": ("output_audio_mtok",),
    "output_image": ("output_image_mtok", "output_video_mtok"),
}
"""Fields of `TokenPrices` to those of the package, the first of which that has a price counts."""
_MILLION_SECONDS = Decimal(1_000_000) / 3_600
_THOUSANDS = Decimal(1_000)
_FREE = {"input": 0, "output": 0}
_PIECES: dict[str, tuple[tuple[str, str, Decimal], ...]] = {
    "second": (
        ("default", "input_audio_hours", _MILLION_SECONDS),
        ("default", "audio_hours", _MILLION_SECONDS),
    ),
    "character": (("default", "input_mchars", Decimal(1)),),
    "page": (
        ("default", "input_document_kpages", _THOUSANDS),
        ("annotated", "input_annotated_document_kpages", _THOUSANDS),
    ),
    "search": (
        ("web", "web_searches_kcount", _THOUSANDS),
        ("file", "storage_searches_kcount", _THOUSANDS),
    ),
}
"""Fields of `DatedPrice` to variants, fields of the package, and what makes a price of a million of it."""
_HALF_HOURS = 48
_SPEEDS = ("service_tier", "speed")
"""What variants of prices depend on that requests may say themselves."""


SOUND: dict[str, dict[str, tuple[str, int, int]]] = {
    "openai": {
        "gpt-4o-audio-preview-2024-10-01": ("gpt-4o-audio-preview", 100_000_000_000, 200_000_000_000),
        "gpt-4o-audio-preview": ("gpt-4o-audio-preview", 40_000_000_000, 80_000_000_000),
        "gpt-4o-mini-audio-preview": ("gpt-4o-mini-audio-preview", 10_000_000_000, 20_000_000_000),
    },
}
"""What the package lacks: for models with sound, the model that else is priced alike, and nano-USD of a million tokens
heard and spoken (developers.openai.com, pages of the models, 2026-11)."""


CALLS: dict[str, dict[str, int]] = {"openai": {"gpt-5-search-api": 10_000_000_000_000}}
"""What the package lacks, too: models of chat completions that search the web with every call, and tell of none, and
nano-USD of a million calls (developers.openai.com, pricing, web search: 10 USD for a thousand, 2026-11)."""


def build(name: str) -> Book:
    """One book."""
    provider, starts = BOOKS[name]
    models: dict[str, ModelFacts] = {}
    also: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    listed = next(entry for entry in providers if entry.id == provider).models
    # Names of models that are gone must not take those of models that are not.
    for model in sorted(listed, key=lambda one: not one.deprecated):
        if starts and not model.id.startswith(starts):
            continue
        equals, begins = _names(model.match)
        # Some ids are titles (GLM-4-Air) whose name on the wire is the lower-case one.
        named = model.id.lower() if model.id.lower() in equals else model.id
        # OpenRouter's free variants are in the package without a price (openrouter.ai/docs, model variants, 2026-11).
        price = price_of(model) or (Price() if named.endswith(":free") else None)
        context = 0 if named in CONTEXTS_UNSURE.get(name, ()) else _context(model)
        models[named] = ModelFacts(context, price=price, retired=bool(model.deprecated))
        also.update(dict.fromkeys(equals - {named}, named))
        prefixes.update(dict.fromkeys(begins, named))
    for known, sound in SOUND.get(name, {}).items():
        base, heard, spoken = sound
        facts = models[base]
        assert facts.price is not None
        price = msgspec.structs.replace(facts.price, input_audio=heard, output_audio=spoken)
        models[known] = msgspec.structs.replace(facts, price=price)
    for known, call in CALLS.get(name, {}).items():
        facts = models[known]
        assert facts.price is not None
        models[known] = msgspec.structs.replace(facts, price=msgspec.structs.replace(facts.price, call=call))
    return Book(models=models, also=also, prefixes=prefixes, outputs=OUTPUTS.get(name, {}))


def main() -> int:
    """Write all books beside this module."""
    folder = Path(__file__).parent / FOLDER
    folder.mkdir(exist_ok=True)
    for name in BOOKS:
        (folder / f"{name}.json").write_bytes(written(build(name)))
    version = importlib.metadata.version("genai-prices")
    (folder / "SOURCE").write_text(f"genai-prices {version} (MIT)\n", "utf-8")
    return 0


def written(book: Book) -> bytes:
    """The book as JSON, one model a line, so that a new version shows as the lines that changed."""
    encode = msgspec.json.Encoder(order="sorted").encode
    models = b",\n".join(encode(name) + b":" + encode(facts) for name, facts in sorted(book.models.items()))
    rest = b",\n".join(encode(name) + b":" + encode(getattr(book, name)) for name in ("also", "prefixes", "outputs"))
    return b'{"models":{\n' + models + b"\n},\n" + rest + b"}\n"


def price_of(model: ModelInfo) -> Price | None:
    """The prices of a model on all days; None where nothing has one."""
    days: list[datetime.date | None] = [None, *sorted(_days(model))]
    entries = [_entry(model, day) for day in days]
    known: list[DatedPrice] = []
    for entry in entries:
        # Days of batches change nothing here.
        if entry is not None and (not known or entry != msgspec.structs.replace(known[-1], from_=entry.from_)):
            known.append(entry)
    if not known:
        return None
    first = {field: getattr(known[0], field) for field in known[0].__struct_fields__}
    return Price(**first, changes=tuple(known[1:]))


def _days(model: ModelInfo) -> set[datetime.date]:
    conditional = [] if isinstance(model.prices, ModelPrice) else model.prices
    constraints = [entry.constraint for entry in (*conditional, *(model.price_variants or ()))]
    return {one.start_date for one in constraints if isinstance(one, StartDateConstraint)}


def _hours(model: ModelInfo, day: datetime.date | None, context: dict[str, str] | None = None) -> list[ModelPrice]:
    """The prices at each time of a day."""
    start = datetime.datetime.combine(day or datetime.date(1970, 1, 1), datetime.time(), datetime.UTC)
    found: list[ModelPrice] = []
    for number in range(_HALF_HOURS):
        prices = model.get_prices(start + number * datetime.timedelta(minutes=30), context)
        if prices not in found:
            found.append(prices)
    return found


def _entry(model: ModelInfo, day: datetime.date | None) -> DatedPrice | None:
    hours = _hours(model, day)
    tokens = _tokens(hours, 0)
    pieces: dict[str, Any] = {unit: found for unit, fields in _PIECES.items() if (found := _pieces(hours, fields))}
    # Searches alone are no price of a model: nobody knows what its tokens cost.
    if not tokens and not pieces.keys() - {"search"}:
        return None
    return DatedPrice(from_=day, tiers=_price_tiers(hours), speeds=_speeds(model, day, hours), **tokens, **pieces)


def _speeds(model: ModelInfo, day: datetime.date | None, common: list[ModelPrice]) -> dict[str, SpeedPrice]:
    found = {}
    for variant in model.price_variants or ():
        (key, value), *others = variant.when.items()
        if key in _SPEEDS and not others:
            hours = _hours(model, day, {key: value})
            if hours != common:
                found[value] = SpeedPrice(tiers=_price_tiers(hours), **_FREE | _tokens(hours, 0))
    return found


def _price_tiers(hours: Sequence[ModelPrice]) -> tuple[PriceTier, ...]:
    starts = sorted({tier.start for prices in hours for tier in _tiers(prices)})
    return tuple(PriceTier(above=start, **_FREE | _tokens(hours, start + 1)) for start in starts)


def _tiers(prices: ModelPrice) -> Iterator[Any]:
    for value in prices.__dict__.values():
        if isinstance(value, TieredPrices):
            yield from value.tiers


def _tokens(hours: Sequence[ModelPrice], input_tokens: int) -> dict[str, Any]:
    """The dearest prices of the day for a request of that length."""
    found = {}
    for name, fields in _TOKENS.items():
        known = [value for prices in hours if (value := _first(prices, fields, input_tokens)) is not None]
        if known:
            found[name] = _nano(max(known))
    return found


def _first(prices: ModelPrice, fields: Iterable[str], input_tokens: int) -> Decimal | None:
    for field in fields:
        value = getattr(prices, field, None)
        if isinstance(value, TieredPrices):
            passed = [tier.price for tier in value.tiers if input_tokens > tier.start]
            return Decimal(passed[-1] if passed else value.base)
        if value is not None:
            return Decimal(value)
    return None


def _pieces(hours: Sequence[ModelPrice], fields: Iterable[tuple[str, str, Decimal]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for variant, field, factor in fields:
        known = [value for prices in hours if (value := _first(prices, (field,), 0)) is not None]
        if known and variant not in found:
            found[variant] = _nano(max(known) * factor)
    return found


def _context(model: ModelInfo) -> int:
    """Tokens that fit in. What is priced for longer prompts than are said to fit takes longer ones after all."""
    prices = [model.prices] if isinstance(model.prices, ModelPrice) else [entry.prices for entry in model.prices]
    longest = max((tier.start for one in prices for tier in _tiers(one)), default=0)
    context = model.context_window or 0
    return context if context > longest else 0


def _names(match: Any) -> tuple[set[str], set[str]]:
    """Exact names, and beginnings; what may stand anywhere in a name is only looked for at its beginning."""
    clauses = match.or_ if isinstance(match, ClauseOr) else [match]
    equals = {clause.equals for clause in clauses if isinstance(clause, ClauseEquals)}
    equals |= {clause.ends_with for clause in clauses if isinstance(clause, ClauseEndsWith)}
    begins = {clause.starts_with for clause in clauses if isinstance(clause, ClauseStartsWith)}
    begins |= {clause.contains for clause in clauses if isinstance(clause, ClauseContains)}
    return equals, begins


def _nano(usd: Decimal) -> int:
    """USD per million as nano-USD per million, rounded up."""
    return math.ceil(usd * _NANO_PER_USD)


if __name__ == "__main__":
    sys.exit(main())
