"""The catalogue follows lists and prices, hears of changes or looks by itself, and keeps prices that the store lost."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from fastgw.app import shelf as shelf_module
from fastgw.app.shelf import Shelf
from fastgw.providers import VENDORS
from fastgw.settings import load
from fastgw.settings.prices import Price
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.models import ModelBoard
from fastgw.storage.valkey.prices import PriceBoard
from tests.fakes.gateway import provider_toml

NAME = "fake/fake-1"


class Lists:
    listed: Mapping[str, Sequence[str]] = {}

    async def read_all(self) -> Mapping[str, Sequence[str]]:
        return self.listed

    async def changes(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""


class Prices:
    """A board whose messages never arrive."""

    prices: Mapping[str, Price] | None = None
    away = False

    async def read_all(self) -> Mapping[str, Price] | None:
        if self.away:
            raise OSError("away")
        return self.prices

    async def changes(self) -> AsyncIterator[str]:
        if self.away:
            raise OSError("away")
        await asyncio.Event().wait()
        yield ""


def shelf_of(folder: Path, lists: Lists | ModelBoard, prices: Prices | PriceBoard) -> Shelf:
    config = folder / "gateway.toml"
    config.write_text(provider_toml("fake", "http://127.0.0.1:1/v1"))
    environ = {"FASTGW_DATA_DIR": str(folder), "FASTGW_REDIS_URL": "redis://127.0.0.1:1"}
    return Shelf(load(environ, config, VENDORS), lists, prices)


def input_price(shelf: Shelf, name: str = NAME) -> int | None:
    info = shelf.current.model(name)
    assert info is not None
    return None if info.price is None else info.price.input


async def test_lists_and_prices_make_one_catalogue(tmp_path: Path) -> None:
    lists, prices = Lists(), Prices()
    shelf = shelf_of(tmp_path, lists, prices)
    assert input_price(shelf) is None and shelf.current.model("fake/listed") is None
    prices.prices = {NAME: Price(input=5), "fake/listed": Price(input=6)}
    await shelf.refresh_prices()
    lists.listed = {"fake": ("listed",)}
    await shelf.refresh_lists()
    assert (input_price(shelf), input_price(shelf, "fake/listed")) == (5, 6)
    same = shelf.current
    await shelf.refresh_lists()
    await shelf.refresh_prices()
    assert shelf.current is same, "nothing has changed, so routes stay remembered"


async def test_prices_that_the_store_has_lost_go_on_and_those_taken_back_do_not(tmp_path: Path) -> None:
    prices = Prices()
    shelf = shelf_of(tmp_path, Lists(), prices)
    prices.prices = {NAME: Price(input=5)}
    await shelf.refresh_prices()
    prices.prices = None
    await shelf.refresh_prices()
    assert input_price(shelf) == 5
    prices.prices = {}
    await shelf.refresh_prices()
    assert input_price(shelf) is None


async def test_a_lost_message_and_a_store_that_is_away_delay_a_price_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_module, "PRICES_POLL_S", 0.02)
    monkeypatch.setattr(shelf_module, "BOARD_RETRY_S", 0.02)
    prices = Prices()
    prices.away = True
    shelf = shelf_of(tmp_path, Lists(), prices)
    following = asyncio.ensure_future(shelf.follow())
    await asyncio.sleep(0.05)
    assert not following.done()
    prices.prices, prices.away = {NAME: Price(input=5)}, False
    async with asyncio.timeout(30):
        while input_price(shelf) != 5:
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.wait({following})


async def test_it_hears_of_changes_over_a_real_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "PRICES_POLL_S", 3_600)
    monkeypatch.setattr(shelf_module, "LISTS_POLL_S", 3_600)
    server = embedded.start(tmp_path)
    lists, prices = ModelBoard(server.url), PriceBoard(server.url)
    shelf = shelf_of(tmp_path, lists, prices)
    following = asyncio.ensure_future(shelf.follow())
    async with asyncio.timeout(60):
        for turn in range(1, 1_000):
            await prices.publish(turn, {NAME: Price(input=turn)})
            await lists.publish("fake", [f"m{turn}"])
            await asyncio.sleep(0.02)
            # The first look may have seen some; what comes later can only have been heard of.
            if (input_price(shelf) or 0) > 5 and any(info.id > "fake/m5" for info in shelf.current.models()):
                break
        else:
            pytest.fail("no change was heard of")
    following.cancel()
    await asyncio.wait({following})
    await lists.aclose()
    await prices.aclose()
    server.stop()
