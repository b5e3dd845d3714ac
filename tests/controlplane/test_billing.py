"""Top-ups for holders of keys: each code once, each payment to its own account, each notice to its provider."""

import asyncio
from typing import Any

import pytest

from fastgw.controlplane import billing
from fastgw.controlplane.payments.desk import PaymentRefused
from fastgw.money.topups import Opened, Payment
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.codes import Codes
from fastgw.storage.sql.payments import PaymentStore
from tests.controlplane.plane import USD, WRONG_MAX, Plane
from tests.dataplane.caller import Caller


async def test_codes_are_redeemed_once_and_wrong_ones_counted(both: Plane) -> None:
    (code, other) = Codes(both.engine).create(5 * USD, now_ms=1, count=2)
    first = await both.told("POST", "/api/billing/redeem", {"code": code.lower()}, token=both.account_id)
    assert (first["amount_usd"], first["balance_nano_usd"], first["again"]) == ("5", 5 * USD, False)
    again = await both.told("POST", "/api/billing/redeem", {"code": code}, token=both.account_id)
    assert (again["balance_nano_usd"], again["again"]) == (5 * USD, True)
    assert both.clerk.moves == [both.account_id]
    stranger = Accounts(both.engine).create("other", prepaid=True, now_ms=1).id
    assert await both.no("POST", "/api/billing/redeem", {"code": code}, token=stranger) == (400, "invalid_code")
    for wrong in ("nonsense", "", "a\0b", "FGW" * 30, "again"):
        answer = await both.no("POST", "/api/billing/redeem", {"code": wrong}, token=both.account_id)
        assert answer == (400, "invalid_code")
    assert both.callers.attempts == {f"codes:{stranger}": 1, f"codes:{both.account_id}": WRONG_MAX}
    blocked = await both.ask("POST", "/api/billing/redeem", {"code": other}, token=both.account_id)
    assert blocked.status == 429 and blocked.headers[b"retry-after"] == b"60"
    # Neither another account nor the operator, who may come from the same address, is locked out by that.
    assert (await both.told("POST", "/api/billing/redeem", {"code": other}, token=stranger))["amount_usd"] == "5"


async def test_mistakes_that_are_no_guesses_are_not_counted(plane: Plane) -> None:
    for body in ({}, {"code": 5}, b"", {"code": "x", "more": 1}):
        answer = await plane.no("POST", "/api/billing/redeem", body, token=plane.account_id)
        assert answer == (400, "invalid_request")
    assert plane.callers.attempts == {}


async def test_billing_is_for_keys_with_an_account(plane: Plane) -> None:
    for method, path in (
        ("POST", "/api/billing/redeem"),
        ("POST", "/api/billing/checkout"),
        ("GET", "/api/billing/payments"),
        ("GET", "/api/billing/payments/pay_x"),
    ):
        assert await plane.no(method, path, {}, token="wrong") == (401, "invalid_api_key")
        assert await plane.no(method, path, {}, token="-") == (409, "no_account")


async def test_a_payment_is_begun_where_the_provider_says(plane: Plane) -> None:
    body = {"provider": "stripe", "amount_usd": "5.5"}
    begun = await plane.told("POST", "/api/billing/checkout", body, 201, token=plane.account_id)
    assert begun == {
        "id": f"pay_{plane.account_id}",
        "url": "https://pay.example/1",
        "currency": "USD",
        "amount_minor": 550,
        "credit_usd": "5.5",
        "credit_nano_usd": 5_500_000_000,
    }
    for status, code in ((400, "invalid_request"), (404, "not_found"), (429, "rate_limited"), (418, "payment_refused")):
        plane.cashier.refused = PaymentRefused("no", status)
        answer = await plane.no("POST", "/api/billing/checkout", body, token=plane.account_id)
        assert answer == (status, code)
    for amount in ("0", "-5", "many", None, "1e400"):
        asked = {"provider": "stripe", "amount_usd": amount}
        answer = await plane.no("POST", "/api/billing/checkout", asked, token=plane.account_id)
        assert answer == (400, "invalid_request")


async def test_payments_are_shown_to_their_account_alone(both: Plane) -> None:
    payment = Payment(
        id="pay_1",
        provider="stripe",
        provider_ref="cs_secret",
        account_id=both.account_id,
        state="created",
        currency="USD",
        amount_minor=500,
        paid_minor=0,
        rate_nano=10**13,
        credited_nano=0,
        returned_nano=0,
        created_at_ms=5,
        updated_at_ms=5,
    )
    assert PaymentStore(both.engine).open(payment, since_ms=0, most=9) is Opened.MADE
    shown = await both.told("GET", "/api/billing/payments/pay_1", token=both.account_id)
    assert (shown["id"], shown["state"], shown["amount_minor"]) == ("pay_1", "created", 500)
    assert "cs_secret" not in str(shown) and "account_id" not in shown
    assert (await both.told("GET", "/api/billing/payments", token=both.account_id))["data"] == [shown]
    stranger = Accounts(both.engine).create("other", prepaid=True, now_ms=1).id
    for path in ("pay_1", "pay_none", "%00"):
        assert await both.no("GET", f"/api/billing/payments/{path}", token=stranger) == (404, "payment_not_found")
    assert (await both.told("GET", "/api/billing/payments", token=stranger))["data"] == []


async def test_notices_need_no_key_and_have_a_largest_size(plane: Plane) -> None:
    taken = await plane.ask("POST", "/api/payments/stripe/notify", b"x" * 256 * 1024, headers=[])
    assert (taken.status, taken.text, taken.headers[b"content-type"]) == (200, b"ok", b"text/plain; charset=utf-8")
    large = await plane.ask("POST", "/api/payments/stripe/notify", b"x" * (256 * 1024 + 1), headers=[])
    assert large.status == 413
    claimed = [(b"content-length", b"9" * 30)]
    assert (await plane.ask("POST", "/api/payments/stripe/notify", b"", headers=claimed)).status == 413
    assert [(provider, source) for provider, _, source in plane.cashier.notices] == [("stripe", "127.0.0.1")]


async def test_only_so_many_notices_are_held_at_once(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(billing, "NOTICES_MAX", 2)
    scope = {"method": "POST", "root_path": "", "query_string": b"", "headers": []}
    path = "/api/payments/stripe/notify"
    slow = [_Slow(plane.app, "", path=path, **scope) for _ in range(2)]
    for one in slow:
        one.start()
        await asyncio.wait_for(one.asked.wait(), 30)
    refused = await plane.ask("POST", path, b"x", headers=[])
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    for one in slow:
        one.gone.set()
        await one.answer()
    assert (await plane.ask("POST", path, b"x", headers=[])).status == 200
    assert [body for _, body, _ in plane.cashier.notices] == [b"x"]


class _Slow(Caller):
    """Sends nothing, and hangs up."""

    def __init__(self, *said: Any, **how: Any) -> None:
        super().__init__(*said, **how)
        self.asked = asyncio.Event()

    async def _receive(self) -> dict[str, Any]:
        self.asked.set()
        await self.gone.wait()
        return {"type": "http.disconnect"}
