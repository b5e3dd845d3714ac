"""Connections to SQLite and PostgreSQL: addresses, settings of a connection, and clear words when one fails."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from fastgw.errors import StartupError

DATABASE_FILE = "fastgw.db"
BUSY_TIMEOUT_MS = 10_000
"""How long a statement waits for another process's write to SQLite; drains take milliseconds."""
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 60_000
"""PostgreSQL ends a statement that takes longer."""
CONNECTIONS_MAX = 4
"""Of one process; the keeper uses two, the command line one."""
WAL_BYTES_KEPT = 64 * 1024 * 1024

_READS = "fastgw_reads"


def url_of(database_url: str, data_dir: Path) -> str:
    """The database of these settings: `database_url`, or SQLite in the data folder when it is empty."""
    return database_url or f"sqlite:///{data_dir / DATABASE_FILE}"


def open_engine(url: str, *, kept: int = CONNECTIONS_MAX) -> Engine:
    """An engine for `url`; connects when it is first used. Raises `StartupError` for an address that cannot be one.

    At most `CONNECTIONS_MAX` connections at once; `kept` of them stay when they are not in use.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address, pool_size=kept, max_overflow=CONNECTIONS_MAX - kept)
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        address,
        pool_size=kept,
        max_overflow=CONNECTIONS_MAX - kept,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "fastgw",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
        },
    )


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: in SQLite it neither waits for a writer nor holds one up."""
    with engine.connect().execution_options(**{_READS: True}) as connection, connection.begin():
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and whose statements all see the database as it was at one moment."""
    options: dict[str, object] = {_READS: True}
    if engine.dialect.name == "postgresql":
        # SQLite's transactions do so anyway.
        options["isolation_level"] = "REPEATABLE READ"
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn failures of the database inside into `StartupError`s that say what to do."""
    try:
        yield
    except SQLAlchemyError as error:
        shown = engine.url.render_as_string(hide_password=True)
        cause = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split()).rstrip(".?")
        raise StartupError(f"The database {shown} cannot be used: {cause}. {_remedy(engine.url)}") from error


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StartupError("The database URL is not one; a right one is postgresql://user@host/name.") from error
    if address.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return address.set(drivername="postgresql+psycopg")
    if address.drivername in {"sqlite", "sqlite+pysqlite"}:
        if not address.database or address.database == ":memory:":
            raise StartupError("SQLite needs a file, because several processes share it: sqlite:////path/fastgw.db.")
        return address.set(drivername="sqlite+pysqlite")
    raise StartupError(
        f"The database URL begins with '{address.drivername}', which is not supported; use postgresql:// or sqlite:///."
    )


def _remedy(address: URL) -> str:
    if address.get_backend_name() == "sqlite":
        return "See that the folder exists, is writable for this user, and that the disk is not full."
    return "See that the server runs, and that host, port, user, password and database name in the URL are right."


def _make_private(_dialect: object, _record: object, arguments: Sequence[Any], _options: object) -> None:
    # SQLite would make the file readable for everybody; those beside it get the same mode. What fails, SQLite tells.
    # Never open one that is there: closing it again would drop this process's locks on it (fcntl(2), F_SETLK).
    if not arguments[0].startswith("file:"):
        with suppress(OSError):
            os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _tune_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Transactions are begun by `_begin_sqlite`: the driver's own way would commit before DDL and begin too late.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        # A drained segment of a journal is deleted after the commit: that must outlive a power cut.
        "synchronous=FULL",
        "foreign_keys=ON",
        # Without it a row that another one replaces is deleted behind the triggers' backs.
        "recursive_triggers=ON",
        f"journal_size_limit={WAL_BYTES_KEPT}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that begins as a reader and then writes fails at once when another writer was quicker.
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
