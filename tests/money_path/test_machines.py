"""Two machines that share a database and a store: one balance for both, whichever of them is there."""

import concurrent.futures
import dataclasses
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from fastgw.storage.valkey import embedded
from tests.fakes.meter import CAPPED, Plan
from tests.money_path.conftest import opened
from tests.money_path.crowd import rush
from tests.money_path.till import Till, Told
from tests.money_path.worth import PLAIN, worth
from tests.path.evidence import until
from tests.storage.sql.postgres import own_database, running_server

CAP = 100
CHARGE_NANO = worth({"in_text": 50, "out_text": CAP}, PLAIN)
pytestmark = pytest.mark.long


@dataclasses.dataclass
class Pair:
    """Both machines, and the store between them."""

    one: Till
    two: Till
    redis_url: str

    def flush(self) -> None:
        """The store forgets everything."""
        client = redis.Redis.from_url(self.redis_url)
        try:
            client.flushall()
        finally:
            client.close()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = Path(tmp_path_factory.mktemp("machines"))
    store = embedded.start(folder / "store")
    try:
        with (
            running_server() as server,
            own_database(server, "machines") as url,
            opened(folder / "one", workers=2, database_url=url, redis_url=store.url) as one,
            opened(folder / "two", workers=2, database_url=url, redis_url=store.url) as two,
        ):
            yield Pair(one, two, store.url)
    finally:
        store.stop()


def race(till: Till, key: str, name: str, count: int) -> list[Told]:
    """So many requests at once, each of which uses its whole cap."""
    plans = [Plan(id=f"{name}-{number}", text=50, said=CAPPED, delay_ms=20) for number in range(count)]
    return rush(till.gateway.url, [till.question(key, plan, "plain/fake-1", cap=CAP) for plan in plans])


def statuses(told: list[Told]) -> Counter[int]:
    return Counter(one.status for one in told)


def test_a_race_over_two_machines(pair: Pair) -> None:
    account = pair.one.account(usd="0.315")
    key = account.key()
    pair.two.until_status(pair.two.question(key, Plan(id="first", text=50, said=CAPPED), "plain/fake-1", cap=CAP), 200)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = [pool.submit(race, till, key, f"both-{till is pair.one}", 400) for till in (pair.one, pair.two)]
        counted = sum((statuses(one.result()) for one in both), Counter[int]())
    assert set(counted) == {200, 402}, counted
    served = counted[200] + 1
    assert served <= 300
    until(lambda: len(account.rows()) == served, "all rows", 30)
    assert account.until_settled()["balance_nano_usd"] == 315_000_000 - served * CHARGE_NANO >= 0
    account.assert_gate_agrees(key)


def test_a_machine_that_is_lost_with_the_gate_and_comes_back(pair: Pair) -> None:
    account = pair.one.account(usd="0.105")
    key = account.key()
    before = statuses(race(pair.one, key, "before", 20)) + statuses(race(pair.two, key, "before-two", 20))
    assert before == Counter({200: 40})
    # Its journal is not drained any more when it dies, and the store forgets what its workers had told.
    keeper = pair.two.gateway.pids()["keeper"]
    os.kill(keeper, signal.SIGSTOP)
    last = statuses(race(pair.two, key, "last", 30))
    # After its supervisor, which would start another one.
    killing = threading.Timer(0.5, os.kill, (keeper, signal.SIGKILL))
    killing.start()
    pair.two.gateway.kill()
    killing.join()
    pair.flush()
    # What it has spent is not known to anybody: nothing may be lent before it is.
    alone = statuses(race(pair.one, key, "alone", 60))
    assert set(alone) <= {503, 402}, alone
    pair.two.gateway.start()
    pair.one.until_status(pair.one.question(key, Plan(id="again", text=50, said=CAPPED), "plain/fake-1", cap=CAP), 200)
    after = statuses(race(pair.one, key, "after", 60)) + statuses(race(pair.two, key, "after-two", 60))
    assert set(after) == {200, 402}, after
    served = 40 + last[200] + 1 + after[200]
    assert served <= 100
    until(lambda: len(account.rows()) == served, "all rows", 30)
    assert account.until_settled()["balance_nano_usd"] == 105_000_000 - served * CHARGE_NANO >= 0
    account.assert_gate_agrees(key)
    pair.one.checked()


def test_a_machine_that_ends_in_order_holds_up_nobody(pair: Pair) -> None:
    account = pair.one.account(usd="1")
    key = account.key()
    assert statuses(race(pair.two, key, "two", 20)) == Counter({200: 20})
    assert pair.two.gateway.stop() == 0
    try:
        pair.flush()
        pair.one.until_status(
            pair.one.question(key, Plan(id="one", text=50, said=CAPPED), "plain/fake-1", cap=CAP), 200
        )
        until(lambda: len(account.rows()) == 21, "all rows", 30)
        assert account.until_settled()["balance_nano_usd"] == 1_000_000_000 - 21 * CHARGE_NANO
    finally:
        pair.two.gateway.start()
