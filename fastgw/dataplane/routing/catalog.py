"""Which models exist, and every way to reach each: an immutable snapshot, replaced as a whole when something changes.

Names: an alias of the configuration, `provider/model`, or the provider's own name alone, which means every provider
that has it, in configured order. A provider's name of a model may itself hold `/` and `:`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from fastgw.exchange import Candidate
from fastgw.money.book import Book, ModelFacts, shipped
from fastgw.money.pricing import Pricing
from fastgw.money.tariffs import price_at, pricing_of
from fastgw.providers import VENDORS, Vendor
from fastgw.providers.vendor import split_url
from fastgw.settings.prices import DatedPrice, Price
from fastgw.settings.values import ProviderSettings, Settings

MEMO_MAX = 8_192
"""Routes that are remembered; names beyond it are worked out anew each time."""
MODEL_NAME_MAX = 256
"""Longer names are unknown without a look."""
_UNKNOWN = ModelFacts()
_TRANSLATED = ("chat", "responses", "messages", "gemini", "converse")
"""Dialects that questions can be translated into; legacy completions only take what is asked in them."""


class ModelInfo(msgspec.Struct, frozen=True, gc=False):
    """One model as lists show it."""

    id: str
    """`provider/model`, or an alias of the configuration."""
    provider: str
    """Name of the provider; of an alias: of its first target."""
    owned_by: str
    created: int = 0
    """Unix seconds, 0 when nobody says."""
    context_length: int = 0
    """Tokens that fit in, 0 when unknown."""
    max_output: int = 0
    """Tokens that may come out, 0 when unknown."""
    price: DatedPrice | None = None
    """What a caller pays under this name, without margin; None when unknown."""


class Lane(msgspec.Struct, frozen=True):
    """One provider as routing sees it: what it has, and how it is reached."""

    provider: ProviderSettings
    vendor: Vendor
    models: frozenset[str]
    origin: str
    base_path: str
    book: Book

    def __repr__(self) -> str:
        return f"Lane(provider={self.provider.name!r}, models={len(self.models)})"

    def has(self, model: str) -> bool:
        """Whether the provider has a model of that name."""
        return model in self.models or (self.vendor.variants and model.partition(":")[0] in self.models)

    def candidates(self, model: str, dialect: str, written: Pricing | None = None) -> tuple[Candidate, ...]:
        """One candidate per credential, in configured order, asked in `dialect` if possible, else in its own first.

        `written` is what the operator says of its price; else the shipped book counts.
        """
        provider, vendor = self.provider, self.vendor
        spoken = vendor.spoken(model, provider.speaks)
        if dialect not in spoken:
            dialect = next((name for name in spoken if name in _TRANSLATED), "")
        if not dialect:
            return ()
        endpoint = spoken[dialect]
        path, path_stream = endpoint.paths(self.base_path, model, provider.api_version)
        facts = self.book.find(model) or _UNKNOWN
        pricing = written or (pricing_of(facts.price) if facts.price is not None else None)
        return tuple(
            Candidate(
                provider=provider.name,
                model=model,
                public_model=f"{provider.name}/{model}",
                credential=label,
                origin=self.origin,
                path=path,
                headers=_head(vendor, provider, secret, dialect),
                dialect=dialect,
                path_stream=path_stream if path_stream != path else b"",
                count_path=endpoint.count_path(self.base_path, model, provider.api_version),
                target=vendor.target(model, dialect, provider.abilities),
                signer=f"{provider.name}/{label}" if vendor.signs(secret) else "",
                http_version=provider.http_version,
                tls=_tls_name(provider),
                proxy=provider.proxy,
                pricing=pricing,
                context_length=facts.context_length,
                max_output=facts.max_output,
                drain_ms=provider.drain_on_disconnect_s * 1_000,
            )
            for label, secret in [(one.label, one.secret) for one in provider.credentials] or [("", "")]
        )


class Catalog:
    """Every model and alias, and how to reach it. Build it with `Catalog.build`; safe to share between tasks."""

    def __init__(self, lanes: tuple[Lane, ...], aliases: Mapping[str, tuple[str, ...]], prices: Mapping[str, Price]):
        self._lanes = {lane.provider.name: lane for lane in lanes}
        self._aliases = dict(aliases)
        self._prices = dict(prices)
        self._written = {name: pricing_of(price) for name, price in prices.items()}
        self._takes_any = tuple(lane for lane in lanes if lane.provider.any_model)
        self._memo: dict[tuple[str, str], tuple[Candidate, ...]] = {}

    @classmethod
    def build(
        cls,
        settings: Settings,
        listed: Mapping[str, Sequence[str]],
        overrides: Mapping[str, Price] | None = None,
    ) -> "Catalog":
        """A snapshot from the configuration and what providers listed (by the provider's name; absent means unknown).

        `overrides` are the admin API's prices, by the names that the configuration uses; the configuration's win.
        Providers that answer no questions, and a sandbox without a base URL, have no lane.
        """
        lanes = (_lane(provider, listed.get(provider.name, ())) for provider in settings.providers)
        aliases = {model.name: model.targets for model in settings.models}
        prices = {**(overrides or {}), **settings.prices}
        return cls(tuple(lane for lane in lanes if lane is not None), aliases, prices)

    def __repr__(self) -> str:
        return f"Catalog({', '.join(map(repr, self._lanes.values()))}, aliases={len(self._aliases)})"

    def resolve(self, model: str, dialect: str = "chat") -> tuple[Candidate, ...]:
        """Every way to serve `model` to a caller of `dialect`, most preferred first; empty when there is none.

        On the request path: a dict lookup for each name that was asked for before.
        """
        found = self._memo.get((dialect, model))
        if found is not None:
            return found
        if len(model) > MODEL_NAME_MAX:
            return ()
        each: dict[tuple[str, str], Candidate] = {}
        for one in self._search(model, dialect, frozenset()):
            each.setdefault((one.public_model, one.credential), one)
        found = tuple(each.values())
        if found and len(self._memo) < MEMO_MAX:
            self._memo[dialect, model] = found
        return found

    def pricing(self, asked_name: str, candidate: Candidate) -> Pricing | None:
        """What a caller pays who asked for `asked_name` and is served by `candidate`, None when nobody knows.

        That is the price written for the very name, if there is one, else what the provider takes.
        """
        return self._written.get(asked_name) or candidate.pricing

    def models(self, now_ms: int = 0) -> list[ModelInfo]:
        """All aliases, then all models by provider in configured order; each provider's sorted by name.

        Prices are those of `now_ms` (Unix milliseconds); of 0: the first that were known.
        """
        aliases = [info for name in self._aliases if (info := self.model(name, now_ms)) is not None]
        rest = [
            self._info(lane, name, f"{lane.provider.name}/{name}", now_ms)
            for lane in self._lanes.values()
            for name in sorted(lane.models)
        ]
        hidden = self._aliases.keys()
        return aliases + [info for info in rest if info.id not in hidden]

    def model(self, name: str, now_ms: int = 0) -> ModelInfo | None:
        """The one that `name` stands for, under that name; None when there is none. Bare names are found too."""
        candidates = self.resolve(name)
        if not candidates:
            return None
        first = candidates[0]
        return self._info(self._lanes[first.provider], first.model, name, now_ms)

    def _search(self, name: str, dialect: str, seen: frozenset[str]) -> Iterator[Candidate]:
        targets = self._aliases.get(name)
        if targets is not None and name not in seen:
            for target in targets:
                yield from self._search(target, dialect, seen | {name})
            return
        provider, slash, model = name.partition("/")
        lane = self._lanes.get(provider) if slash else None
        if lane is not None and model and (lane.has(model) or lane.provider.any_model):
            yield from self._served(lane, model, dialect)
            return
        having = [lane for lane in self._lanes.values() if lane.has(name)] or (self._takes_any if name else ())
        found = [self._served(lane, name, dialect) for lane in having]
        # Nobody said which provider: one that speaks the caller's dialect goes first, because nothing is lost there.
        for candidates in sorted(found, key=lambda some: bool(some) and some[0].dialect != dialect):
            yield from candidates

    def _served(self, lane: Lane, model: str, dialect: str) -> tuple[Candidate, ...]:
        return lane.candidates(model, dialect, self._written.get(f"{lane.provider.name}/{model}"))

    def _info(self, lane: Lane, model: str, name: str, now_ms: int) -> ModelInfo:
        facts = lane.book.find(model) or _UNKNOWN
        price = self._prices.get(name) or self._prices.get(f"{lane.provider.name}/{model}") or facts.price
        return ModelInfo(
            id=name,
            provider=lane.provider.name,
            owned_by=lane.vendor.owned_by or lane.provider.name,
            context_length=facts.context_length,
            max_output=facts.max_output,
            price=price_at(price, now_ms) if price is not None else None,
        )


def allowed(patterns: Iterable[str], public_model: str, asked_name: str) -> bool:
    """Whether a key with these patterns may use a model. No pattern allows all.

    A pattern is compared with the name that was asked for, with `provider/model`, and with the provider's own name of
    the model; `*` at its end stands for any rest.
    """
    names = (public_model, asked_name, public_model.partition("/")[2])
    empty = True
    for pattern in patterns:
        empty = False
        if pattern.endswith("*"):
            if any(name.startswith(pattern[:-1]) for name in names):
                return True
        elif pattern in names:
            return True
    return empty


def _lane(provider: ProviderSettings, listed: Sequence[str]) -> Lane | None:
    vendor = VENDORS[provider.vendor]
    if not (vendor.endpoints or provider.speaks) or not provider.base_url:
        return None
    origin, base_path = split_url(provider.base_url)
    book = shipped(vendor.price_book)
    names = {name.removeprefix(vendor.model_prefix) for name in listed}
    return Lane(
        provider=provider,
        vendor=vendor,
        models=frozenset(names.union(provider.models, vendor.models, book.current)),
        origin=origin,
        base_path=base_path,
        book=book,
    )


def _head(vendor: Vendor, provider: ProviderSettings, secret: str, dialect: str) -> tuple[tuple[bytes, bytes], ...]:
    """Credential and fixed headers; one that the operator sets replaces the vendor's of that name."""
    head = dict(vendor.request_headers(secret, dialect))
    head.update((name.lower().encode("ascii"), value.encode("ascii")) for name, value in provider.headers.items())
    return tuple(head.items())


def _tls_name(provider: ProviderSettings) -> str:
    """Providers with TLS settings of their own are known to the transport by their name."""
    tls = provider.tls
    return provider.name if tls.ca_file or tls.client_cert or not tls.verify else ""
