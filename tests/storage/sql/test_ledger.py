"""The drain's side of SQL: rows and the place in the journal move together, and nothing counts twice."""

import msgspec
import pytest
from sqlalchemy import Engine, event, select

from fastgw.errors import ErrorKind
from fastgw.exchange import ACCOUNT_PURSE
from fastgw.records import Checkpoint, Closed
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.report import UsageReport
from fastgw.storage.sql.tables import USAGE
from fastgw.usage import Usage
from tests.storage.journal.records import KEY_ID, checkpoint, closed, opened

MODEL = "openai/gpt-4o-mini"


def record(ledger: UsageLedger, offset: int, *rows: Closed, journal: str = "worker-0-a") -> None:
    ledger.record(journal, 0, offset, opened=[], checkpoints=[], closed=rows, ended=[])


def requests(engine: Engine) -> int:
    return int(UsageReport(engine).read()["totals"]["requests"])


def test_a_journal_starts_at_its_begin_and_goes_on_where_it_was(engine: Engine) -> None:
    ledger = UsageLedger(engine)
    assert ledger.cursor("worker-0-a") == (0, 0)
    record(ledger, 800, closed("ex_1"))
    assert ledger.cursor("worker-0-a") == (0, 800)
    ledger.record("worker-0-a", 2, 2**40, opened=[], checkpoints=[], closed=[], ended=[])
    assert ledger.cursor("worker-0-a") == (2, 2**40)
    assert ledger.cursor("worker-1-a") == (0, 0)


def test_the_same_exchange_counts_once_and_keeps_its_first_row(engine: Engine) -> None:
    ledger = UsageLedger(engine)
    record(ledger, 1, closed("ex_1", usage=Usage(in_text=5)), closed("ex_2"))
    record(ledger, 2, closed("ex_1", usage=Usage(in_text=900)), closed("ex_2"), closed("ex_3", usage=Usage()))
    totals = UsageReport(engine).read()["totals"]
    assert totals["requests"] == 3
    assert totals["in_text"] == 5 + 1_200


