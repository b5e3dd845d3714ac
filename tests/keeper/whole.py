"""A whole keeper with real stores, within the test's process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Engine

from fastgw.app.counted import CountedKeys, CountedPrices, CountedPurses
from fastgw.keeper import run
from fastgw.storage.journal import Journals
from fastgw.storage.sql.counters import Counters
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.prices import PriceOverrides
from fastgw.storage.sql.purses import PurseSource
from fastgw.storage.valkey.embedded import Embedded
from fastgw.storage.valkey.keys import KeyMirror
from fastgw.storage.valkey.models import ModelBoard
from fastgw.storage.valkey.prices import PriceBoard
from fastgw.storage.valkey.purse_board import PurseBoard

DEADLINE_S = 30


async def keep(folder: Path, engine: Engine, store: str, *, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Run a keeper without providers until `stop` is set."""
    mirror, board = KeyMirror(store), ModelBoard(store)
    purse_board, price_board = PurseBoard(store), PriceBoard(store)
    counters = Counters(engine)
    try:
        await run(
            journals=Journals(folder),
            ledger=UsageLedger(engine),
            purses=CountedPurses(PurseSource(engine), counters),
            purse_board=purse_board,
            keys=CountedKeys(Keys(engine), counters),
            mirror=mirror,
            prices=CountedPrices(PriceOverrides(engine), counters),
            price_board=price_board,
            board=board,
            providers=(),
            vendors={},
            models_refresh_s=300,
            forget=list,
            check=list,
            stop=stop,
            ready=ready,
        )
    finally:
        for one in (mirror, board, purse_board, price_board):
            await one.aclose()


@asynccontextmanager
async def keeping(folder: Path, engine: Engine, valkey: Embedded) -> AsyncIterator[KeyMirror]:
    """A keeper that runs within; the mirror is one of the caller's own."""
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(keep(folder, engine, valkey.url, stop=stop, ready=ready.set))
    mirror = KeyMirror(valkey.url)
    async with asyncio.timeout(DEADLINE_S):
        await ready.wait()
    try:
        yield mirror
    finally:
        await mirror.aclose()
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await running
