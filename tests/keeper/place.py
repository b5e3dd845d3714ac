"""What a worker is to money, without all else: a journal, and a gate under the number of that journal."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace
from redis.asyncio import Redis
from sqlalchemy import Engine

from fastgw import clock
from fastgw.exchange import ACCOUNT_PURSE, Ask, Grant, Hold, Principal, Reason, worker_number
from fastgw.limits import Limits
from fastgw.storage.journal import JournalBounds, JournalWriter
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.valkey.gate import ValkeyGate
from tests.keeper.whole import DEADLINE_S
from tests.storage.journal.records import closed, opened

BOUNDS = JournalBounds(segment_bytes=64 * 1024, disk_free_bytes_min=0, sync_delay_ms=1)
ROOT = Path(__file__).parents[2]
KEY_ID = "key_0123456789abcdef"
_numbers = itertools.count()

_DYING = """
import asyncio, sys
from pathlib import Path
from tests.keeper.place import Worker
async def main(folder, store, account_id, amount, journaled):
    worker = await Worker.start(Path(folder), store)
    worker.journaled = journaled == "True"
    await worker.hold(account_id, int(amount))
    print("held", flush=True)
    await asyncio.sleep(600)
asyncio.run(main(*sys.argv[1:]))
"""


class Worker:
    """A journal and a gate."""

    def __init__(self, journal: JournalWriter, gate: ValkeyGate) -> None:
        self.journal = journal
        self.gate = gate
        self.journaled = True
        """False: it dies between its admissions and their first records."""

    @classmethod
    async def start(cls, folder: Path, store: str) -> "Worker":
        journal = JournalWriter.open(folder, "worker-0", BOUNDS)
        gate = ValkeyGate(store, deadline_ns=5_000_000_000)
        await gate.start(worker=worker_number(journal.stream.name))
        return cls(journal, gate)

    async def ask(self, account_id: str, amount: int) -> Grant | Reason:
        """One admission that holds `amount`; a purse that is being rebuilt is asked again."""
        principal = Principal(KEY_ID, "", 1, "n", Limits(), account_id=account_id, prepaid=True)
        exchange_id = f"ex_{next(_numbers)}_{self.journal.stream.name}"
        async with asyncio.timeout(DEADLINE_S):
            while True:
                verdict = await self.gate.admit(Ask(exchange_id, principal, "", Limits(), 0, 1, Hold(amount, amount)))
                if isinstance(verdict, Grant):
                    if self.journaled:
                        self._open(verdict)
                    return verdict
                if verdict.reason not in {Reason.REBUILDING, Reason.STORE_AWAY}:
                    return verdict.reason
                await asyncio.sleep(0.01)

    async def hold(self, account_id: str, amount: int) -> Grant:
        """The same, which the account can pay for."""
        verdict = await self.ask(account_id, amount)
        assert isinstance(verdict, Grant), verdict
        return verdict

    def charge(self, grant: Grant, amount: int) -> None:
        """The end of an exchange."""
        principal, exchange_id = grant.ask.principal, grant.ask.exchange_id
        self.journal.append(
            replace(
                closed(exchange_id, key_id=principal.key_id),
                account_id=principal.account_id,
                purses=grant.purses,
                hold_nano=grant.hold_nano,
                charge_nano=amount,
            )
        )
        self.gate.settle(grant, 0, amount)

    async def end(self) -> None:
        await self.gate.aclose()
        self.journal.close()

    def _open(self, grant: Grant) -> None:
        assert grant.purses == ACCOUNT_PURSE
        begun = replace(
            opened(grant.ask.exchange_id),
            key_id=KEY_ID,
            account_id=grant.ask.principal.account_id,
            purses=grant.purses,
            hold_nano=grant.hold_nano,
        )
        self.journal.append(begun)


class Place:
    """Where workers run, and the truth about their money."""

    def __init__(self, folder: Path, store: str, engine: Engine) -> None:
        self.folder = folder
        self.store = store
        self.accounts = Accounts(engine)
        self.workers: list[Worker] = []

    async def worker(self) -> Worker:
        started = await Worker.start(self.folder, self.store)
        self.workers.append(started)
        return started

    def account(self, balance: int) -> str:
        found = self.accounts.create(f"account {next(_numbers)}", prepaid=True, now_ms=clock.wall_ms()).id
        self.accounts.credit(found, balance, now_ms=clock.wall_ms())
        return found

    def balance(self, account_id: str) -> int:
        found = self.accounts.get(account_id)
        assert found is not None
        return found.balance_nano

    async def lose_store(self) -> None:
        redis = Redis.from_url(self.store)
        await redis.flushall()
        await redis.aclose()


@asynccontextmanager
async def dying(place: Place, account_id: str, amount: int, *, journaled: bool = True) -> AsyncIterator[None]:
    """A worker that holds `amount` within, and is killed at the end."""
    arguments = (str(place.folder), place.store, account_id, str(amount), str(journaled))
    process = subprocess.Popen([sys.executable, "-c", _DYING, *arguments], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert await asyncio.to_thread(process.stdout.readline) == b"held\n"
        yield
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        process.stdout.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():
            await asyncio.sleep(0.02)


async def drained(place: Place, account_id: str, balance: int) -> None:
    async def right() -> bool:
        return await asyncio.to_thread(place.balance, account_id) == balance

    await until(right)
