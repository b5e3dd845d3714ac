"""Rows of usage: whatever comes twice, the ledger is told exactly which rows are new."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from fastgw.money.amounts import AMOUNT_MAX
from fastgw.storage.sql.tables import USAGE
from fastgw.storage.sql.usage_rows import UsageRows
from fastgw.usage import Usage
from tests.storage.journal.records import closed

names = st.lists(st.integers(0, 40).map("ex_{}".format), max_size=90)


def inserted(engine: Engine, wanted: list[str], *, delivered: int = 1) -> list[tuple[str, int]]:
    rows = [msgspec.structs.replace(closed(name), delivered_bytes=delivered + i) for i, name in enumerate(wanted)]
    with engine.begin() as connection:
        fresh = UsageRows(engine.dialect.name).insert(connection, rows)
    return [(row.exchange_id, row.delivered_bytes) for row in fresh]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stretches=st.lists(names, max_size=4))
def test_new_rows_are_told_from_those_that_were_there(engine: Engine, stretches: list[list[str]]) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM usage"))
    kept: dict[str, int] = {}
    for number, stretch in enumerate(stretches):
        wanted: dict[str, int] = {}
        for i, name in enumerate(stretch):
            if name not in kept:
                wanted.setdefault(name, number * 1_000 + i)
        assert dict(inserted(engine, stretch, delivered=number * 1_000)) == wanted
        kept |= wanted
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT exchange_id, delivered_bytes FROM usage"))
        assert {row[0]: row[1] for row in rows} == kept


def test_rows_that_do_not_fit_stop_no_other_and_are_not_new(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    rows = [closed(f"ex_{i}") for i in range(40)]
    rows[3] = closed("endless", usage=Usage(in_text=2**63))
    rows[35] = msgspec.structs.replace(closed("dear"), charge_nano=AMOUNT_MAX + 1)
    with engine.begin() as connection:
        fresh = UsageRows(engine.dialect.name).insert(connection, rows)
    assert [row.exchange_id for row in fresh] == [row.exchange_id for i, row in enumerate(rows) if i not in {3, 35}]
    assert "endless" in caplog.text and "dear" in caplog.text


def test_new_rows_take_one_statement_for_many_and_one_for_the_rest(engine: Engine) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, statement, *_: statements.append(statement))
    assert len(inserted(engine, [f"ex_{i}" for i in range(300)])) == 300
    assert sum(statement.startswith("INSERT INTO usage") for statement in statements) == 2


def test_a_statement_has_no_more_parameters_than_any_sqlite_takes(engine: Engine) -> None:
    found: list[int] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, _s, given, *_: found.extend(map(len, given)))
    inserted(engine, [f"ex_{i}" for i in range(100)])
    assert len(USAGE.columns) in found
    assert max(found) <= 999
