"""What the control plane of a worker works with: the database's services over one engine. Slow to import."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from fastgw import clock
from fastgw.controlplane.answering import Refused
from fastgw.errors import ErrorKind, GatewayError
from fastgw.settings import Settings
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.check import Finding, check
from fastgw.storage.sql.codes import CodeRefused, Codes
from fastgw.storage.sql.engine import open_engine, url_of
from fastgw.storage.sql.payments import PaymentStore
from fastgw.storage.sql.postings import LedgerError
from fastgw.storage.sql.prices import PriceOverrides
from fastgw.storage.sql.report import UsageReport
from fastgw.storage.sql.spending import SpendingReader

_log = logging.getLogger("fastgw.control")


class Services:
    """All of them; implements `controlplane.ports.Books`.

    Their methods wait for the database; `explained` says what becomes of their errors.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.spending = SpendingReader(engine)
        self.report = UsageReport(engine)
        self.prices = PriceOverrides(engine)
        self.accounts = Accounts(engine)
        self.codes = Codes(engine)
        self.payments = PaymentStore(engine)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Services of the database that the settings name; it is connected to when it is first asked."""
        url = url_of(settings.stores.database_url, settings.stores.data_dir)
        # A server has many workers and PostgreSQL few connections, and most workers are seldom asked.
        return cls(open_engine(url, kept=1))

    def check(self, *, quick: bool) -> Sequence[Finding]:
        """Check the ledger: all of it, or a bounded share."""
        return check(self._engine, now_ms=clock.wall_ms(), quick=quick)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn failures of the database inside into a 503 that names none of its details; those go to the log. What
        the ledger does not do is told as it is."""
        try:
            yield
        except LedgerError as error:
            raise Refused(409, "not_possible", str(error)) from error
        except CodeRefused as error:
            raise Refused(400, "invalid_code", str(error)) from error
        except SQLAlchemyError as error:
            _log.error("the database did not do what the control plane asked", exc_info=error)
            raise GatewayError(
                ErrorKind.OVERLOADED, "The gateway cannot look into its books right now. Try again.", retry_after_s=1
            ) from error

    def close(self) -> None:
        """Disconnect."""
        self._engine.dispose()
