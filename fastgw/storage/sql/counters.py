"""The counters of the deployment (`meta`), for loops that look at about the same moment whether something has changed:
one read serves them all."""

import threading

from sqlalchemy import Engine, select

from fastgw import clock
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.tables import META

FRESH_NS = 200_000_000
"""How long what was read is told again."""


class Counters:
    """Reads them. Methods wait for the database, may be called from any thread, and raise
    `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine, *, fresh_ns: int = FRESH_NS) -> None:
        self._engine = engine
        self._fresh_ns = fresh_ns
        self._lock = threading.Lock()
        self._values: dict[str, int] = {}
        self._until_ns = 0

    def value(self, name: str) -> int:
        """A counter as it was at most `FRESH_NS` ago: never more than what is true, and never less than before."""
        with self._lock:
            now_ns = clock.monotonic_ns()
            if now_ns >= self._until_ns:
                with reading(self._engine) as connection:
                    self._values = {row.name: row.value for row in connection.execute(select(META))}
                self._until_ns = now_ns + self._fresh_ns
            return self._values[name]
