"""What the control plane of a worker works with: the database's services over one engine. Slow to import."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from fastgw.errors import ErrorKind, GatewayError
from fastgw.settings import Settings
from fastgw.storage.sql.engine import open_engine, url_of
from fastgw.storage.sql.prices import PriceOverrides
from fastgw.storage.sql.report import UsageReport
from fastgw.storage.sql.spending import SpendingReader

_log = logging.getLogger("fastgw.control")


class Services:
    """All of them. Their methods wait for the database; `explained` says what becomes of its failures."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.spending = SpendingReader(engine)
        self.report = UsageReport(engine)
        self.prices = PriceOverrides(engine)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Services of the database that the settings name; it is connected to when it is first asked."""
        return cls(open_engine(url_of(settings.stores.database_url, settings.stores.data_dir)))

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn failures of the database inside into a 503 that names none of its details; those go to the log."""
        try:
            yield
        except SQLAlchemyError as error:
            _log.error("the database did not do what the control plane asked", exc_info=error)
            raise GatewayError(
                ErrorKind.OVERLOADED, "The gateway cannot look into its books right now. Try again.", retry_after_s=1
            ) from error

    def close(self) -> None:
        """Disconnect."""
        self._engine.dispose()
