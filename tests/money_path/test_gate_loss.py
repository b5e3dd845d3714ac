"""What becomes of money while its gate is lost, halted or restarted, and while the keeper does nothing."""

import concurrent.futures
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from fastgw.storage.valkey.embedded import recorded_url
from tests.fakes.meter import CAPPED, Plan
from tests.money_path.conftest import opened
from tests.money_path.crowd import rush
from tests.money_path.refusals import assert_refused
from tests.money_path.till import Account, Asked, Till
from tests.money_path.worth import PLAIN, worth
from tests.path.evidence import until

CAP = 100
PROMPT_TOKENS = 50
CHARGE_NANO = worth({"in_text": PROMPT_TOKENS, "out_text": CAP}, PLAIN)
CALLERS = 8


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """A gateway whose store is taken away."""
    with opened(Path(tmp_path_factory.mktemp("loss")), workers=2) as till:
        yield till


class Spending:
    """Callers that spend one account's money, as fast as they can, until it is gone or they are stopped."""

    def __init__(self, till: Till, key: str, name: str) -> None:
        self.till = till
        self.key = key
        self.name = name
        self.told: list[tuple[str, int]] = []
        """Plan and status."""
        self.stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CALLERS)]

    @property
    def statuses(self) -> Counter[int]:
        return Counter(status for _, status in self.told)

    def __enter__(self) -> "Spending":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(60)

    def more(self, count: int) -> None:
        """Wait until so many have been answered more."""
        enough = self.statuses[200] + count
        until(lambda: self.statuses[200] >= enough, "answers", 40)

    def _run(self, caller: int) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            plan = Plan(id=f"{self.name}-{caller}-{number}", text=PROMPT_TOKENS, said=CAPPED, delay_ms=10)
            told = self.till.ask(self.key, plan, cap=CAP, stream=number % 3 == 0)
            self.told.append((plan.id, told.status))
            if told.status != 200:
                # As a client that waits a moment, and not as a flood.
                time.sleep(0.02)


def assert_exact(account: Account, credit_nano: int, spending: Spending) -> None:
    """Nothing is spent that was not there, and nothing is charged that was not served."""
    assert set(spending.statuses) <= {200, 402, 503}, spending.statuses
    served = spending.statuses[200]
    until(lambda: len(account.rows()) >= served, "all rows", 30)
    shown = account.until_settled()
    assert account.charged_nano() == served * CHARGE_NANO
    assert shown["balance_nano_usd"] == credit_nano - served * CHARGE_NANO >= 0
    assert len([1 for plan, status in spending.told if status != 200 and account.till.meter.of(plan)]) == 0
    account.assert_gate_agrees(account.key())
    account.till.checked()


@contextmanager
def store(till: Till) -> Iterator["redis.Redis"]:
    client = redis.Redis.from_url(recorded_url(till.gateway.data_dir))
    try:
        yield client
    finally:
        client.close()


def flush(till: Till, _account: Account) -> None:
    with store(till) as client:
        client.flushall()


def drop_purse(till: Till, account: Account) -> None:
    with store(till) as client:
        found = list(client.scan_iter(match=f"*{account.id}*", count=1_000))
        assert found, "the account has a record in the store"
        client.delete(*found)


def kill_store(till: Till, _account: Account) -> None:
    pid = till.gateway.pids()["valkey"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: till.gateway.pids().get("valkey", pid) != pid, "a new store", 30)


def kill_keeper_and_flush(till: Till, account: Account) -> None:
    os.kill(till.gateway.pids()["keeper"], signal.SIGKILL)
    flush(till, account)


@pytest.mark.parametrize("lose", [flush, drop_purse, kill_store, kill_keeper_and_flush])
def test_a_lost_gate_is_rebuilt_without_spending_twice(own: Till, lose: Callable[[Till, Account], None]) -> None:
    account = own.account(usd="0.1575")
    with Spending(own, account.key(), lose.__name__) as spending:
        for _ in range(2):
            spending.more(20)
            lose(own, account)
            # It comes back by itself.
            spending.more(20)
        until(lambda: spending.statuses[402], "the balance to be spent", 40)
    assert spending.statuses[200] <= 150
    assert_exact(account, 157_500_000, spending)


def test_a_key_of_quotas_is_rebuilt_too(own: Till) -> None:
    account = own.account(usd="10")
    with Spending(own, account.key("--quota-usd", "0.0525", "--quota-5h-usd", "0.0525"), "quota") as spending:
        spending.more(15)
        flush(own, account)
        spending.more(15)
        until(lambda: spending.statuses[402], "the quota to be spent", 40)
    assert spending.statuses[200] <= 50
    assert_exact(account, 10_000_000_000, spending)


