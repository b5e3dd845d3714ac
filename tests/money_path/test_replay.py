"""`Idempotency-Key`: who asks again gets the first answer, and pays once."""

import concurrent.futures
import dataclasses

import pytest

from tests.fakes.meter import Plan
from tests.money_path.crowd import rush
from tests.money_path.refusals import assert_refused
from tests.money_path.till import Account, Asked, Till, Told

CALLERS = ("chat", "responses", "messages", "gemini")


def once(asked: Asked, token: str) -> Asked:
    return dataclasses.replace(asked, headers=asked.headers | {"idempotency-key": token})


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("kind", ["unary", "stream"])
def test_the_first_answer_comes_again(till: Till, payer: tuple[Account, str], caller: str, kind: str) -> None:
    account, key = payer
    plan = Plan(id=f"again-{caller}-{kind}")
    stream = kind == "stream"
    asked = once(till.question(key, plan, "plain/fake-1", caller=caller, stream=stream, cap=50), plan.id)
    first, again = till.send(asked), till.send(asked)
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    assert again.headers["content-type"] == first.headers["content-type"]
    assert len(till.served(plan)) == 1
    paid = till.row(first)["charge_nano"]
    assert paid > 0
    if not stream:
        assert again.cost_nano == first.cost_nano == paid
    account.until_settled()
    asked_rows = [row for row in account.rows() if row["exchange_id"] in {first.exchange_id, again.exchange_id}]
    assert sum(row["charge_nano"] for row in asked_rows) == paid
    assert account.balance_nano == 1_000_000_000 - account.charged_nano()


def test_another_question_under_the_same_name_is_refused(till: Till, payer: tuple[Account, str]) -> None:
    first = once(till.question(payer[1], Plan(id="name-1"), "plain/fake-1", cap=50), "a-name")
    other = once(till.question(payer[1], Plan(id="name-2"), "plain/fake-1", cap=50), "a-name")
    assert till.send(first).status == 200
    told = till.send(other)
    assert told.status == 422
    assert "dempotency" in told.json["error"]["message"]
    assert not till.served(other.plan)


def test_while_the_first_is_running_others_are_told_so(till: Till, payer: tuple[Account, str]) -> None:
    plan = Plan(id="running", gate="running")
    asked = once(till.question(payer[1], plan, "plain/fake-1", cap=50), "running")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(till.send, asked)
        till.until_served(plan)
        told = till.send(asked)
        assert told.status == 409
        assert_refused(told, "chat", told.json["error"]["code"])
        till.meter.gate("running").set()
        first: Told = running.result()
    assert first.status == 200
    assert till.send(asked).body == first.body
    assert len(till.served(plan)) == 1


def test_another_key_has_names_of_its_own(till: Till, payer: tuple[Account, str]) -> None:
    account, key = payer
    plan = Plan(id="two-keys")
    told = [till.send(once(till.question(one, plan, "plain/fake-1", cap=50), "shared")) for one in (key, account.key())]
    assert [one.status for one in told] == [200, 200]
    assert len(till.served(plan)) == 2


def test_a_failure_is_not_kept(till: Till, payer: tuple[Account, str]) -> None:
    plan = Plan(id="failing", fails=500)
    asked = once(till.question(payer[1], plan, "faulty/fake-1", cap=50), "failing")
    assert till.send(asked).status == 502
    assert till.send(asked).status in {502, 503}, "it is tried again, not answered from memory with a success"
    better = once(till.question(payer[1], Plan(id="better"), "plain/fake-1", cap=50), "failing-2")
    assert till.send(better).status == 200


def test_a_refusal_for_money_is_not_kept(till: Till) -> None:
    account = till.account()
    asked = once(till.question(account.key(), Plan(id="pays-later"), "plain/fake-1", cap=50), "pays-later")
    assert till.send(asked).status == 402
    account.credit("1")
    told = till.until_status(asked, 200)
    assert till.row(told)["charge_nano"] > 0


def test_a_hundred_at_once_pay_once(till: Till, payer: tuple[Account, str]) -> None:
    plan = Plan(id="storm", delay_ms=200)
    asked = once(till.question(payer[1], plan, "plain/fake-1", cap=50), "storm")
    told = rush(till.gateway.url, [asked] * 100)
    assert {one.status for one in told} == {200, 409}
    assert len(till.served(plan)) == 1
    assert len({one.body for one in told if one.status == 200}) == 1


@pytest.fixture(scope="module")
def payer(_till: Till) -> tuple[Account, str]:
    """An account with a dollar, and its key."""
    account = _till.account(usd="1")
    return account, account.key()
