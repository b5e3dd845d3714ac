"""The control plane of a worker: made when the first request for it comes, and kept off the event loop.

A worker that only relays loads no database library: that would be 20 MB and a third of a second of each. What asks the
database runs in two threads with a bounded queue, so that a database that is slow or away costs its own callers an
error, and no model call anything.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from redis.exceptions import RedisError

from fastgw import clock
from fastgw.errors import ErrorKind, GatewayError
from fastgw.settings import Settings
from fastgw.spending import KeySpending

if TYPE_CHECKING:
    from fastgw.app.services import Services
    from fastgw.storage.valkey.purse_board import PurseBoard

_log = logging.getLogger("fastgw.control")

THREADS = 2
WAITING_MAX = 64
"""Calls that run or wait; beyond it, 503."""
TIMEOUT_S = 10.0
"""How long a caller waits. What runs goes on, and counts until it has ended."""

T = TypeVar("T")


class Control:
    """Runs work of the control plane; every method belongs to one event loop."""

    def __init__(self, settings: Settings, *, waiting_max: int = WAITING_MAX, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._waiting_max = waiting_max
        self._timeout_s = timeout_s
        self._threads: ThreadPoolExecutor | None = None
        self._services: Services | None = None
        self._making = threading.Lock()
        self._board: PurseBoard | None = None
        self.waiting = 0
        """Calls that run or wait."""

    async def run(self, work: "Callable[[Services], T]", *, timeout_s: float = 0) -> T:
        """The result of `work` in a thread, waited for at most `timeout_s` (0: as long as usual).

        Raises `GatewayError`, 503 when it cannot be had in time, or what it raises that is no failure of the database.
        """
        if self.waiting >= self._waiting_max:
            raise _busy()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="control")
        self.waiting += 1
        job = asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)
        job.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(timeout_s or self._timeout_s):
                # Shielded: a cancelled future of a thread that runs on would say that it had ended.
                return await asyncio.shield(job)
        except TimeoutError as error:
            if job.done() and job.exception() is error:
                raise
            raise _busy() from error

    async def spending(self, key_id: str, account_id: str, first_day: int, last_day: int) -> KeySpending:
        """What a key has spent. Raises `GatewayError`."""
        return await self.run(
            lambda services: services.spending.read(
                key_id, account_id, now_ms=clock.wall_ms(), first_day=first_day, last_day=last_day
            )
        )

    async def moved(self, account_id: str) -> None:
        """Let workers know soon that the balance of an account has changed. The keeper finds it anyway."""
        if self._board is None:
            # With the first change only: most workers never make one.
            from fastgw.storage.valkey.purse_board import PurseBoard  # noqa: PLC0415

            self._board = PurseBoard(self._settings.stores.redis_url)
        try:
            await self._board.want([account_id])
        except (RedisError, OSError) as error:
            _log.debug("nobody is told that the balance of %s has changed: %s", account_id, error)

    async def aclose(self) -> None:
        """Disconnect. What still runs is not waited for beyond the time that its callers have."""
        if self._board is not None:
            await self._board.aclose()
        threads, self._threads = self._threads, None
        if threads is None:
            return
        threads.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                while self.waiting:  # noqa: ASYNC110 - at the very end, and usually nothing runs
                    await asyncio.sleep(0.01)
        if self._services is not None:
            self._services.close()

    def _work(self, work: "Callable[[Services], T]") -> T:
        with self._making:
            if self._services is None:
                # Here, and not at the top: see above.
                from fastgw.app.services import Services  # noqa: PLC0415

                self._services = Services.open(self._settings)
        services = self._services
        with services.explained():
            return work(services)

    def _ended(self, job: "asyncio.Future[T]") -> None:
        self.waiting -= 1
        if not job.cancelled():
            # A caller that has given up reads it no more, and the loop would complain of an error that nobody saw.
            job.exception()


def _busy() -> GatewayError:
    return GatewayError(
        ErrorKind.OVERLOADED, "The gateway cannot look into its books right now. Try again.", retry_after_s=1
    )
