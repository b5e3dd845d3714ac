"""The stores as the verbs of the command line use them: the database for the length of one verb, and the store of a
gateway that runs, which may be away: then the keeper finds out by itself."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from redis.exceptions import RedisError
from sqlalchemy import Engine

from fastgw.app.margins import Margins
from fastgw.errors import StartupError
from fastgw.exchange import Principal
from fastgw.settings import Settings
from fastgw.storage.sql.accounts import Account, Accounts
from fastgw.storage.sql.engine import DATABASE_FILE, explained, open_engine, url_of
from fastgw.storage.sql.postings import LedgerError
from fastgw.storage.sql.schema import migrate
from fastgw.storage.valkey.keys import KeyMirror
from fastgw.storage.valkey.purse_board import PurseBoard, Standing

_log = logging.getLogger("fastgw.cli")
_REMEDY = "Is it the data folder of the gateway? Name another with DATA_DIR=… or --data-dir."


class _Closing(Protocol):
    async def aclose(self) -> None: ...


_Store = TypeVar("_Store", bound=_Closing)
_Answer = TypeVar("_Answer")


@contextmanager
def database(settings: Settings) -> Iterator[Engine]:
    """The database with the current schema. Raises `StartupError`, also for what the ledger refuses inside.

    Where there was none, a new one is made, and told of: most likely another data folder was meant.
    """
    url = url_of(settings.stores.database_url, settings.stores.data_dir)
    made = ""
    if not settings.stores.database_url:
        if not (settings.stores.data_dir / DATABASE_FILE).exists():
            made = f"There was no database in {settings.stores.data_dir}; a new one is there now. {_REMEDY}"
        try:
            settings.stores.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartupError(
                f"The data folder {settings.stores.data_dir} cannot be made: {error.strerror}."
            ) from error
    migrate(url)
    engine = open_engine(url)
    try:
        with explained(engine):
            yield engine
    except (LedgerError, StartupError) as error:
        raise StartupError(f"{error} {made}".rstrip()) from error
    finally:
        engine.dispose()
    if made:
        sys.stderr.write(f"fastgw: {made}\n")


def account_of(engine: Engine, asked: str) -> Account:
    """The account with this id or name. Raises `StartupError` when there is none."""
    found = Accounts(engine).find(asked)
    if found is None:
        raise StartupError(f"There is no account {asked}. `fastgw accounts list` shows all of them.")
    return found


def ask(url: str, make: Callable[[str], _Store], work: Callable[[_Store], Awaitable[_Answer]]) -> _Answer | None:
    """What `work` gets from the store at `url`; None when there is none, or it does not answer."""

    async def asked() -> _Answer | None:
        store = make(url)
        try:
            return await work(store)
        except (RedisError, OSError) as error:
            _log.debug("the store does not answer: %s", error)
            return None
        finally:
            await store.aclose()

    return asyncio.run(asked()) if url else None


def tell_keys(settings: Settings, principals: Sequence[Principal]) -> None:
    """Put changed keys into the mirror. If it does not answer, the keeper finds the change by itself, within a second.

    So it does with keys of groups that these settings do not know: whoever runs this command without the gateway's
    configuration knows no margin of theirs. A key that is revoked has no need of one.
    """
    margins = Margins(settings)
    told = [principal for principal in principals if principal.disabled or margins.knows(principal.group)]

    async def put(mirror: KeyMirror) -> None:
        for principal in told:
            await mirror.put(margins.applied(principal))

    ask(settings.stores.redis_url, KeyMirror, put)


def tell_purses(settings: Settings, ids: Sequence[str]) -> None:
    """Have the keeper publish at once what the ledger knows of these accounts and keys.

    If the store is away, the keeper finds changed balances by itself, and has all records to make anew.
    """
    ask(settings.stores.redis_url, PurseBoard, lambda board: board.want(ids))


def standing(settings: Settings, name: str) -> Standing | None:
    """What the gate knows of a purse; None when it has no record of it, or does not answer."""
    found = ask(settings.stores.redis_url, PurseBoard, lambda board: board.held([name]))
    return (found or {}).get(name)
