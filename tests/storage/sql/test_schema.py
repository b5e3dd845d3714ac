"""The schema: found current with one read, brought up to date once however many come at once, never read when newer."""

import concurrent.futures
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, text

import fastgw.storage.sql.migrations
from fastgw.errors import StartupError
from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.schema import VERSIONS, migrate, schema_current
from fastgw.storage.sql.tables import METADATA
from fastgw.usage import Usage
from tests.storage.sql.money import NOW_MS, wrong

ROOT = Path(__file__).parents[3]
USAGE_BEFORE = dict.fromkeys(Usage.__struct_fields__[:10], 0) | {
    "key_id": "key_a",
    "model": "m" * 600,
    "provider": "p",
    "provider_model": "m",
    "surface": "chat",
    "stream": True,
    "status": 502,
    "outcome": "cut",
    "error": "upstream_cut",
    "usage_estimated": False,
    "first_byte_ms": 5,
    "total_ms": 70,
    "gateway_us": 400,
    "attempts": 1,
    "delivered_bytes": 9,
}


def test_an_empty_database_is_not_current_until_migrated(url: str) -> None:
    assert not schema_current(url)
    migrate(url)
    assert schema_current(url)
    migrate(url)


def test_a_file_of_sqlite_is_its_owners_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    writer = open_engine(url)
    with writer.begin() as connection:
        connection.execute(text("UPDATE meta SET value = value"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    writer.dispose()
    assert {"x.db", "x.db-wal", "x.db-shm"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_a_second_connection_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    first, second = open_engine(url), open_engine(url)
    with first.begin() as connection:
        connection.execute(text("UPDATE meta SET value = value + 1"))
    with second.connect() as connection:
        connection.execute(text("SELECT 1 FROM meta"))
        # Whoever closes last empties the log beside the database: another process is never last while we have it open.
        look = (
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM meta').fetchall(); c.close()"
        )
        subprocess.run([sys.executable, "-c", look, str(tmp_path / "x.db")], check=True)
        assert (tmp_path / "x.db-wal").exists()
    first.dispose()
    second.dispose()


def test_the_steps_lead_to_the_tables_that_the_program_works_with(engine: Engine) -> None:
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA)
    assert difference == []


def test_every_step_has_its_version_in_order() -> None:
    folder = Path(fastgw.storage.sql.migrations.__file__).parent
    steps = [step.revision for step in ScriptDirectory(str(folder)).walk_revisions()]
    assert tuple(reversed(steps)) == VERSIONS


def test_a_current_schema_is_recognised_by_one_read_without_alembic(url: str) -> None:
    migrate(url)
    program = f"""
import sys
from sqlalchemy import Engine, event
from fastgw.storage.sql.schema import schema_current
said = []
event.listen(Engine, "before_cursor_execute", lambda c, cur, statement, *rest: said.append(statement))
assert schema_current({url!r})
print(sum(statement.startswith("SELECT") and "version_num" in statement for statement in said))
print("alembic" in sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert run.stdout.split() == ["1", "False"], run.stderr


def test_many_that_start_at_once_migrate_once(url: str) -> None:
    program = f"from fastgw.storage.sql.schema import migrate; migrate({url!r})"

    def start(_: int) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for run in pool.map(start, range(4)):
            assert run.returncode == 0, run.stderr
    assert schema_current(url)


def test_a_schema_of_a_newer_program_is_refused_with_a_remedy(engine: Engine, url: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for call in (schema_current, migrate):
        with pytest.raises(StartupError, match=r"version 9999.*Install that version"):
            call(url)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(StartupError, match=r"cannot be used.*See that the server runs") as refused:
        schema_current("postgresql://somebody:secret@127.0.0.1:1/none")
    assert "secret" not in str(refused.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="See that the folder exists"):
        schema_current(f"sqlite:///{tmp_path / 'none' / 'fastgw.db'}")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "fastgw.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(StartupError, match="not a database"):
        schema_current(f"sqlite:///{tmp_path / 'fastgw.db'}")


@pytest.mark.parametrize("wrong", ["mysql://host/name", "sqlite://", "no url at all", "postgresql+asyncpg://host/name"])
def test_an_address_that_cannot_work_is_refused(wrong: str) -> None:
    with pytest.raises(StartupError):
        open_engine(wrong)


def test_writers_to_sqlite_wait_for_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'fastgw.db'}"
    migrate(url)
    statements: list[str] = []
    engine = open_engine(url)
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, statement, *_: statements.append(statement))
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    assert statements[0] == "BEGIN IMMEDIATE"
    engine.dispose()


def test_usage_from_before_there_was_money_is_summed_up_by_day(url: str) -> None:
    engine = open_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(fastgw.storage.sql.migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for number, started_ms in enumerate((-(2**62), NOW_MS - 86_400_000, NOW_MS, NOW_MS, 2**62)):
            row = USAGE_BEFORE | {"exchange_id": f"ex_{number}", "started_ms": started_ms, "in_text": number}
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO usage ({names}) VALUES ({values})"), row)
    migrate(url)
    with engine.connect() as connection:
        days = connection.execute(text("SELECT day, requests, errors, in_text, total_ms FROM usage_days ORDER BY day"))
        assert [tuple(day) for day in days] == [
            (19700101, 1, 1, 0, 70),
            (20261120, 1, 1, 1, 70),
            (20261121, 2, 2, 5, 140),
            (99991231, 1, 1, 4, 70),
        ]
    assert wrong(engine) == []
    engine.dispose()