def test_a_failed_transaction_moves_neither_rows_nor_the_place(engine: Engine) -> None:
    ledger = UsageLedger(engine)
    record(ledger, 10, closed("ex_1"))

    def power_cut(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "journal_cursor" in statement:
            raise ConnectionError("cut")

    event.listen(engine, "before_cursor_execute", power_cut)
    with pytest.raises(ConnectionError):
        record(ledger, 20, closed("ex_2"))
    event.remove(engine, "before_cursor_execute", power_cut)
    assert ledger.cursor("worker-0-a") == (0, 10)
    assert requests(engine) == 1


def test_open_exchanges_are_kept_with_their_last_checkpoint(engine: Engine) -> None:
    ledger = UsageLedger(engine)
    first, second = opened("ex_1"), opened("ex_2")
    ledger.record("j", 0, 1, opened=[first, second], checkpoints=[checkpoint("ex_2")], closed=[], ended=[])
    latest = checkpoint("ex_2", delivered_bytes=2**40, output_tokens=900)
    ledger.record("j", 0, 2, opened=[], checkpoints=[latest], closed=[], ended=[])
    assert sorted(ledger.still_open("j"), key=lambda pair: pair[0].exchange_id) == [
        (first, Checkpoint("ex_1", 0, 0, 0)),
        (second, latest),
    ]
    ledger.record("j", 0, 3, opened=[], checkpoints=[], closed=[closed("ex_1")], ended=["ex_1"])
    assert ledger.still_open("j") == [(second, latest)]
    assert ledger.still_open("other") == []


def test_the_end_of_a_journal_leaves_rows_and_forgets_the_rest(engine: Engine) -> None:
    ledger = UsageLedger(engine)
    ledger.record("j", 3, 1, opened=[opened("ex_1")], checkpoints=[], closed=[], ended=[])
    ledger.record("other", 3, 1, opened=[opened("ex_2")], checkpoints=[], closed=[], ended=[])
    ledger.finish("j", [closed("ex_1")])
    assert ledger.still_open("j") == [] and ledger.cursor("j") == (0, 0)
    assert len(ledger.still_open("other")) == 1 and ledger.cursor("other") == (3, 1)
    assert requests(engine) == 1


def test_every_field_of_a_row_is_in_its_column(engine: Engine) -> None:
    row = msgspec.structs.replace(
        closed("ex_1", usage=Usage(*range(11))),
        error=ErrorKind.UPSTREAM_CUT,
        account_id="acct_a",
        purses=ACCOUNT_PURSE,
        hold_nano=7,
        charge_nano=9,
        cost_nano=3,
        unpriced=True,
        group="gold",
    )
    record(UsageLedger(engine), 1, row)
    wanted = msgspec.structs.asdict(row) | msgspec.structs.asdict(row.usage)
    wanted |= {"outcome": "ok", "error": "upstream_cut", "overage_nano": 2}
    del wanted["usage"]
    wanted["group_name"] = wanted.pop("group")
    with reading(engine) as connection:
        assert dict(connection.execute(select(USAGE)).mappings().one()) == wanted


def test_sums_by_model_and_key_within_a_time(engine: Engine) -> None:
    ledger = UsageLedger(engine)
    largest = 2**62
    failed = {"usage": Usage(), "started_ms": 300}
    record(
        ledger,
        1,
        closed("ex_1", started_ms=100, usage=Usage(in_text=largest, out_text=1, out_reasoning=2)),
        closed("ex_2", started_ms=200, usage=Usage(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), key_id="key_b"),
        closed("ex_3", model="x/other", **failed),  # type: ignore[arg-type]
    )
    report = UsageReport(engine).read()
    assert report["totals"]["requests"] == 3
    assert report["totals"]["input_tokens"] == largest + 21
    assert report["totals"]["output_tokens"] == 3 + 34
    assert report["totals"]["total_tokens"] == largest + 21 + 37
    assert report["totals"]["cache_write_1h"] == 6
    assert report["totals"]["searches"] == 11
    assert [(row["model"], row["requests"]) for row in report["by_model"]] == [(MODEL, 2), ("x/other", 1)]
    assert [(row["key_id"], row["requests"]) for row in report["by_key"]] == [(KEY_ID, 2), ("key_b", 1)]
    middle = UsageReport(engine).read(since_ms=200, until_ms=300)
    assert middle["totals"]["requests"] == 1 and middle["totals"]["in_audio"] == 2
    assert UsageReport(engine).read(key_id="key_b")["totals"]["requests"] == 1
    nothing = UsageReport(engine).read(since_ms=10_000)
    assert nothing["totals"]["total_tokens"] == 0 and nothing["by_model"] == []


def test_a_row_that_no_database_takes_stops_no_other(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    ledger = UsageLedger(engine)
    endless = closed("ex_2", usage=Usage(in_text=2**63))
    record(ledger, 9, closed("ex_1"), endless, closed("ex_3"))
    ledger.record("j", 0, 9, opened=[opened("ex_4", started_ms=2**63)], checkpoints=[], closed=[], ended=[])
    assert requests(engine) == 2
    assert ledger.cursor("worker-0-a") == (0, 9)
    assert "ex_2" in caplog.text and "ex_4" in caplog.text


def test_any_name_of_a_model_is_kept(engine: Engine) -> None:
    names = ["a\0b", "\N{SNOWMAN}" * 300, "'; DROP TABLE usage; --", ""]
    record(UsageLedger(engine), 1, *(closed(f"ex_{i}", model=name) for i, name in enumerate(names)))
    found = {row["model"] for row in UsageReport(engine).read()["by_model"]}
    assert found == {name.replace("\0", "\N{REPLACEMENT CHARACTER}") for name in names}


def test_errors_are_counted(engine: Engine) -> None:
    failed = msgspec.structs.replace(closed("ex_1"), error=ErrorKind.UPSTREAM_TIMEOUT, status=504)
    record(UsageLedger(engine), 1, failed, closed("ex_2"))
    assert UsageReport(engine).read()["totals"]["errors"] == 1
