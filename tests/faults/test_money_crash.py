"""Any process killed at any instant, under load: what was served is what was charged is what is gone."""

import asyncio
import dataclasses
import functools
import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from fastgw.storage.valkey.embedded import recorded_url
from fastgw.storage.valkey.purse_board import PurseBoard, Standing
from tests.fakes.meter import CAPPED, Plan
from tests.money_path.conftest import opened
from tests.money_path.till import Account, Till, Told
from tests.money_path.worth import PLAIN, buckets, worth
from tests.path.evidence import until

CLIENTS = 12
SECONDS = 40
PAUSE_S = (0.5, 3.0)
"""Between two faults."""
CAP = 100
MODEL = "plain/fake-1"
PLANS = (
    Plan(text=50, said=CAPPED),
    Plan(text=40, said=60, thought=20),
    Plan(text=30, said=CAPPED, letters=600, deltas=30, gap_ms=10),
    Plan(text=20, said=CAPPED, beyond=2_000),
)
"""The third takes its time, so that kills hit it half-way; the last breaks its cap, and is an overage."""
CALLERS = ("chat", "responses", "messages", "gemini")


@dataclasses.dataclass
class Load:
    """What the callers saw, all threads together."""

    till: Till
    answered: dict[str, Plan] = dataclasses.field(default_factory=dict)
    """By exchange: those whose answer came whole."""
    statuses: Counter[int] = dataclasses.field(default_factory=Counter)
    broken: int = 0
    """Calls that a kill interrupted."""
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)

    def run(self, keys: list[str], seed: int) -> None:
        """Call and call again."""
        dice, number = random.Random(seed), 0
        while not self.stop.is_set():
            number += 1
            kind = dice.choices(PLANS, (8, 4, 4, 1))[0]
            plan = dataclasses.replace(kind, id=f"{seed}-{number}")
            stream = bool(kind.gap_ms) or dice.random() < 0.3
            try:
                told = self.till.ask(
                    dice.choice(keys), plan, MODEL, caller=dice.choice(CALLERS), stream=stream, cap=CAP
                )
            except httpx.TransportError:
                self.broken += 1
                self.stop.wait(0.05)
                continue
            self.statuses[told.status] += 1
            if told.status != 200:
                self.stop.wait(0.05)
            elif not stream or ended(told):
                self.answered[told.exchange_id] = plan
            else:
                self.broken += 1


@dataclasses.dataclass
class TopUps:
    """Somebody who pays a cent into an account now and then, so that it stays near its end. Each cent has a name of
    its own, under which it is paid again until somebody says that it is there."""

    account: Account
    paid: int = 0

    def run(self, stop: threading.Event) -> None:
        """Pay until `stop` is set."""
        while not stop.wait(0.3):
            body = {"amount_usd": "0.01", "reference": f"cent-{self.paid}"}
            while not self._posted(body):
                time.sleep(0.05)
            self.paid += 1

    def _posted(self, body: dict[str, str]) -> bool:
        try:
            self.account.till.operate("POST", f"/accounts/{self.account.id}/credit", body)
        except (httpx.TransportError, AssertionError):
            return False
        return True


def ended(told: Told) -> bool:
    """Whether a stream came to its end, in any dialect."""
    return any(mark in told.body for mark in (b"[DONE]", b"response.completed", b"message_stop", b'"STOP"'))


def killing(name: str) -> Callable[[Till], None]:
    """`kill -9`, without waiting for the successor: the next fault may come at any time."""

    def kill(till: Till) -> None:
        pid = till.gateway.pids().get(name)
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                # It is down since the last one, and its successor is not there yet.
                pass

    return kill


def flush_store(till: Till) -> None:
    """The store forgets everything."""
    try:
        with redis.Redis.from_url(recorded_url(till.gateway.data_dir)) as client:
            client.flushall()
    except redis.RedisError:
        # It is down just now, which is a loss as well.
        pass


