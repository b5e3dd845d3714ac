"""Models without a price, and models whose price is nothing: two different things."""

import pytest

from tests.fakes.meter import Plan
from tests.money_path.refusals import assert_refused
from tests.money_path.till import Till

CALLERS = ("chat", "responses", "messages", "gemini")
BLANK = "blank/fake-1"


def test_an_account_without_limit_is_served_and_it_shows(till: Till) -> None:
    told = till.ask(till.gateway.key, Plan(id="blank"), BLANK)
    assert told.status == 200
    row = till.row(told)
    assert (row["unpriced"], row["charge_nano"], row["cost_nano"]) == (1, 0, 0)
    assert (row["in_text"], row["out_text"]) == (11, 7)
    assert "x-fastgw-cost-usd" not in told.headers, "nobody knows what it costs"
    usage = till.cli("usage")
    (model,) = [one for one in usage["by_model"] if one["model"] == BLANK]
    assert model["unpriced"] == model["requests"] >= 1
    till.checked()


@pytest.mark.parametrize("caller", CALLERS)
def test_a_prepaid_account_is_refused(till: Till, prepaid: str, caller: str) -> None:
    plan = Plan(id=f"blank-{caller}")
    told = till.ask(prepaid, plan, BLANK, caller=caller, cap=10)
    assert 400 <= told.status < 500
    assert told.status not in {401, 402, 429}
    code = {"messages": "type", "gemini": "status"}.get(caller, "code")
    message = assert_refused(told, caller, told.json["error"][code])
    assert "price" in message
    assert BLANK in message or "fake-1" in message
    assert not till.served(plan)


def test_a_price_of_nothing_is_a_price(till: Till, prepaid: str) -> None:
    told = till.ask(prepaid, Plan(id="free"), "free/fake-1", cap=10)
    assert told.status == 200
    assert told.cost_nano == 0
    row = till.row(told)
    assert (row["unpriced"], row["charge_nano"], row["hold_nano"], row["overage_nano"]) == (0, 0, 0, 0)


def test_what_is_free_is_served_to_an_empty_account(till: Till) -> None:
    key = till.account().key()
    assert till.ask(key, Plan(id="free-and-empty"), "free/fake-1").status == 200
    assert till.ask(key, Plan(id="priced-and-empty"), "plain/fake-1").status == 402


@pytest.fixture(scope="module")
def prepaid(_till: Till) -> str:
    """A key of an account that has money."""
    return _till.account(usd="1").key()
