"""Checks of the settings of money: amounts, margins, days of prices, what payment providers need."""

import ipaddress
from collections.abc import Iterable
from decimal import Decimal

from fastgw.settings.crosscheck import check_url
from fastgw.settings.decode import Report
from fastgw.settings.mistakes import Path, did_you_mean
from fastgw.settings.money import ENDPOINTS, GroupSettings, PaymentLimits
from fastgw.settings.prices import DatedPrice, Price
from fastgw.settings.values import Settings

ADMIN_TOKEN_CHARS_MIN = 16
MARGIN_MAX = 1_000
USD_MAX = 9_000_000
"""The largest amount that the gateway keeps is a little more (2^53 - 1 nano-USD)."""
RATE_MAX = 1_000_000


def check_money(settings: Settings, report: Report) -> None:
    """Reports everything that the types of `money` and `prices` cannot say."""
    for name, price in settings.prices.items():
        _price(price, ("prices", name), report)
    for name, group in settings.groups.items():
        _group(group, ("groups", name), report)
    _usd(settings.money.allowance_usd, ("money", "allowance_usd"), report)
    for name in ("stripe", "nowpayments", "yookassa"):
        _payments(getattr(settings.payments, name), ("payments", name), report)
    _required(settings, report)
    for currency, rate in settings.payments.rates.items():
        path: Path = ("payments", "rates", currency)
        _currency(currency, path, report)
        if not rate.is_finite() or not 0 < rate <= RATE_MAX:
            report(path, "Is no rate.", "Write how many USD one unit is worth, like 0.0125.")
    token = settings.admin_token
    if token and not (len(token) >= ADMIN_TOKEN_CHARS_MIN and token.isascii() and token.isprintable()):
        report(
            ("admin_token",), "Is no safe token.", f"Use {ADMIN_TOKEN_CHARS_MIN} or more printable ASCII characters."
        )


def doubt_money(settings: Settings, report: Report) -> None:
    """Reports what may be meant, but most likely is not."""
    providers = {provider.name for provider in settings.providers}
    aliases = {model.name for model in settings.models}
    for name in settings.prices.keys() - aliases:
        provider, slash, model = name.partition("/")
        if not slash:
            message, remedy = "Is neither provider/model nor an alias", did_you_mean(name, aliases)
        elif provider not in providers:
            message, remedy = f"There is no provider {provider}", did_you_mean(provider, providers)
        elif not model:
            message, remedy = "Names no model", ""
        else:
            continue
        counts = "this price counts only for callers that ask for that very name"
        report(("prices", name), f"{message}: {counts}.", remedy if "Did" in remedy else "Write provider/model.")


def _price(price: Price, path: Path, report: Report) -> None:
    entries: list[tuple[Path, DatedPrice]] = [(path, price)]
    entries += [((*path, "changes", index), entry) for index, entry in enumerate(price.changes)]
    days = set()
    for index, (place, entry) in enumerate(entries):
        if index and entry.from_ is None:
            report(place, "Does not say from when.", "Add from = 2026-12-01.")
        elif entry.from_ in days:
            report((*place, "from"), "Is the day of another entry too.", "Give each entry its own day.")
        days.add(entry.from_)
        _no_twins([tier.above for tier in entry.tiers], (*place, "tiers"), report)
        for speed, prices in entry.speeds.items():
            _no_twins([tier.above for tier in prices.tiers], (*place, "speeds", speed, "tiers"), report)


def _no_twins(lengths: Iterable[int], path: Path, report: Report) -> None:
    seen: set[int] = set()
    for index, above in enumerate(lengths):
        if above in seen:
            report((*path, index, "above"), "Is the bound of another tier too.", "Give each tier its own.")
        seen.add(above)


def _group(group: GroupSettings, path: Path, report: Report) -> None:
    margin = group.margin
    if not margin.is_finite() or not 0 <= margin <= MARGIN_MAX or margin * 10**6 % 1:
        report((*path, "margin"), "Is no margin.", f"Write a factor from 0 to {MARGIN_MAX} of at most six decimals.")
    for index, endpoint in enumerate(group.endpoints):
        if endpoint not in ENDPOINTS:
            report((*path, "endpoints", index), f"There is no {endpoint!r}.", did_you_mean(endpoint, ENDPOINTS))


def _payments(provider: PaymentLimits, path: Path, report: Report) -> None:
    _usd(provider.min_usd, (*path, "min_usd"), report)
    _usd(provider.max_usd, (*path, "max_usd"), report)
    if provider.min_usd.is_finite() and provider.max_usd.is_finite() and provider.min_usd > provider.max_usd:
        report((*path, "min_usd"), "Is more than max_usd.", "Make it less.")
    for field in provider.__struct_fields__:
        url = getattr(provider, field)
        if field.endswith("_url") and url:
            check_url(url, {"https", "http"}, (*path, field), report, query=field != "base_url")


def _currency(currency: str, path: Path, report: Report) -> None:
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        report(path, "Is no currency.", "Write its three letters, like RUB.")


def _required(settings: Settings, report: Report) -> None:
    """What one setting of a payment provider needs besides."""
    stripe, coins, cards = settings.payments.stripe, settings.payments.nowpayments, settings.payments.yookassa
    for path, given, missing in (
        (
            ("stripe", "secret_key"),
            stripe.secret_key,
            (("webhook_secret", stripe.webhook_secret), ("success_url", stripe.success_url)),
        ),
        (("nowpayments", "api_key"), coins.api_key, (("ipn_secret", coins.ipn_secret),)),
        (("yookassa", "secret_key"), cards.secret_key, (("shop_id", cards.shop_id), ("return_url", cards.return_url))),
    ):
        for name, value in missing:
            if given and not value:
                report(("payments", *path), f"{name} is missing.", f"Set {name} of {path[0]} too.")
    for name, given, currency in (
        ("stripe", stripe.secret_key, stripe.currency),
        ("nowpayments", coins.api_key, coins.currency),
        ("yookassa", cards.secret_key, cards.currency),
    ):
        place: Path = ("payments", name, "currency")
        _currency(currency, place, report)
        if given and currency != "USD" and currency not in settings.payments.rates:
            report(place, f"{currency} has no rate.", f"Write how many USD one {currency} is worth in payments.rates.")
    for index, network in enumerate(cards.notice_ips):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            report(("payments", "yookassa", "notice_ips", index), "Is no network.", "Write one like 185.71.76.0/27.")


def _usd(amount: Decimal, path: Path, report: Report) -> None:
    if not amount.is_finite() or not 0 <= amount <= USD_MAX or amount * 10**9 % 1:
        report(path, "Is no amount of USD.", f"Write one from 0 to {USD_MAX}, of at most nine decimals.")