def cut_database(till: Till) -> None:
    """PostgreSQL: all connections end. SQLite has none; there somebody keeps the write lock for a while."""
    if till.database_url:
        with psycopg.connect(till.database_url, autocommit=True) as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            connection.execute(f"{others} AND pid <> pg_backend_pid()".encode())
        return
    database = sqlite3.connect(till.gateway.data_dir / "fastgw.db", timeout=10, isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
        time.sleep(1.5)
        database.execute("ROLLBACK")
    finally:
        database.close()


FAULTS = (killing("worker-0"), killing("worker-1"), killing("keeper"), killing("valkey"), flush_store, cut_database)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_and_nothing_is_charged_twice(
    tmp_path: Path, database: str, seed: int, request: pytest.FixtureRequest
) -> None:
    if database == "postgresql":
        from tests.storage.sql.postgres import own_database, running_server

        with running_server() as server, own_database(server, f"crash_{seed}") as url:
            crash(tmp_path, url, seed)
    else:
        crash(tmp_path, "", seed)


def crash(folder: Path, database_url: str, seed: int) -> None:
    """Load a gateway, break it again and again, and compare all books."""
    dice = random.Random(seed)
    with opened(folder, workers=2, database_url=database_url) as till:
        rich, poor, bounded = till.account(usd="1000"), till.account(usd="0.01"), till.account(usd="1000")
        keys = [rich.key(), poor.key(), bounded.key("--quota-usd", "0.5", "--quota-5h-usd", "0.4")]
        load, top_ups = Load(till), TopUps(poor)
        threads = [threading.Thread(target=load.run, args=(keys, seed * 100 + number)) for number in range(CLIENTS)]
        threads.append(threading.Thread(target=top_ups.run, args=(load.stop,)))
        for thread in threads:
            thread.start()
        try:
            until_s = time.monotonic() + SECONDS
            while time.monotonic() < until_s:
                time.sleep(dice.uniform(*PAUSE_S))
                dice.choice(FAULTS)(till)
        finally:
            load.stop.set()
            for thread in threads:
                thread.join(60)
        assert set(load.statuses) <= {200, 402, 503}, load.statuses
        assert load.statuses[200] > 100, "there was no load"
        assert_books(till, load, {rich: 1_000 * 10**9, poor: 10**7 * (1 + top_ups.paid), bounded: 1_000 * 10**9})
        assert_gate_is_calm(till, keys)


def assert_books(till: Till, load: Load, credits: dict[Account, int]) -> None:
    """Usage, ledger, balances and the provider's own record say the same."""
    until(lambda: set(load.answered) <= set(known(till)), "a row for each answer", 90)
    # Who asks again finds a gateway that is whole.
    until(functools.partial(is_answered, till, till.gateway.key, Plan(id="whole")), "service", 30)
    for account, credit_nano in credits.items():
        shown = until(functools.partial(held_nothing, account), f"all holds of {account.id} to be resolved", 90)
        assert shown["balance_nano_usd"] == credit_nano - account.charged_nano() == posted_nano(till, account)
        overage = sum(row["overage_nano"] for row in account.rows())
        assert shown["balance_nano_usd"] >= -overage
    found = known(till)
    for exchange_id, plan in load.answered.items():
        row = found[exchange_id]
        (served,) = [one for one in till.served(plan) if one.tokens is not None]
        assert served.tokens is not None
        assert row["outcome"] == "ok"
        assert row["charge_nano"] == worth(buckets("chat", served.tokens), PLAIN), row
    legal = {worth(buckets("chat", one.tokens), PLAIN) for one in till.meter.served if one.tokens is not None}
    for row in found.values():
        assert_row(row, legal)
    assert len(found) - unsent(found) <= len(till.meter.served), "nothing is charged that was not served"
    print(Counter(row["outcome"] for row in found.values()), load.statuses, f"{load.broken} broken")
    done = till.gateway.cli("ledger", "check", "--json")
    (listed,) = [one for one in json.loads(done.stdout)["findings"] if one["name"] == "overages"]
    beyond = sorted((row["started_ms"], row["exchange_id"]) for row in found.values() if row["overage_nano"])
    assert listed["detail"].startswith(f"{len(beyond)} ")
    # The latest ones by name, as many as may be printed.
    assert all(exchange_id in done.stdout for _, exchange_id in beyond[-50:])


def assert_gate_is_calm(till: Till, keys: list[str]) -> None:
    """The gate holds nothing any more, knows no spending that the ledger does not, and waits for no worker."""
    for number, key in enumerate(keys):
        # What the store has lost is made anew when it is asked for.
        until(functools.partial(is_answered, till, key, Plan(id=f"calm-{number}")), "an answer", 30)
    names = [row["id"] for row in till.select("SELECT id FROM accounts WHERE name <> 'default'")]
    names += [row["id"] for row in till.select("SELECT id FROM api_keys WHERE quotas <> ''")]

    async def look() -> dict[str, Standing]:
        board = PurseBoard(recorded_url(till.gateway.data_dir))
        try:
            return await board.held(names)
        finally:
            await board.aclose()

    def calm() -> dict[str, Standing] | None:
        found = asyncio.run(look())
        return found if all(one == Standing(0, 0, 0) for one in found.values()) else None

    assert len(until(calm, "the gate to hold nothing", 60)) == len(names)


def assert_row(row: dict[str, Any], legal: set[int]) -> None:
    """Each row is the price of its own counts, and only a whole answer costs what a whole answer costs."""
    assert row["outcome"] in {"ok", "orphaned", "client_gone", "upstream_error", "drained"}, row
    if row["outcome"] == "ok":
        assert row["charge_nano"] in legal, row
    if row["outcome"] == "orphaned" and not row["delivered_bytes"]:
        assert row["charge_nano"] == 0, row
    assert row["charge_nano"] == worth(row, PLAIN), row
    assert row["overage_nano"] == (max(0, row["charge_nano"] - row["hold_nano"]) if row["hold_nano"] else 0)


def is_answered(till: Till, key: str, plan: Plan) -> bool:
    try:
        return till.ask(key, plan, cap=1).status in {200, 402}
    except httpx.TransportError:
        # Both workers have just been killed.
        return False


def known(till: Till) -> dict[str, dict[str, Any]]:
    """All usage rows by exchange."""
    rows = till.select("SELECT * FROM usage")
    found = {row["exchange_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def unsent(found: dict[str, dict[str, Any]]) -> int:
    """Orphans that nobody may have been asked for: an exchange is recorded before its request leaves."""
    return sum(row["outcome"] == "orphaned" and not row["delivered_bytes"] for row in found.values())


def held_nothing(account: Account) -> dict[str, Any] | None:
    shown: dict[str, Any] = account.till.cli("accounts", "show", account.id)
    return shown if shown["held_nano_usd"] == 0 and not open_exchanges(account.till) else None


def open_exchanges(till: Till) -> int:
    return len(till.select("SELECT exchange_id FROM open_exchanges"))


def posted_nano(till: Till, account: Account) -> int:
    """What the ledger's entries of an account come to."""
    (sums,) = till.select("SELECT coalesce(sum(amount_nano), 0) AS nano FROM entries WHERE party = ?", account.id)
    return int(sums["nano"])
