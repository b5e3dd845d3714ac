"""Holds, caps and charges of one exchange: what is set aside is never less than what a call within its cap can cost."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.dataplane.quote import OUTPUT_TOKENS_LEAST, quoted
from fastgw.dataplane.remember import HELD_BYTES_MAX
from fastgw.dataplane.routing.catalog import Catalog
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import ACCOUNT_PURSE, Ask, Call, Candidate, Grant, Principal, Quotas, RateStatus
from fastgw.limits import Limits
from fastgw.money.amounts import PPM
from fastgw.money.pricing import Pricing, Tariff
from fastgw.protocols import toplevel
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.protocols.registry import CALLERS, PROVIDERS
from fastgw.settings import Settings
from fastgw.settings.money import MoneySettings
from fastgw.usage import Usage

MONEY = MoneySettings()
CATALOG = Catalog.build(Settings(), {})
USD = 1_000_000_000
DEAR = Tariff(in_text=3 * USD, out_text=15 * USD)
CHEAP = Tariff(in_text=USD, out_text=2 * USD)


def principal(*, prepaid: bool = True, quotas: Quotas | None = None, margin_ppm: int = PPM) -> Principal:
    return Principal(
        "key_1", "d", 1, "n", Limits(), account_id="acct_1", prepaid=prepaid, quotas=quotas, margin_ppm=margin_ppm
    )


def candidate(tariff: Tariff | None, name: str = "m", max_output: int = 0, context_length: int = 0) -> Candidate:
    return Candidate(
        provider="p",
        model=name,
        public_model=f"p/{name}",
        credential="c",
        origin="http://p",
        path=b"/",
        headers=(),
        pricing=None if tariff is None else Pricing((tariff,)),
        max_output=max_output,
        context_length=context_length,
    )


def call(dialect: str = "chat", **fields: object) -> Call:
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "hello"}], **fields})
    read = toplevel.decode(body, 64)
    return Call("ex_1", dialect, CALLERS[dialect].peek(read, FromPath()), FromPath(), read, len(body))


def granted(hold_nano: int, who: Principal, purses: int = ACCOUNT_PURSE) -> Grant:
    return Grant(Ask("ex_1", who, "", Limits(), 1), RateStatus(), hold_nano=hold_nano, purses=purses)


def test_the_dearest_candidate_and_every_choice_are_held() -> None:
    asked = call(max_tokens=1_000, n=3)
    made = quoted(MONEY, CATALOG, principal(), asked, [candidate(CHEAP), candidate(DEAR)], 0)
    assert made.hold is not None
    assert made.hold.want_nano == made.hold.least_nano
    assert made.hold.want_nano >= DEAR.charge(Usage(in_text=asked.body_bytes, out_text=3_000))


def test_the_margin_of_the_group_is_held_too() -> None:
    plain = quoted(MONEY, CATALOG, principal(), call(max_tokens=10), [candidate(DEAR)], 0)
    dearer = quoted(MONEY, CATALOG, principal(margin_ppm=2 * PPM), call(max_tokens=10), [candidate(DEAR)], 0)
    assert plain.hold is not None
    assert dearer.hold is not None
    assert dearer.hold.want_nano == 2 * plain.hold.want_nano


def test_a_prepaid_account_is_led_past_what_has_no_price() -> None:
    made = quoted(MONEY, CATALOG, principal(), call(), [candidate(None), candidate(DEAR, "n")], 0)
    assert [one.model for one in made.candidates] == ["n"]
    with pytest.raises(GatewayError) as refused:
        quoted(MONEY, CATALOG, principal(), call(), [candidate(None)], 0)
    assert (refused.value.kind, refused.value.code) == (ErrorKind.MODEL_NOT_ALLOWED, "model_not_priced")


def test_a_quota_of_an_unlimited_account_does_not_bar_what_has_no_price() -> None:
    who = principal(prepaid=False, quotas=Quotas(total_nano=1))
    assert quoted(MONEY, CATALOG, who, call(), [candidate(None)], 0).hold is None
    assert quoted(MONEY, CATALOG, who, call(), [candidate(DEAR)], 0).hold is not None


def test_what_is_free_needs_no_balance() -> None:
    assert quoted(MONEY, CATALOG, principal(), call(), [candidate(Tariff())], 0).hold is None


def test_a_price_of_tomorrow_is_none() -> None:
    tomorrow = candidate(msgspec.structs.replace(DEAR, from_ms=1_000))
    with pytest.raises(GatewayError):
        quoted(MONEY, CATALOG, principal(), call(), [tomorrow], 999)
    assert quoted(MONEY, CATALOG, principal(), call(), [tomorrow], 1_000).hold is not None


def test_without_a_cap_the_models_own_is_written_or_the_default() -> None:
    who = principal()
    for known, cap in ((8_192, 8_192), (0, MONEY.output_cap_default)):
        made = quoted(MONEY, CATALOG, who, call(), [candidate(DEAR, max_output=known)], 0)
        assert made.hold is not None
        capped = made.capped(call(), granted(made.hold.want_nano, who))
        assert msgspec.json.decode(capped.fields["max_completion_tokens"]) == cap
        assert made.hold.least_nano < made.hold.want_nano


def test_a_dearer_service_is_held_and_charged_as_such() -> None:
    fast = msgspec.structs.replace(DEAR, speeds={"priority": Tariff(in_text=6 * USD, out_text=30 * USD)})
    plain = quoted(MONEY, CATALOG, principal(), call(max_tokens=10), [candidate(fast)], 0)
    dear = quoted(MONEY, CATALOG, principal(), call(max_tokens=10, service_tier="priority"), [candidate(fast)], 0)
    assert plain.hold is not None
    assert dear.hold is not None
    assert dear.hold.want_nano > 1.5 * plain.hold.want_nano


def test_a_prediction_may_be_billed_like_an_answer() -> None:
    guess = {"type": "content", "content": "x" * 10_000}
    made = quoted(MONEY, CATALOG, principal(), call(max_tokens=1, prediction=guess), [candidate(DEAR)], 0)
    assert made.hold is not None
    assert made.hold.want_nano >= DEAR.charge(Usage(in_text=10_000, out_text=10_001))


def test_a_cap_of_ours_leaves_room_for_the_prompt() -> None:
    small = candidate(DEAR, context_length=8_192)
    made = quoted(MONEY, CATALOG, principal(), call(), [small], 0)
    assert OUTPUT_TOKENS_LEAST <= made.output_cap <= 8_192 - made.prompt_tokens
    full = quoted(MONEY, CATALOG, principal(), call(user="x" * 9_000), [small], 0)
    assert OUTPUT_TOKENS_LEAST <= full.output_cap < 8_192
    assert quoted(MONEY, CATALOG, principal(), call(max_tokens=8_000), [small], 0).output_cap == 8_000


def test_of_two_names_for_the_cap_one_is_left() -> None:
    who, asked = principal(), call(max_completion_tokens=5, max_tokens=50_000)
    made = quoted(MONEY, CATALOG, who, asked, [candidate(DEAR)], 0)
    assert made.hold is not None
    capped = made.capped(asked, granted(made.hold.want_nano, who))
    assert (msgspec.json.decode(capped.fields["max_completion_tokens"]), "max_tokens" in capped.fields) == (5, False)


@given(share=st.integers(0, 1_000), n=st.integers(1, 4), margin_ppm=st.integers(500_000, 3_000_000))
@settings(max_examples=80, deadline=None)
def test_an_answer_within_the_cap_that_was_written_costs_no_more_than_was_held(
    share: int, n: int, margin_ppm: int
) -> None:
    who, asked = principal(margin_ppm=margin_ppm), call(n=n)
    made = quoted(MONEY, CATALOG, who, asked, [candidate(DEAR), candidate(CHEAP)], 0)
    assert made.hold is not None
    span = made.hold.want_nano - made.hold.least_nano
    hold_nano = made.hold.least_nano + span * share // 1_000
    capped = made.capped(asked, granted(hold_nano, who))
    cap = msgspec.json.decode(capped.fields["max_completion_tokens"])
    assert cap >= OUTPUT_TOKENS_LEAST
    used = Usage(in_text=asked.body_bytes, out_text=cap * n)
    assert DEAR.charge(used, margin_ppm) <= hold_nano


def test_a_cap_that_a_lane_of_responses_cannot_be_told_is_held_as_it_will_be_raised() -> None:
    lane = msgspec.structs.replace(candidate(DEAR), dialect="responses", target=Target(model="m", dialect="responses"))
    asked = call(max_tokens=1)
    held = quoted(MONEY, CATALOG, principal(), asked, [lane], 1).hold
    assert held is not None
    body = PROVIDERS["responses"].encode_request(
        CALLERS["chat"].decode_request(asked.fields, asked.said, Losses()), lane.target, Losses()
    )
    sent = msgspec.json.decode(body)["max_output_tokens"]
    assert held.want_nano == held.least_nano >= DEAR.bound(asked.body_bytes, sent)


def test_what_may_come_back_of_earlier_turns_is_held() -> None:
    called = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]}
    asked = call(messages=[{"role": "user", "content": "hello"}, called])
    own = candidate(DEAR)
    other = msgspec.structs.replace(own, dialect="messages", target=Target(model="m", dialect="messages"))
    without, with_it = (quoted(MONEY, CATALOG, principal(), asked, [lane], 1).prompt_tokens for lane in (own, other))
    assert with_it == without + HELD_BYTES_MAX
    assert quoted(MONEY, CATALOG, principal(), call(), [other], 1).prompt_tokens < HELD_BYTES_MAX


@pytest.mark.parametrize("said", [{}, {"max_output_tokens": 1}])
def test_a_compaction_that_takes_no_cap_is_held_whole(said: dict[str, int]) -> None:
    body = msgspec.json.encode({"model": "m", "input": "hello", **said})
    read = toplevel.decode(body, 64)
    asked = Call("ex_1", "compact", CALLERS["compact"].peek(read, FromPath()), FromPath(), read, len(body))
    lane = msgspec.structs.replace(candidate(DEAR, max_output=5_000), dialect="compact")
    held = quoted(MONEY, CATALOG, principal(), asked, [lane], 1).hold
    assert held is not None
    assert held.want_nano == held.least_nano >= DEAR.bound(len(body), 5_000)


def test_models_that_nothing_was_held_for_are_refused_where_they_would_answer() -> None:
    lane = candidate(CHEAP)
    relay = msgspec.structs.replace(lane, target=Target(model="m", dialect="chat", vendor="openrouter"))
    asked = call(models=["p/dear"])
    assert quoted(MONEY, CATALOG, principal(), asked, [lane], 1).hold is not None
    with pytest.raises(GatewayError) as refused:
        quoted(MONEY, CATALOG, principal(), asked, [lane, relay], 1)
    assert (refused.value.status, refused.value.param) == (400, "models")
