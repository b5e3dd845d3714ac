"""Prices that the admin API has set. Each change counts up a version, by which the keeper finds it."""

import logging

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from fastgw.settings.prices import Price
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.tables import META, PRICE_OVERRIDES, PRICES_VERSION

_log = logging.getLogger("fastgw.prices")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Price).decode


class PriceOverrides:
    """The table of prices. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def version(self) -> int:
        """Grows with every change of any price."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(META.c.value).where(META.c.name == PRICES_VERSION)).scalar_one())

    def all(self) -> dict[str, Price]:
        """Every price by its model, in the order of names. One that this version cannot read is logged and left out."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(PRICE_OVERRIDES).order_by(PRICE_OVERRIDES.c.model)).all()
        found: dict[str, Price] = {}
        for row in rows:
            try:
                found[row.model] = _decode(row.tariffs)
            except msgspec.DecodeError as error:
                _log.error("the price of %s in the database cannot be read by this version: %s", row.model, error)
        return found

    def count(self) -> int:
        """How many there are."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(PRICE_OVERRIDES)).scalar_one())

    def put(self, model: str, price: Price, now_ms: int) -> None:
        """Set the price of a model, in place of the one that it had."""
        values = {"tariffs": _encode(price).decode(), "changed_at_ms": now_ms}
        with self._engine.begin() as connection:
            # First, because it serialises writers: of two that set the same price, the second finds the first's row.
            _changed(connection)
            change = update(PRICE_OVERRIDES).where(PRICE_OVERRIDES.c.model == model).values(**values)
            if not connection.execute(change).rowcount:
                connection.execute(insert(PRICE_OVERRIDES), {"model": model, **values})

    def delete(self, model: str) -> bool:
        """Forget the price of a model; False when it had none."""
        with self._engine.begin() as connection:
            found = connection.execute(delete(PRICE_OVERRIDES).where(PRICE_OVERRIDES.c.model == model)).rowcount > 0
            if found:
                _changed(connection)
        return found


def _changed(connection: Connection) -> None:
    connection.execute(update(META).where(META.c.name == PRICES_VERSION).values(value=META.c.value + 1))
