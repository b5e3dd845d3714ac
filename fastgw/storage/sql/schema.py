"""The version of the schema: compared with one read at every start, brought up to date under a lock when it differs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from fastgw.errors import StartupError
from fastgw.storage.sql.engine import explained, open_engine, reading

VERSIONS = ("0001", "0002", "0003")
"""Every version of the schema, oldest first; the last is what this program works with."""

_LOCK_ID = 0x6661_7374_6777
"""PostgreSQL's advisory lock of migrations: `fastgw` in ASCII."""
_LOCK_TIMEOUT_MS = 120_000


def schema_current(url: str) -> bool:
    """Whether the database has the schema of this program; False when it is empty or older.

    Raises `StartupError` when it cannot be reached or was made by a newer program. Does not import Alembic.
    """
    engine = open_engine(url)
    try:
        with explained(engine), reading(engine) as connection:
            version = _version(connection)
    finally:
        engine.dispose()
    if version is not None and version not in VERSIONS:
        shown = engine.url.render_as_string(hide_password=True)
        raise StartupError(
            f"The database {shown} has schema version {version}, and this fastgw knows up to {VERSIONS[-1]}: a newer "
            "fastgw has used it. Install that version, or use another database."
        )
    return version == VERSIONS[-1]


def migrate(url: str) -> None:
    """Bring the schema up to date; safe when several machines start at once. Raises `StartupError`."""
    if schema_current(url):
        return
    engine = open_engine(url)
    try:
        with explained(engine), _machine_lock(engine), engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})
            _upgrade(connection)
    finally:
        engine.dispose()


def _version(connection: Connection) -> str | None:
    try:
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except (ProgrammingError, OperationalError) as error:
        if "alembic_version" in str(error.orig):
            return None
        raise
    return found


def _upgrade(connection: Connection) -> None:
    # Alembic takes a third of a second to import, which a start with a current schema need not pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(files("fastgw.storage.sql") / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _machine_lock(engine: Engine) -> Iterator[None]:
    """For SQLite, a lock of this machine: its own would have later comers give up after `BUSY_TIMEOUT_MS`."""
    if engine.dialect.name != "sqlite":
        yield
        return
    try:
        fd = os.open(f"{engine.url.database}.migrating", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartupError(f"The folder of the database cannot be written: {error}.") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
