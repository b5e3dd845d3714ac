"""The keeper process: database and journals opened, the schema brought up to date, then `fastgw.keeper` at work.

It is the only process of `serve` that loads a database library, so it also does what a first start needs of one:
migrations, and the first API key.
"""

import asyncio
import logging
import signal

from redis.exceptions import RedisError
from sqlalchemy import Engine

from fastgw import apikey, clock
from fastgw.app import handover, logs
from fastgw.app.counted import CountedKeys, CountedPrices, CountedPurses
from fastgw.app.handover import Handover, Report
from fastgw.app.margins import WithMargins
from fastgw.errors import StartupError
from fastgw.keeper.prices import PriceMirroring
from fastgw.providers import VENDORS
from fastgw.settings import Settings
from fastgw.storage.journal import Journals
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.counters import Counters
from fastgw.storage.sql.engine import explained, open_engine, url_of
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.prices import PriceOverrides
from fastgw.storage.sql.purses import PurseSource
from fastgw.storage.sql.schema import migrate
from fastgw.storage.valkey.keys import KeyMirror
from fastgw.storage.valkey.models import ModelBoard
from fastgw.storage.valkey.prices import PriceBoard
from fastgw.storage.valkey.purse_board import PurseBoard

_log = logging.getLogger("fastgw.keeper")

JOURNAL_FOLDER = "journal"
"""Below the data folder; the workers of the same machine write there."""
STORE_WAIT_MS = 10_000
"""The store may be starting at the same time."""
STORE_RETRY_S = 0.02
FIRST_KEY_NAME = "first"
"""Name of the key that a first start mints."""


def main(settings: Settings, parent: Handover | None) -> int:
    """Run the keeper until SIGTERM or SIGINT. The result is its exit code: 0, or 1 when it could not start.

    Under `serve` it mints a key when there is none. By itself it leaves that to `fastgw keys create`.
    """
    logs.configure(settings.log_level, "keeper")
    try:
        url = url_of(settings.stores.database_url, settings.stores.data_dir)
        migrate(url)
        engine = open_engine(url)
        key = _prepare(engine, settings.key_prefix, mint=parent is not None)
        asyncio.run(_run(settings, parent, engine, key))
    except StartupError as error:
        handover.failed(parent, error)
        return 1
    return 0


def _prepare(engine: Engine, prefix: str, *, mint: bool) -> str:
    """The account that pays for keys that name none, and the first key if there is none; the key, else empty."""
    with explained(engine):
        keys, now_ms = Keys(engine), clock.wall_ms()
        account = Accounts(engine).default(now_ms)
        if not mint or keys.all():
            return ""
        key = apikey.mint(prefix)
        keys.create(key, name=FIRST_KEY_NAME, now_ms=now_ms, account_id=account.id)
        return key


async def _run(settings: Settings, parent: Handover | None, engine: Engine, key: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    handover.on_parent_gone(parent, stop.set)
    store = settings.stores.redis_url
    mirror, board = KeyMirror(store), ModelBoard(store)
    purse_board, price_board = PurseBoard(store), PriceBoard(store)
    try:
        counters = Counters(engine)
        keys = WithMargins(CountedKeys(Keys(engine), counters), settings)
        prices = CountedPrices(PriceOverrides(engine), counters)
        await _mirror_once(keys, mirror, PriceMirroring(prices, price_board))
        handover.report(parent, Report(key=key))
        # Loaded behind the report: nothing of it is needed for the first answer, and its HTTP client takes a while.
        from fastgw.keeper.run import run  # noqa: PLC0415
        from fastgw.storage.sql.check import check  # noqa: PLC0415

        ledger = UsageLedger(engine)
        await run(
            journals=Journals(settings.stores.data_dir / JOURNAL_FOLDER),
            ledger=ledger,
            purses=CountedPurses(PurseSource(engine), counters),
            purse_board=purse_board,
            keys=keys,
            mirror=mirror,
            prices=prices,
            price_board=price_board,
            board=board,
            providers=settings.providers,
            vendors=VENDORS,
            models_refresh_s=settings.models_refresh_s,
            forget=lambda: ledger.forget_lost(settings.money.machine_lost_s * 1_000),
            check=lambda: check(engine, now_ms=clock.wall_ms(), quick=True),
            stop=stop,
            ready=lambda: _log.debug("journals are drained"),
        )
    finally:
        for one in (mirror, board, purse_board, price_board):
            await one.aclose()
        engine.dispose()


async def _mirror_once(keys: WithMargins, mirror: KeyMirror, prices: PriceMirroring) -> None:
    """Mirror all keys, so that the first request with a key that was just shown finds it. The store may be starting."""
    deadline_ns = clock.monotonic_ns() + STORE_WAIT_MS * 1_000_000
    principals = await asyncio.to_thread(keys.principals)
    while True:
        try:
            # Before the keys: workers that know them serve, and charge by the prices that they find then.
            await prices.look()
            await mirror.sync(principals)
        except (RedisError, OSError) as error:
            if clock.monotonic_ns() > deadline_ns:
                raise StartupError(
                    f"The store (Valkey or Redis) does not answer: {str(error).rstrip('.')}. Start it, or see that"
                    " FASTGW_REDIS_URL is right."
                ) from error
            await asyncio.sleep(STORE_RETRY_S)
        else:
            return
