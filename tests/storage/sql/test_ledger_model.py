"""The ledger against a plain model: whatever is credited, drained, cut off, drained again or lost, in any order."""

from collections import Counter

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, event, text

from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE
from fastgw.keeper.fold import fold, orphan
from fastgw.records import Checkpoint, Closed, JournalRecord, Opened
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.ledger import UsageLedger
from fastgw.storage.sql.postings import CREDIT, REFUND
from fastgw.storage.sql.purses import PurseSource
from fastgw.storage.sql.tables import METADATA
from tests.storage.journal.records import opened
from tests.storage.sql.money import NOW_MS, now_ms, paid, wrong

ACCOUNTS = 2
KEYS = ("key_a", "key_b")
JOURNALS = ("j1", "j2")


class Cut(Exception):
    """The process died before its commit."""


class LedgerModel(RuleBasedStateMachine):
    """Journals are lists of records here; `place` is how much of each the model takes for drained."""

    engine: Engine

    @initialize()
    def begin(self) -> None:
        wipe(self.engine)
        self.accounts = Accounts(self.engine)
        self.ledger = UsageLedger(self.engine, wall_ms=now_ms)
        self.ids = [self.accounts.create(f"n{i}", prepaid=True, now_ms=1).id for i in range(ACCOUNTS)]
        self.records: dict[str, list[JournalRecord]] = {name: [] for name in JOURNALS}
        self.open: dict[str, dict[str, Opened]] = {name: {} for name in JOURNALS}
        self.place = dict.fromkeys(JOURNALS, 0)
        self.spent: dict[str, Counter[str]] = {name: Counter() for name in JOURNALS}
        self.balance: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()
        self.credits: dict[tuple[str, str], tuple[str, int]] = {}
        self.charged: set[str] = set()
        self.minted = 0
        self.ledger.register(JOURNALS)

    @rule(number=st.integers(0, 6), account=st.integers(0, ACCOUNTS - 1), amount=st.integers(1, 1_000))
    def credit(self, number: int, account: int, amount: int) -> None:
        self._post(CREDIT, f"r{number}", self.ids[account], amount)

    @rule(number=st.integers(0, 3), account=st.integers(0, ACCOUNTS - 1), amount=st.integers(-1_000, -1))
    def refund(self, number: int, account: int, amount: int) -> None:
        self._post(REFUND, f"r{number}", self.ids[account], amount)

    def _post(self, kind: str, reference: str, account_id: str, amount: int) -> None:
        account_id, amount = self.credits.get((kind, reference), (account_id, amount))
        new = self.accounts.credit(
            account_id, amount, now_ms=NOW_MS, kind=kind, reference=reference, party="operator:x"
        )
        assert new == ((kind, reference) not in self.credits)
        if new:
            self.credits[kind, reference] = (account_id, amount)
            self.balance[account_id] += amount
        self._compare()

    @rule(
        journal=st.sampled_from(JOURNALS),
        account=st.integers(0, ACCOUNTS - 1),
        key=st.sampled_from(KEYS),
        purses=st.sampled_from([0, ACCOUNT_PURSE, KEY_PURSE, ACCOUNT_PURSE | KEY_PURSE]),
    )
    def begin_exchange(self, journal: str, account: int, key: str, purses: int) -> None:
        self.minted += 1
        begun = msgspec.structs.replace(
            opened(f"ex_{self.minted}", started_ms=NOW_MS - 9_000),
            account_id=self.ids[account],
            key_id=key,
            purses=purses,
            hold_nano=500 if purses else 0,
        )
        self.records[journal].append(begun)
        self.open[journal][begun.exchange_id] = begun

    @rule(
        journal=st.sampled_from(JOURNALS),
        account=st.integers(0, ACCOUNTS - 1),
        charges=st.lists(st.integers(0, 900), min_size=1, max_size=4),
    )
    def whole_exchanges(self, journal: str, account: int, charges: list[int]) -> None:
        for number, charge in enumerate(charges):
            self.begin_exchange(journal, account, KEYS[number % 2], ACCOUNT_PURSE | KEY_PURSE)
            begun = self.open[journal].popitem()[1]
            self.records[journal].append(ended(begun, charge))

    @precondition(lambda self: any(self.open.values()))
    @rule(data=st.data(), charge=st.integers(0, 900))
    def deliver(self, data: st.DataObject, charge: int) -> None:
        journal, begun = self._pick(data)
        self.records[journal].append(Checkpoint(begun.exchange_id, 100, 5, 10, charge, charge // 2))

    @precondition(lambda self: any(self.open.values()))
    @rule(data=st.data(), charge=st.integers(0, 900))
    def end_exchange(self, data: st.DataObject, charge: int) -> None:
        journal, begun = self._pick(data)
        self.records[journal].append(ended(begun, charge))
        del self.open[journal][begun.exchange_id]

    def _pick(self, data: st.DataObject) -> tuple[str, Opened]:
        journal = data.draw(st.sampled_from([name for name in JOURNALS if self.open[name]]))
        return journal, data.draw(st.sampled_from(sorted(self.open[journal].values(), key=lambda one: one.exchange_id)))

    @rule(journal=st.sampled_from(JOURNALS), most=st.integers(2, 12), again=st.booleans(), dies=st.booleans())
    def drain(self, journal: str, most: int, again: bool, dies: bool) -> None:
        """A stretch. The keeper may die before the commit, and then comes to the same place again; or rows that are in
        the ledger already come once more among the new ones, in this journal or the other one."""
        begin = self.place[journal]
        stretch = self.records[journal][begin : begin + most]
        old = [
            one
            for name in JOURNALS
            for one in self.records[name][: self.place[name]]
            if again and isinstance(one, Closed)
        ]
        if stretch and dies:
            with dying(self.engine), pytest.raises(Cut):
                self._record(journal, [*old, *stretch], begin + len(stretch))
        if stretch or old:
            self._record(journal, [*old, *stretch], begin + len(stretch))
            self.place[journal] = begin + len(stretch)
            for one in stretch:
                if isinstance(one, Closed):
                    self._charge(journal, one)
        self._compare()

    @rule(journal=st.sampled_from(JOURNALS), twice=st.booleans())
    def worker_dies(self, journal: str, twice: bool) -> None:
        """All is drained, what is open are orphans; a new worker begins a journal of the same name."""
        self.drain(journal, len(self.records[journal]) + 1, again=False, dies=False)
        orphans = [orphan(begun, last) for begun, last in self.ledger.still_open(journal)]
        assert {one.exchange_id for one in orphans} == set(self.open[journal])
        for _ in range(2 if twice else 1):
            self.ledger.finish(journal, orphans)
        for one in orphans:
            assert one.charge_nano == last_charge(self.records[journal], one.exchange_id)
            self._charge(journal, one)
        self.records[journal], self.open[journal], self.place[journal] = [], {}, 0
        self.spent[journal] = Counter()
        self.ledger.register([journal])
        self._compare()

    def _record(self, journal: str, stretch: list[JournalRecord], place: int) -> None:
        news = fold(stretch)
        self.ledger.record(
            journal,
            0,
            place,
            opened=news.opened,
            checkpoints=news.checkpoints,
            closed=news.closed,
            ended=news.ended,
            hops=news.hops,
        )

    def _charge(self, journal: str, one: Closed) -> None:
        assert one.exchange_id not in self.charged
        self.charged.add(one.exchange_id)
        self.balance[one.account_id] -= one.charge_nano
        self.keys[one.key_id] += one.charge_nano
        if one.purses & ACCOUNT_PURSE:
            self.spent[journal][one.account_id] += one.charge_nano
        if one.purses & KEY_PURSE:
            self.spent[journal][one.key_id] += one.charge_nano

    def _compare(self) -> None:
        for purse in PurseSource(self.engine).read([*self.ids, *KEYS], NOW_MS):
            assert purse.balance_nano == self.balance[purse.name]
            assert purse.spent_nano == purse.month_nano == self.keys[purse.name]
            assert all(sum(amount for _, amount in window) == purse.spent_nano for window in purse.leaving)
            drained = sorted(amount for _, amount in purse.drained)
            assert drained == sorted(spent[purse.name] for spent in self.spent.values())

    def teardown(self) -> None:
        assert [finding for finding in wrong(self.engine) if finding.name != "below_zero"] == []


def last_charge(records: list[JournalRecord], exchange_id: str) -> int:
    marks = [one for one in records if isinstance(one, Checkpoint) and one.exchange_id == exchange_id]
    return marks[-1].charge_nano if marks else 0


def ended(begun: Opened, charge_nano: int) -> Closed:
    return paid(
        begun.exchange_id,
        charge_nano,
        account_id=begun.account_id,
        key_id=begun.key_id,
        hold_nano=begun.hold_nano,
        purses=begun.purses,
        started_ms=begun.started_ms,
    )


def wipe(engine: Engine) -> None:
    """An empty ledger again; faster than a new database for each example."""
    with engine.begin() as connection:
        unguarded(connection)


def unguarded(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        guards = list(connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")))
        for name, _ in guards:
            connection.execute(text(f"DROP TRIGGER {name}"))
    for table in METADATA.sorted_tables:
        if table.name != "meta":
            connection.execute(table.delete())
    if connection.dialect.name != "postgresql":
        for _, made in guards:
            connection.exec_driver_sql(made)


class dying:
    """Inside, transactions are cut off when the place in the journal is to move."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        event.listen(self._engine, "before_cursor_execute", self._cut)

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._cut)

    def _cut(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "INTO journal_cursor" in statement:
            raise Cut


def test_the_ledger_is_what_the_model_says(engine: Engine) -> None:
    class Machine(LedgerModel):
        pass

    Machine.engine = engine
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=20 if engine.dialect.name == "sqlite" else 4,
            stateful_step_count=40,
            deadline=None,
            # Making a failure shorter would take many minutes here.
            phases=(Phase.reuse, Phase.generate),
        ),
    )
