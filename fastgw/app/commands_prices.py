"""What `fastgw prices show` prints: the price book as requests meet it."""

from fastgw import clock
from fastgw.app import commands, moments, output
from fastgw.app.command_stores import database
from fastgw.app.output import DONE
from fastgw.errors import StartupError
from fastgw.exchange import Candidate
from fastgw.money.book import shipped
from fastgw.money.pricing import Pricing
from fastgw.money.shown import lines, told
from fastgw.providers import VENDORS
from fastgw.settings import Settings
from fastgw.settings.prices import Price
from fastgw.storage.sql.prices import PriceOverrides

SOURCES = ("configuration", "admin", "book")
"""Where a price may come from, in the order in which they count: the TOML file, the admin API, the shipped book."""

_SOURCE_TITLES = {"configuration": "the configuration", "admin": "the admin API", "book": "the shipped book"}


def show_prices(settings: Settings, model: str, *, source: str, as_json: bool) -> int:
    """Print what a model costs at each provider that may serve it. Raises `StartupError` when there is none.

    `source` says where the settings are from.
    """
    with database(settings) as engine:
        overrides = PriceOverrides(engine).all()
    catalog = commands.catalog(settings, overrides)
    found: dict[str, tuple[Candidate, Pricing | None]] = {}
    for one in catalog.resolve(model):
        found.setdefault(one.public_model, (one, catalog.pricing(model, one)))
    if not found:
        raise StartupError(
            f"There is no model {model}. {_vendors_of(model)}`fastgw models` lists those that there are. {source}"
        )
    shown = [
        {
            "model": name,
            "priced": pricing is not None,
            "source": _source(settings, overrides, (model, name)) if pricing is not None else None,
            "tariffs": [] if pricing is None else [told(tariff) for tariff in pricing.tariffs],
        }
        for name, (_, pricing) in found.items()
    ]
    if as_json:
        output.result({"model": model, "prices": shown})
        return DONE
    alias = model if model in {one.name for one in settings.models} else ""
    for name, (_, pricing) in found.items():
        title = f"{alias} ({name})" if alias else name
        _say(title, alias or name, _SOURCE_TITLES[_source(settings, overrides, (model, name))], pricing)
    if not all(pricing for _, pricing in found.values()):
        output.line(source)
    return DONE


def _vendors_of(model: str) -> str:
    """A sentence on who has a model that no provider of the settings has; empty when nobody is known to."""
    named, slash, rest = model.partition("/")
    variables = [
        f"{vendor.env_prefix}_API_KEY"
        for vendor in VENDORS.values()
        if vendor.env_prefix and (shipped(vendor.price_book).find(model) or (slash and vendor.name == named and rest))
    ]
    return f"A provider that has it is turned on by {' or '.join(variables)}. " if variables else ""


def _source(settings: Settings, overrides: dict[str, Price], names: tuple[str, ...]) -> str:
    for source, prices in zip(SOURCES, (settings.prices, overrides), strict=False):
        if any(name in prices for name in names):
            return source
    return SOURCES[-1]


def _say(title: str, name: str, source: str, pricing: Pricing | None) -> None:
    if pricing is None:
        output.line(
            f"{title}: nobody knows its price. Prepaid accounts cannot use it until you write one:"
            f' [prices."{name}"], which may be 0.'
        )
        return
    now_ms = clock.wall_ms()
    output.line(f"{title}: USD per million, from {source}")
    holds = pricing.at(now_ms)
    if holds is None:
        output.line("  No price holds now: prepaid accounts cannot use it yet.")
    for tariff in pricing.tariffs:
        state = "now" if tariff is holds else "before" if tariff.from_ms <= now_ms else "later"
        since = moments.shown(tariff.from_ms // 1000) if tariff.from_ms else "always"
        output.line(f"  since {since} ({state})")
        for unit, price in lines(tariff):
            output.line(f"    {unit:<40}{price}")
