"""Money in the drain's transaction: charged once, with its rows or not at all; journals come, go and are lost."""

import msgspec
import pytest
from sqlalchemy import Engine, event, text

from fastgw.errors import ErrorKind
from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE, worker_number
from fastgw.keeper.fold import orphan
from fastgw.records import Checkpoint, Closed, Hopped, Opened
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.ledger import Settled, UsageLedger
from fastgw.storage.sql.postings import SALES, UNKNOWN
from fastgw.storage.sql.purses import PurseSource
from tests.storage.journal.records import KEY_ID, checkpoint, opened
from tests.storage.sql.money import NOW_MS, counter, now_ms, paid, sides, wrong


@pytest.fixture
def ledger(engine: Engine) -> UsageLedger:
    return UsageLedger(engine, wall_ms=now_ms)


@pytest.fixture
def anna(engine: Engine) -> str:
    """Not limited, so that nothing here is about what it can pay for."""
    return Accounts(engine).create("anna", prepaid=False, now_ms=1).id


def drained(ledger: UsageLedger, offset: int, *rows: Closed, journal: str = "j") -> Settled:
    return ledger.record(journal, 0, offset, opened=[], checkpoints=[], closed=rows, ended=[])


def balance(engine: Engine, account_id: str) -> int:
    found = Accounts(engine).get(account_id)
    assert found is not None
    return found.balance_nano


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_stretch_is_one_posting_for_each_account(engine: Engine, ledger: UsageLedger, anna: str) -> None:
    bert = Accounts(engine).create("bert", prepaid=False, now_ms=1).id
    settled = drained(
        ledger,
        80,
        paid("a", 5, account_id=anna),
        paid("b", 6, account_id=anna, hold_nano=2),
        paid("c", 7, account_id=bert, purses=0, key_id="key_b", hold_nano=0),
        paid("d", 0, account_id=bert, key_id="key_free"),
        paid("e", 9, account_id="", key_id="key_old", purses=0),
    )
    assert settled == Settled(frozenset({anna, bert, KEY_ID, "key_b", "key_old"}), overages=1, overage_nano=4)
    assert set(sides(engine, "charges")) == {
        (f"j:0:80:{anna}", anna, -11),
        (f"j:0:80:{anna}", SALES, 11),
        (f"j:0:80:{bert}", bert, -7),
        (f"j:0:80:{bert}", SALES, 7),
    }
    assert (balance(engine, anna), balance(engine, bert)) == (-11, -7)
    assert counter(engine, "money_version") == 0, "what drains change, they tell themselves"


def test_what_comes_again_is_charged_once_also_by_another_journal(
    engine: Engine, ledger: UsageLedger, anna: str
) -> None:
    first = [paid(f"ex_{i}", 1, account_id=anna) for i in range(50)]
    drained(ledger, 80, *first)
    assert drained(ledger, 80, *first) == Settled(frozenset())
    again = drained(ledger, 90, *first[25:], paid("new", 100, account_id=anna), *first[:3], journal="other")
    assert again.touched == {anna, KEY_ID}
    drained(ledger, 80, *first, paid("late", 1_000, account_id=anna))
    assert balance(engine, anna) == -1_150
    assert [amount for _, party, amount in sides(engine, "charges") if party == anna] == [-50, -100, -1_000]
    assert wrong(engine) == []


