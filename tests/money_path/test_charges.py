"""Settlement: the charge is the reported usage times the price, to the nano-USD, whoever asks and whoever answers."""

import re
from fractions import Fraction

import pytest

from tests.fakes.meter import Plan
from tests.money_path import desk
from tests.money_path.till import Till, Told
from tests.money_path.worth import ODD, PLAIN, buckets, worth
from tests.path.evidence import until

MODELS = {
    "chat": "chat/fake-1",
    "responses": "responses/fake-1",
    "messages": "messages/claude-sonnet-4-5",
    "gemini": "gemini/gemini-3-pro",
}
KINDS = ("unary", "stream")


def plan_of(name: str) -> Plan:
    """Every class of tokens that the dialects tell of, in odd numbers."""
    return Plan(id=name, text=13, read=29, write=17, write_1h=5, said=23, thought=11, thinks=40)


@pytest.mark.parametrize("spoken", MODELS)
def test_each_class_of_tokens_has_its_price(till: Till, spoken: str) -> None:
    asked = [(caller, kind, plan_of(f"charge-{caller}-{spoken}-{kind}")) for caller in MODELS for kind in KINDS]
    told = [
        till.ask(till.gateway.key, plan, MODELS[spoken], caller=caller, stream=kind == "stream", cap=200)
        for caller, kind, plan in asked
    ]
    for (caller, kind, plan), answer in zip(asked, told, strict=True):
        where = f"{caller} asks {spoken}, {kind}"
        assert answer.status == 200, (where, answer)
        (served,) = till.served(plan)
        assert served.dialect == spoken
        assert served.tokens is not None
        used = buckets(spoken, served.tokens)
        row = till.row(answer)
        assert {name: row[name] for name in used} == used, where
        assert (row["outcome"], row["usage_estimated"], row["unpriced"]) == ("ok", 0, 0), where
        assert row["charge_nano"] == row["cost_nano"] == worth(used, ODD), where
        if kind == "unary":
            assert answer.cost_nano == row["charge_nano"], where


@pytest.mark.parametrize("group", ["dear", "cheap"])
def test_a_group_has_its_margin(till: Till, group: str) -> None:
    account = till.account(usd="1")
    margin = {"dear": Fraction(5, 4), "cheap": Fraction(333_333, 1_000_000)}[group]
    plan = plan_of(f"margin-{group}")
    told = till.ask(account.key("--group", group), plan, "chat/fake-1", cap=200)
    row = till.row(told)
    (served,) = till.served(plan)
    assert served.tokens is not None
    used = buckets("chat", served.tokens)
    assert row["charge_nano"] == told.cost_nano == worth(used, ODD, margin)
    assert row["cost_nano"] == worth(used, ODD)
    assert row["group_name"] == group
    shown = account.until_settled()
    assert shown["balance_nano_usd"] == 1_000_000_000 - row["charge_nano"]


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_attempt_that_answered_is_charged(till: Till, kind: str) -> None:
    account = till.account(usd="1")
    plan = Plan(id=f"failover-{kind}", first_fails=500)
    model = f"pair-{KINDS.index(kind)}"
    told = till.ask(account.key(), plan, model, stream=kind == "stream", cap=50)
    assert told.status == 200, told.body
    assert len(till.served(plan)) == 2
    row = till.row(told)
    assert (row["provider"], row["attempts"]) == ("second", 2)
    assert row["charge_nano"] == worth({"in_text": 11, "out_text": 7}, PLAIN)
    (hop,) = till.select("SELECT * FROM hops WHERE exchange_id = ?", told.exchange_id)
    assert (hop["number"], hop["provider"], hop["provider_model"]) == (1, f"first-{KINDS.index(kind)}", "fake-1")
    assert hop["error"].startswith("upstream_")
    assert hop["cost_nano"] == 0, "who answers 500 bills nothing"
    assert account.until_settled()["balance_nano_usd"] == 1_000_000_000 - row["charge_nano"]


def test_what_a_failed_attempt_may_cost_is_the_operators(till: Till) -> None:
    plan = Plan(id="hop-cost", first_stalls=1)
    told = till.ask(till.gateway.key, plan, "pair-2", cap=50)
    assert told.status == 200, told.body
    row = till.row(told)
    assert row["charge_nano"] == row["cost_nano"] == worth({"in_text": 11, "out_text": 7}, PLAIN)
    (hop,) = till.select("SELECT * FROM hops WHERE exchange_id = ?", told.exchange_id)
    assert hop["error"] == "upstream_timeout"
    assert hop["cost_nano"] > 0, "it had the whole prompt, and may have worked"


def test_an_error_before_any_answer_costs_nothing(till: Till) -> None:
    account = till.account(usd="1")
    key = account.key()
    for status, seen in ((500, 502), (400, 400), (429, 429)):
        told = till.ask(key, Plan(id=f"error-{status}", fails=status), "faulty/fake-1", cap=50)
        assert told.status == seen
        assert till.row(told)["charge_nano"] == 0
    assert account.until_settled()["balance_nano_usd"] == 1_000_000_000


def test_more_than_was_held_is_posted_listed_and_alarmed(till: Till) -> None:
    account = till.account(usd="0.002")
    plan = Plan(id="overage", beyond=1_000)
    told = till.ask(account.key(), plan, cap=20)
    assert told.status == 200
    row = till.row(told)
    owed = worth({"in_text": 11, "out_text": 1_007}, PLAIN)
    assert row["charge_nano"] == told.cost_nano == owed
    assert row["overage_nano"] == owed - row["hold_nano"] > 0
    shown = account.until_settled()
    assert shown["balance_nano_usd"] == 2_000_000 - owed < 0
    checked = desk.run(till.gateway, "ledger", "check", "--json")
    assert told.exchange_id in checked.stdout, "each overage is listed"
    until(lambda: re.search(r"WARNING.*overage", till.gateway.log), "the alarm")
    assert till.ask(account.key(), Plan(id="after-overage"), cap=1).status == 402


@pytest.mark.parametrize("form", ["comment", "event"])
def test_a_stream_tells_its_cost_to_who_asks(till: Till, form: str) -> None:
    told = till.ask(till.gateway.key, Plan(id=f"told-{form}"), stream=True, headers=cost_asked(form))
    assert told.status == 200
    row = till.row(told)
    assert cost_in(told) == row["charge_nano"] == worth({"in_text": 11, "out_text": 7}, PLAIN)


def test_a_stream_tells_no_cost_unasked(till: Till) -> None:
    told = till.ask(till.gateway.key, Plan(id="told-not"), stream=True)
    assert b"cost" not in told.body


def cost_asked(form: str) -> dict[str, str]:
    """The header by which a caller asks for it."""
    return {"x-fastgw-cost": form}


def cost_in(told: Told) -> int:
    """The cost that a stream tells, in nano-USD."""
    found = re.search(rb"cost[-_a-z]*\W+([0-9.]+)", told.body)
    assert found is not None, told.body
    exact = Fraction(found[1].decode()) * 1_000_000_000
    assert exact.denominator == 1
    return int(exact)
