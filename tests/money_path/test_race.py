"""A thousand requests at once against four workers and one balance: not one nano-USD too much is spent."""

from collections import Counter
from collections.abc import Sequence

import pytest

from tests.fakes.meter import CAPPED, Plan
from tests.money_path.crowd import rush
from tests.money_path.refusals import assert_cannot_pay
from tests.money_path.till import Account, Asked, Till, Told
from tests.money_path.worth import PLAIN, worth
from tests.path.evidence import until

REQUESTS = 1_000
CAP = 100
PROMPT_TOKENS = 50
CHARGE_NANO = worth({"in_text": PROMPT_TOKENS, "out_text": CAP}, PLAIN)
CALLERS = ("chat", "responses", "messages", "gemini")


def race(till: Till, keys: Sequence[str], name: str, count: int = REQUESTS) -> tuple[list[Asked], list[Told]]:
    """Requests of all dialects, in streams and whole, each of which uses its whole cap."""
    asked = []
    for number in range(count):
        plan = Plan(id=f"{name}-{number}", text=PROMPT_TOKENS, said=CAPPED, delay_ms=20)
        caller, stream = CALLERS[number % 4], number % 8 >= 4
        asked.append(
            till.question(keys[number % len(keys)], plan, "plain/fake-1", caller=caller, stream=stream, cap=CAP)
        )
    return asked, rush(till.gateway.url, asked)


def assert_told(till: Till, asked: Sequence[Asked], told: Sequence[Told]) -> int:
    """Answers or 402, nothing else, and nobody is served who was refused; the result is how many were served."""
    counted = Counter(one.status for one in told)
    assert set(counted) == {200, 402}, counted
    for number, (question, answer) in enumerate(zip(asked, told, strict=True)):
        served = till.served(question.plan)
        if answer.status == 402:
            assert_cannot_pay(answer, CALLERS[number % 4])
            assert not served
        else:
            assert [one.cap for one in served] == [CAP]
    return counted[200]


def assert_paid(account: Account, credit_nano: int, served: int) -> None:
    """The books agree: what was served is what was charged is what is gone."""
    until(lambda: len(account.rows()) >= served, "all rows", 30)
    shown = account.until_settled()
    assert [row["charge_nano"] for row in account.rows()] == [CHARGE_NANO] * served
    assert shown["balance_nano_usd"] == account.balance_nano == credit_nano - served * CHARGE_NANO
    assert shown["balance_nano_usd"] >= 0
    assert not any(row["overage_nano"] for row in account.rows())


def test_one_balance(till: Till) -> None:
    affords = 300
    account = till.account(usd="0.315")
    assert len([name for name in till.gateway.pids() if name.startswith("worker")]) == 4
    assert affords * CHARGE_NANO == 315_000_000
    keys = [account.key() for _ in range(3)]
    asked, told = race(till, keys, "balance")
    served = assert_told(till, asked, told)
    assert 0 < served <= affords
    assert_paid(account, 315_000_000, served)
    account.assert_gate_agrees(keys[0])
    till.checked()


def test_a_balance_is_spent_to_its_end(till: Till) -> None:
    account = till.account(usd="0.0105")
    key = account.key()
    told = [till.ask(key, Plan(id=f"end-{n}", text=PROMPT_TOKENS, said=CAPPED), cap=CAP) for n in range(12)]
    served = [one.status for one in told].count(200)
    assert {one.status for one in told} == {200, 402}
    # The last one needs its whole hold, of which the prompt's bound is more than what the prompt costs in the end.
    assert 9 <= served <= 10
    assert_paid(account, 10_500_000, served)


def test_the_quota_of_a_key(till: Till) -> None:
    account = till.account(usd="100")
    keys = [account.key("--quota-usd", "0.105") for _ in range(2)]
    asked, told = race(till, keys, "quota", 400)
    served = assert_told(till, asked, told)
    assert 0 < served <= 200
    assert_paid(account, 100_000_000_000, served)
    spent = Counter[str]()
    for row in account.rows():
        spent[row["key_id"]] += row["charge_nano"]
    assert len(spent) == 2
    assert max(spent.values()) <= 105_000_000


@pytest.mark.parametrize("window", ["5h", "day", "week", "month"])
def test_the_quota_of_a_window(till: Till, window: str) -> None:
    account = till.account(usd="100")
    key = account.key(f"--quota-{window}-usd", "0.00525")
    asked, told = race(till, [key], f"window-{window}", 40)
    served = assert_told(till, asked, told)
    assert 0 < served <= 5
    assert_paid(account, 100_000_000_000, served)


def test_the_least_of_quota_and_balance_counts(till: Till) -> None:
    account = till.account(usd="0.0042")
    key = account.key("--quota-usd", "10")
    asked, told = race(till, [key], "both", 20)
    served = assert_told(till, asked, told)
    assert 0 < served <= 4
    assert_paid(account, 4_200_000, served)
