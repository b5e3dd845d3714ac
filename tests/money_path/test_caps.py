"""The cap of an answer's length: what a limited account may not afford, a provider may not say."""

import pytest

from tests.fakes.meter import CAPPED, Plan
from tests.money_path.refusals import assert_cannot_pay
from tests.money_path.till import OUTPUT_CAP_DEFAULT, Till
from tests.money_path.worth import PLAIN, worth

CALLERS = ("chat", "responses", "messages", "gemini")
MODELS = {"chat": "chat/fake-1", "responses": "responses/fake-1", "gemini": "gemini/gemini-3-pro"}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("kind", ["unary", "stream"])
def test_a_cap_that_is_too_dear_is_refused(till: Till, poor: str, caller: str, kind: str) -> None:
    plan = Plan(id=f"too-dear-{caller}-{kind}")
    told = till.ask(poor, plan, "plain/fake-1", caller=caller, stream=kind == "stream", cap=5_000)
    assert_cannot_pay(told, caller)
    assert not till.served(plan)


@pytest.mark.parametrize("spoken", MODELS)
@pytest.mark.parametrize("caller", ["chat", "responses", "gemini"])
def test_without_a_cap_the_rich_get_what_the_model_has(till: Till, rich: str, caller: str, spoken: str) -> None:
    plan = Plan(id=f"rich-{caller}-{spoken}")
    assert till.ask(rich, plan, MODELS[spoken], caller=caller).status == 200
    (served,) = till.served(plan)
    assert served.cap is not None
    if spoken != "gemini":
        assert served.cap == OUTPUT_CAP_DEFAULT


def test_without_a_cap_the_poor_get_what_they_can_pay(till: Till) -> None:
    account = till.account(usd="0.005")
    key = account.key()
    plan = Plan(id="poor", said=CAPPED)
    told = till.ask(key, plan)
    assert told.status == 200, told.body
    (served,) = till.served(plan)
    # 10,000 nano-USD a token: 500 of them for the whole balance, less what the prompt may cost.
    assert served.cap is not None
    assert 400 <= served.cap < 500
    row = till.row(told)
    assert row["charge_nano"] == worth({"in_text": 11, "out_text": served.cap}, PLAIN) <= row["hold_nano"] <= 5_000_000
    shown = account.until_settled()
    assert shown["balance_nano_usd"] == 5_000_000 - row["charge_nano"] >= 0
    assert row["overage_nano"] == 0


def test_several_choices_share_what_can_be_paid(till: Till) -> None:
    key = till.account(usd="0.02").key()
    plan = Plan(id="choices", said=CAPPED)
    asked = till.question(key, plan, "plain/fake-1")
    asked.body["n"] = 4
    told = till.send(asked)
    assert told.status == 200, told.body
    (served,) = till.served(plan)
    assert served.cap is not None
    assert 400 <= served.cap <= 500


def test_the_cap_of_the_caller_is_left_alone(till: Till, rich: str) -> None:
    for caller in CALLERS:
        plan = Plan(id=f"own-cap-{caller}")
        assert till.ask(rich, plan, "plain/fake-1", caller=caller, cap=77).status == 200
        assert [one.cap for one in till.served(plan)] == [77]


def test_an_account_without_limit_is_given_no_cap(till: Till) -> None:
    plan = Plan(id="no-cap")
    assert till.ask(till.gateway.key, plan).status == 200
    assert [one.cap for one in till.served(plan)] == [None]


def test_nothing_is_served_for_less_than_the_prompt(till: Till) -> None:
    account = till.account(usd="0.000001")
    plan = Plan(id="penniless")
    assert_cannot_pay(till.ask(account.key(), plan), "chat")
    assert not till.served(plan)
    assert account.show()["balance_nano_usd"] == 1_000


@pytest.fixture(scope="module")
def poor(_till: Till) -> str:
    """A key of an account with a cent."""
    return _till.account(usd="0.01").key()


@pytest.fixture(scope="module")
def rich(_till: Till) -> str:
    """A key of an account with plenty."""
    return _till.account(usd="1000").key()
