"""Counters are read together, are true soon after a change, and outlive a failing database."""

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from fastgw import apikey
from fastgw.storage.sql.counters import Counters
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.tables import JOURNALS_VERSION, KEYS_VERSION, MONEY_VERSION, PRICES_VERSION


def test_one_read_serves_all_who_ask_at_about_the_same_moment(engine: Engine) -> None:
    reads: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: reads.append(args[2]) if "meta" in args[2] else None)
    counters = Counters(engine, fresh_ns=3_600_000_000_000)
    for name in (KEYS_VERSION, MONEY_VERSION, JOURNALS_VERSION, PRICES_VERSION):
        assert counters.value(name) >= 0
    assert len(reads) == 1


def test_a_change_is_seen_once_what_was_read_is_old(engine: Engine) -> None:
    counters = Counters(engine, fresh_ns=0)
    before = counters.value(KEYS_VERSION)
    Keys(engine).create(apikey.mint(), name="one", now_ms=1)
    assert counters.value(KEYS_VERSION) == before + 1


def test_a_read_that_failed_is_made_again(engine: Engine) -> None:
    counters = Counters(engine, fresh_ns=3_600_000_000_000)

    def fail(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("away"))

    event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(OperationalError):
        counters.value(KEYS_VERSION)
    event.remove(engine, "before_cursor_execute", fail)
    assert counters.value(KEYS_VERSION) >= 0
