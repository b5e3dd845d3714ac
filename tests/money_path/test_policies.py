"""What an operator may choose: another status for who cannot pay, and a bounded allowance while the gate is away."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.meter import CAPPED, Plan
from tests.money_path.conftest import opened
from tests.money_path.refusals import assert_cannot_pay, assert_refused
from tests.money_path.till import Till
from tests.money_path.worth import PLAIN, worth
from tests.path.evidence import until

ALLOWANCE_NANO = 5_000_000
CHARGE_NANO = worth({"in_text": 50, "out_text": 100}, PLAIN)
MONEY = '[money]\ngate_away = "allowance"\nallowance_usd = "0.005"\noutput_cap_default = 300\n'


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """One worker, so that one allowance is all there is."""
    folder = Path(tmp_path_factory.mktemp("lenient"))
    with opened(folder, workers=1, top="insufficient_status = 403", more=MONEY) as till:
        yield till


@pytest.mark.parametrize("caller", ["chat", "responses", "messages", "gemini"])
def test_another_status_for_who_cannot_pay(lenient: Till, empty: str, caller: str) -> None:
    assert_cannot_pay(lenient.ask(empty, Plan(id=f"403-{caller}"), caller=caller, cap=10), caller, 403)


def test_the_cap_by_default(lenient: Till) -> None:
    plan = Plan(id="default-cap")
    assert lenient.ask(lenient.account(usd="1").key(), plan).status == 200
    assert [one.cap for one in lenient.served(plan)] == [300]


def test_a_bounded_allowance_while_the_gate_is_away(lenient: Till) -> None:
    account = lenient.account(usd="1")
    key = account.key()
    plans = [Plan(id=f"allowed-{number}", text=50, said=CAPPED) for number in range(12)]
    assert lenient.ask(key, plans[0], cap=100).status == 200
    pid = lenient.gateway.pids()["valkey"]
    os.kill(pid, signal.SIGSTOP)
    try:
        told = [lenient.ask(key, plan, cap=100) for plan in plans[1:]]
    finally:
        os.kill(pid, signal.SIGCONT)
    served = [one.status for one in told].count(200)
    assert 1 <= served <= ALLOWANCE_NANO // CHARGE_NANO
    for one in told[served:]:
        assert one.status == 503
        assert_refused(one, "chat", "gate_unavailable")
    last = lenient.until_status(
        lenient.question(key, Plan(id="back", text=50, said=CAPPED), "plain/fake-1", cap=100), 200
    )
    assert lenient.row(last)["charge_nano"] == CHARGE_NANO
    owed = (served + 2) * CHARGE_NANO
    until(lambda: account.balance_nano == 1_000_000_000 - owed, "what was spent of the allowance to be charged")
    account.until_settled()
    lenient.checked()


@pytest.fixture(scope="module")
def empty(lenient: Till) -> str:
    """A key of an account without money."""
    return lenient.account().key()
