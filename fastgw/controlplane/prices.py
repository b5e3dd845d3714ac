"""Prices over the admin API: what the configuration says is read only, and all else may be set.

A price is written as in the configuration: integers of nano-USD per million units, `{"input": 150000000, …}`.
"""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from fastgw.clock import wall_ms
from fastgw.controlplane.answering import Answer, Refused, Request, told
from fastgw.controlplane.ports import Clerk
from fastgw.settings.crosscheck_money import check_money
from fastgw.settings.decode import MISSING, clean
from fastgw.settings.mistakes import Path
from fastgw.settings.prices import Price
from fastgw.settings.values import Settings

PRICES_MAX = 5_000
"""Set by the admin API; all of them are in every worker."""
MODEL_LENGTH_MAX = 256

_log = logging.getLogger("fastgw.control")


class Prices:
    """The endpoints of prices."""

    def __init__(self, settings: Settings, clerk: Clerk) -> None:
        self._settings = settings
        self._clerk = clerk

    async def listed(self, request: Request) -> Answer:
        """`GET /api/admin/prices`: `{"data": [{"model", "source", "price"}]}`; not those of the shipped book."""
        overrides = await self._clerk.run(lambda books: books.prices.all())
        shown = [_shown(model, "configuration", price) for model, price in sorted(self._settings.prices.items())]
        shown += [
            _shown(model, "admin", price) for model, price in overrides.items() if model not in self._settings.prices
        ]
        return told({"data": shown})

    async def shown(self, request: Request) -> Answer:
        """`GET /api/admin/prices/{model}`. 404 for one that only the shipped book has, or none."""
        model = request.part("model")
        price = self._settings.prices.get(model)
        if price is not None:
            return told(_shown(model, "configuration", price))
        overrides = await self._clerk.run(lambda books: books.prices.all())
        if model not in overrides:
            raise _unset(model)
        return told(_shown(model, "admin", overrides[model]))

    async def put(self, request: Request) -> Answer:
        """`PUT /api/admin/prices/{model}` with a price; it holds for requests that are admitted a moment later."""
        model = self._own(request.part("model"))
        price = self._price(model, await request.json(dict[str, Any]))

        def put(overrides: Mapping[str, Price]) -> bool:
            return model in overrides or len(overrides) < PRICES_MAX

        room = await self._clerk.run(lambda books: put(books.prices.all()))
        if not room:
            raise Refused(409, "too_many_prices", f"There are {PRICES_MAX} prices already. Delete some.")
        now_ms = wall_ms()
        await self._clerk.run(lambda books: books.prices.put(model, price, now_ms))
        _log.info("admin API: a price of %s is set", model)
        return told(_shown(model, "admin", price))

    async def delete(self, request: Request) -> Answer:
        """`DELETE /api/admin/prices/{model}`: from then on the shipped book's price holds, if there is one."""
        model = self._own(request.part("model"))
        if not await self._clerk.run(lambda books: books.prices.delete(model)):
            raise _unset(model)
        _log.info("admin API: the price of %s is taken back", model)
        return told({"model": model, "deleted": True})

    def _own(self, model: str) -> str:
        """The name, if the admin API may price it. Raises `Refused`."""
        if model in self._settings.prices:
            raise Refused(
                409, "price_in_configuration", f"The price of {model} is in the configuration: change it there."
            )
        provider, slash, rest = model.partition("/")
        known = slash and rest and any(provider == one.name for one in self._settings.providers)
        if len(model) > MODEL_LENGTH_MAX or not model.isprintable():
            raise Refused(
                400, "invalid_request", f"A model's name has at most {MODEL_LENGTH_MAX} printable characters."
            )
        if not known and all(model != one.name for one in self._settings.models):
            raise Refused(
                404, "model_not_found", "Name it as provider/model of a configured provider, or by its alias."
            )
        return model

    def _price(self, model: str, data: dict[str, Any]) -> Price:
        """The price that a body says, checked as the configuration's are. Raises `Refused`."""
        mistakes: list[str] = []

        def report(path: Path, message: str, remedy: str) -> None:
            if path[:1] == ("prices",):
                field = ".".join(str(part) for part in path[2:])
                mistakes.append(" ".join(part for part in (f"{field}:" if field else "", message, remedy) if part))

        cleaned = clean(data, Price, ("prices", model), report)
        if cleaned is not MISSING and not mistakes:
            price = msgspec.convert(cleaned, Price)
            check_money(msgspec.structs.replace(self._settings, prices={model: price}), report)
            if not mistakes:
                return price
        raise Refused(400, "invalid_price", " ".join(mistakes)[:2_000] or "This is no price.")


def _shown(model: str, source: str, price: Price) -> dict[str, Any]:
    return {"model": model, "source": source, "price": price}


def _unset(model: str) -> Refused:
    return Refused(404, "price_not_found", f"The admin API has set no price for {model[:MODEL_LENGTH_MAX]}.")