def test_a_failed_transaction_charges_nobody(engine: Engine, ledger: UsageLedger, anna: str) -> None:
    def power_cut(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "INTO journal_cursor" in statement:
            raise ConnectionError("cut")

    event.listen(engine, "before_cursor_execute", power_cut)
    with pytest.raises(ConnectionError):
        drained(ledger, 80, paid("a", 5, account_id=anna))
    event.remove(engine, "before_cursor_execute", power_cut)
    assert balance(engine, anna) == 0
    for table in ("usage", "postings", "entries", "key_spent", "key_slots", "journal_spent", "usage_days"):
        assert count(engine, table) == 0
    drained(ledger, 80, paid("a", 5, account_id=anna))
    assert balance(engine, anna) == -5 and wrong(engine) == []


def test_a_row_that_is_left_out_is_not_charged(engine: Engine, ledger: UsageLedger, anna: str) -> None:
    unfit = msgspec.structs.replace(paid("a", 5, account_id=anna), total_ms=2**63)
    drained(ledger, 80, unfit, paid("b", 6, account_id=anna))
    assert balance(engine, anna) == -6
    assert wrong(engine) == []


def test_an_account_that_does_not_exist_loses_no_row(engine: Engine, ledger: UsageLedger) -> None:
    settled = drained(ledger, 80, paid("a", 5, account_id="acct_gone"))
    assert settled.touched == {"acct_gone", KEY_ID}
    assert [(party, amount) for _, party, amount in sides(engine, "charges")] == [(UNKNOWN, -5), (SALES, 5)]
    assert wrong(engine) == []


def test_an_orphan_is_charged_as_its_last_checkpoint_says(engine: Engine, ledger: UsageLedger, anna: str) -> None:
    begun = msgspec.structs.replace(
        opened("ex", started_ms=NOW_MS - 5_000), account_id=anna, purses=3, hold_nano=90, group="gold"
    )
    mark = msgspec.structs.replace(checkpoint("ex"), charge_nano=40, cost_nano=30)
    ledger.record("j", 0, 8, opened=[begun], checkpoints=[mark], closed=[], ended=[])
    assert ledger.still_open("j") == [(begun, mark)]
    orphan = paid("ex", 40, account_id=anna, hold_nano=90, cost_nano=30)
    assert ledger.finish("j", [orphan]).touched == {anna, KEY_ID}
    assert ledger.finish("j", [orphan]) == Settled(frozenset())
    assert [reference for reference, party, _ in sides(engine, "charges") if party == anna] == [f"j:end:{anna}"]
    assert balance(engine, anna) == -40 and wrong(engine) == []


def test_journals_are_registered_once_and_forgotten_with_their_end(engine: Engine, anna: str) -> None:
    clock = [NOW_MS]
    ledger = UsageLedger(engine, wall_ms=lambda: clock[0])
    ledger.register(["a", "b"])
    ledger.register(["b", "a"])
    assert counter(engine, "journals_version") == 1
    drained(ledger, 8, paid("ex", 5, account_id=anna), journal="a")
    assert count(engine, "journal_spent") == 2
    ledger.finish("a", [])
    assert counter(engine, "journals_version") == 2
    assert count(engine, "journal_spent") == 0 and count(engine, "journal_cursor") == 0
    ledger.finish("a", [])
    ledger.finish("never registered", [])
    assert counter(engine, "journals_version") == 2
    assert PurseSource(engine).workers() == (2, frozenset({worker_number("b")}))


def test_journals_of_a_machine_that_is_lost_are_left_out_until_it_is_back(engine: Engine, anna: str) -> None:
    clock = [NOW_MS]
    ledger = UsageLedger(engine, wall_ms=lambda: clock[0])
    ledger.register(["away", "here"])
    drained(ledger, 8, paid("ex", 5, account_id=anna), journal="away")
    clock[0] += 60_000
    ledger.register(["here"])
    assert ledger.forget_lost(60_000) == []
    clock[0] += 1
    assert ledger.forget_lost(60_000) == ["away"]
    assert ledger.forget_lost(60_000) == []
    assert counter(engine, "journals_version") == 2
    (purse,) = PurseSource(engine).read([anna], NOW_MS)
    assert purse.drained == ((worker_number("here"), 0),)
    assert wrong(engine) == []
    ledger.register(["away", "here"])
    (purse,) = PurseSource(engine).read([anna], NOW_MS)
    assert purse.journals_version == 3
    assert dict(purse.drained) == {worker_number("here"): 0, worker_number("away"): 5}


def test_only_what_was_held_of_a_purse_counts_as_drained_from_it(
    engine: Engine, ledger: UsageLedger, anna: str
) -> None:
    for number, purses in enumerate((0, ACCOUNT_PURSE, KEY_PURSE, ACCOUNT_PURSE | KEY_PURSE)):
        drained(ledger, number, paid(f"ex_{number}", 10**number, account_id=anna, purses=purses))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT purse, spent_nano FROM journal_spent WHERE journal = 'j'"))
        assert {row.purse: row.spent_nano for row in rows} == {anna: 1_010, KEY_ID: 1_100}
    assert balance(engine, anna) == -1_111


def test_hops_are_kept_once(engine: Engine, ledger: UsageLedger) -> None:
    hop = Hopped("ex", 1, "openai", "gpt\0", ErrorKind.UPSTREAM_TIMEOUT, NOW_MS, 7)
    for offset in (8, 9):
        ledger.record(
            "j", 0, offset, opened=[], checkpoints=[], closed=[], ended=[],
            hops=[hop, msgspec.structs.replace(hop, number=2)],
        )  # fmt: skip
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM hops ORDER BY number")).all()
    assert [tuple(row) for row in rows] == [
        ("ex", number, "openai", "gpt\N{REPLACEMENT CHARACTER}", "upstream_timeout", NOW_MS, 7) for number in (1, 2)
    ]


def test_an_exchange_of_an_older_program_is_still_open_without_money(engine: Engine, ledger: UsageLedger) -> None:
    before = Opened("ex", KEY_ID, "m", "p", "pm", "chat", True, 5, 9)
    ledger.record("j", 0, 8, opened=[before], checkpoints=[Checkpoint("ex", 5, 6, 7)], closed=[], ended=[])
    assert ledger.still_open("j") == [(before, Checkpoint("ex", 5, 6, 7))]


def test_what_a_checkpoint_counted_of_the_prompt_replaces_what_was_estimated(
    engine: Engine, ledger: UsageLedger
) -> None:
    for offset, (counted, known) in enumerate(((0, 1_200), (31, 31), (0, 31), (32, 32))):
        mark = msgspec.structs.replace(checkpoint("ex"), prompt_tokens=counted)
        ledger.record("j", 0, offset, opened=[opened("ex")], checkpoints=[mark], closed=[], ended=[])
        ((begun, last),) = ledger.still_open("j")
        assert (begun.prompt_tokens_estimate, orphan(begun, last).usage.in_text) == (known, known)
