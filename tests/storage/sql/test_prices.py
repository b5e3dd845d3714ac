"""Prices of the admin API in SQL: each change counts, and what cannot be read harms no other."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, insert

from fastgw.settings.prices import DatedPrice, Price
from fastgw.storage.sql.prices import PriceOverrides
from fastgw.storage.sql.tables import PRICE_OVERRIDES

CHEAP = Price(input=1_000_000_000, output=2_000_000_000)
RICH = Price(input=7, cache_read=0, image={"default": 10**15}, changes=(DatedPrice(input=9),))


def test_prices_are_set_replaced_and_forgotten(engine: Engine) -> None:
    prices = PriceOverrides(engine)
    assert (prices.version(), prices.all(), prices.count()) == (0, {}, 0)
    prices.put("fake/fake-1", CHEAP, 1)
    prices.put("alias", RICH, 2)
    prices.put("fake/fake-1", RICH, 3)
    assert (prices.version(), prices.count()) == (3, 2)
    assert prices.all() == {"alias": RICH, "fake/fake-1": RICH}
    assert prices.delete("alias")
    assert prices.version() == 4
    assert not prices.delete("alias")
    assert (prices.version(), prices.all()) == (4, {"fake/fake-1": RICH})


def test_a_price_of_a_later_version_is_left_out(engine: Engine) -> None:
    PriceOverrides(engine).put("good", CHEAP, 1)
    with engine.begin() as connection:
        connection.execute(insert(PRICE_OVERRIDES), {"model": "odd", "tariffs": '{"input":"?"}', "changed_at_ms": 1})
    assert PriceOverrides(engine).all() == {"good": CHEAP}


def test_two_who_set_a_new_price_at_once_both_succeed(engine: Engine) -> None:
    prices = PriceOverrides(engine)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda turn: prices.put("fake/new", CHEAP, turn), range(12)))
    assert (prices.version(), prices.count()) == (12, 1)