def test_what_runs_counts_after_a_loss_too(own: Till) -> None:
    account = own.account(usd="0.01")
    key = account.key()
    # Two that run hold most of it; for a third of this size there is nothing left.
    running = [Plan(id=f"runs-{number}", text=PROMPT_TOKENS, said=CAPPED, gate="runs") for number in range(2)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        told = [pool.submit(own.ask, key, plan, cap=400) for plan in running]
        try:
            for plan in running:
                own.until_served(plan)
            for lost in range(10):
                flush(own, account)
                late = [Plan(id=f"late-{lost}-{number}", said=CAPPED) for number in range(20)]
                refused = rush(own.gateway.url, [own.question(key, one, "plain/fake-1", cap=200) for one in late])
                assert {one.status for one in refused} <= {402, 503}
        finally:
            own.meter.gate("runs").set()
        assert [one.result().status for one in told] == [200, 200]
    until(lambda: len(account.rows()) == 2, "both rows")
    paid = 2 * worth({"in_text": PROMPT_TOKENS, "out_text": 400}, PLAIN)
    assert account.until_settled()["balance_nano_usd"] == 10_000_000 - paid >= 0
    account.assert_gate_agrees(key)


def test_while_the_gate_is_away_only_the_unlimited_go_on(own: Till) -> None:
    account = own.account(usd="1")
    key = account.key()
    assert own.ask(key, Plan(id="before-away"), cap=10).status == 200
    # A worker reads a key that it has not seen yet from the store.
    known = [own.ask(own.gateway.key, Plan(id=f"known-{number}"), cap=10).status for number in range(16)]
    assert set(known) == {200}
    pid = own.gateway.pids()["valkey"]
    os.kill(pid, signal.SIGSTOP)
    try:
        told = own.ask(key, Plan(id="away"), cap=10)
        assert told.status == 503
        assert_refused(told, "chat", "gate_unavailable")
        assert int(told.headers["retry-after"]) >= 1
        assert not own.served(Plan(id="away"))
        unlimited = [own.ask(own.gateway.key, Plan(id=f"away-{number}"), cap=10).status for number in range(4)]
        assert unlimited == [200] * 4
    finally:
        os.kill(pid, signal.SIGCONT)
    own.until_status(own.question(key, Plan(id="after-away"), "plain/fake-1", cap=10), 200)
    charged = 2 * worth({"in_text": 11, "out_text": 7}, PLAIN)
    until(lambda: account.balance_nano == 1_000_000_000 - charged, "both charges")
    account.assert_gate_agrees(key)


def test_while_the_keeper_is_halted_nothing_is_overdrawn(own: Till) -> None:
    account = own.account(usd="0.021")
    key = account.key()
    assert own.ask(key, Plan(id="before-halt", text=PROMPT_TOKENS, said=CAPPED), cap=CAP).status == 200
    pid = own.gateway.pids()["keeper"]
    os.kill(pid, signal.SIGSTOP)
    try:
        with Spending(own, key, "halted") as spending:
            until(lambda: spending.statuses[402] >= 5, "the balance to be spent", 40)
    finally:
        os.kill(pid, signal.SIGCONT)
    spending.told.append(("before-halt", 200))
    assert 15 <= spending.statuses[200] <= 20
    assert_exact(account, 21_000_000, spending)


def test_a_killed_worker_charges_what_it_had_delivered(own: Till) -> None:
    account = own.account(usd="10")
    key = account.key()
    # Events of 8 KB: a checkpoint is written every eight of them.
    plan = Plan(id="killed", letters=800_000, deltas=100, hang=60, text=60, said=100)
    asked = own.question(key, plan, "plain/fake-1", stream=True, cap=300_000)
    with reading(own, asked, 50) as got:
        assert got >= 50
        for name, pid in own.gateway.pids().items():
            if name.startswith("worker"):
                os.kill(pid, signal.SIGKILL)
    (row,) = until(account.rows, "the orphan's row", 40)
    assert row["outcome"] == "orphaned"
    tokens_each = 8_000 // 8
    assert_charged(row)
    assert row["out_text"] + row["out_reasoning"] >= (got - 9) * tokens_each // 2, "no more than 64 KB are forgiven"
    shown = account.until_settled()
    assert shown["balance_nano_usd"] == 10_000_000_000 - row["charge_nano"]
    own.until_status(own.question(key, Plan(id="after-kill"), "plain/fake-1", cap=10), 200)
    until(lambda: account.balance_nano < shown["balance_nano_usd"], "the charge after that")
    account.assert_gate_agrees(key)


@pytest.mark.parametrize("ending", ["kill", "stop"])
def test_a_gateway_that_ends_leaves_no_hold(own: Till, ending: str) -> None:
    account = own.account(usd="1")
    key = account.key()
    plan = Plan(id=f"ends-{ending}", letters=80_000, deltas=1_000, gap_ms=50, text=60, said=100)
    asked = own.question(key, plan, "plain/fake-1", stream=True, cap=50_000)
    with reading(own, asked, 20):
        until(lambda: account.show()["held_nano_usd"] > 0, "the hold to be shown")
        if ending == "kill":
            own.gateway.kill()
        else:
            assert own.gateway.stop() == 0
    own.gateway.start()
    (row,) = until(account.rows, "the row of what was running", 40)
    # Workers whose supervisor is killed end in order, too.
    assert row["outcome"] in {"drained", "orphaned"}
    assert_charged(row)
    assert account.until_settled()["balance_nano_usd"] == 1_000_000_000 - row["charge_nano"]
    account.assert_gate_agrees(key)
    own.checked()


def assert_charged(row: dict[str, Any]) -> None:
    """Prompt and what was said, at their price."""
    assert row["out_text"] > 0
    assert row["in_text"] > 0
    assert row["charge_nano"] == worth(row, PLAIN)


@contextmanager
def reading(till: Till, asked: Asked, events: int) -> Iterator[int]:
    """Open a stream, read so many events of it, and keep it open; the result is how many have come."""
    url, seen = till.gateway.url + asked.path, 0
    with till.http.stream("POST", url, json=asked.body, headers=asked.headers) as answer:
        assert answer.status_code == 200
        # An iterator that is dropped would close the connection.
        lines = answer.iter_lines()
        while seen < events:
            seen += next(lines).startswith("data: ")
        yield seen
