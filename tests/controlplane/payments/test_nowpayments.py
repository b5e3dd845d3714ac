"""NOWPayments: invoices, deposits of any size and number, and notices that are signed over their sorted form."""

import json

import pytest

from fastgw.controlplane.payments.nowpayments import IPN_BYTES_MAX
from fastgw.controlplane.payments.provider import Terms
from tests.controlplane.payments.conftest import CENT, USD, Shop
from tests.fakes.nowpayments import exact, ordered, text_of


async def test_an_invoice_is_asked_for_with_exact_amounts(shop: Shop) -> None:
    started = await shop.desk.checkout(shop.account, "nowpayments", amount_minor=2005)
    assert started.url.startswith("https://nowpayments.io/payment/?iid=")
    (asked,) = shop.coins.asked
    assert b'"price_amount":20.05' in asked.body
    said = asked.json
    assert (said["price_currency"], said["pay_currency"], said["order_id"]) == ("usd", "usdttrc20", started.payment_id)
    assert said["success_url"] == "https://shop.example/paid" and "cancel_url" not in said


async def test_only_the_end_of_a_deposit_is_credited(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20.012345678901234567")
    for status in ("waiting", "confirming", "confirmed", "sending"):
        paid = "" if status == "waiting" else "20.012345678901234567"
        assert await shop.hears("nowpayments", shop.coins.ipn(deposit, status, paid)) == 200
        assert (shop.balance, shop.payment(started).state) == (0, "open")
    for _ in range(3):
        assert await shop.hears("nowpayments", shop.coins.ipn(deposit, "finished")) == 200
    assert (shop.balance, shop.payment(started).state) == (20 * USD, "paid")
    # Late ones change nothing.
    for status in ("waiting", "expired", "failed", "confirming"):
        assert await shop.hears("nowpayments", shop.coins.ipn(deposit, status)) == 200
    assert (shop.balance, shop.payment(started).state) == (20 * USD, "paid")


@pytest.mark.parametrize(
    ("paid", "cents", "state"),
    [("10.5", 1050, "partially_paid"), ("9.9999", 999, "partially_paid"), ("0.001", 0, "open"), ("25", 2500, "paid")],
)
async def test_what_was_paid_is_credited_be_it_less_or_more(shop: Shop, paid: str, cents: int, state: str) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    status = "finished" if cents >= 2000 else "partially_paid"
    assert await shop.hears("nowpayments", shop.coins.ipn(deposit, status, paid)) == 200
    assert (shop.balance, shop.payment(started).state) == (cents * CENT, state)


async def test_a_coin_of_many_digits_is_not_rounded_on_the_way(shop: Shop) -> None:
    started = await shop.desk.checkout(shop.account, "nowpayments", amount_minor=976_363)
    # 9763.63 times this has 31 digits.
    amount = "1274164.509790364009705100"
    deposit = shop.coins.deposit(shop.ref(started), pay_amount=amount, coin="shib")
    assert await shop.hears("nowpayments", shop.coins.ipn(deposit, "finished", amount)) == 200
    assert shop.balance == 976_363 * CENT


async def test_a_part_grows_to_the_whole_in_any_order(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    first = shop.coins.ipn(deposit, "partially_paid", "5")
    whole = shop.coins.ipn(deposit, "finished", "20")
    for sent in (whole, first, whole, first):
        assert await shop.hears("nowpayments", sent) == 200
    assert (shop.balance, shop.postings) == (20 * USD, [("payment", 20 * USD)])


async def test_a_second_coin_for_the_same_invoice_adds_to_the_first(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    tether = shop.coins.deposit(shop.ref(started), pay_amount="20")
    bitcoin = shop.coins.deposit(shop.ref(started), pay_amount="0.0002", coin="btc")
    assert await shop.hears("nowpayments", shop.coins.ipn(tether, "partially_paid", "5")) == 200
    assert await shop.hears("nowpayments", shop.coins.ipn(bitcoin, "finished", "2e-4")) == 200
    assert shop.balance == 25 * USD
    assert await shop.hears("nowpayments", shop.coins.ipn(tether, "refunded")) == 200
    assert (shop.balance, shop.payment(started).state) == (20 * USD, "partially_refunded")


async def test_a_deposit_to_an_old_address_counts_by_what_arrived(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    started = await shop.begin("nowpayments")
    first = shop.coins.deposit(shop.ref(started), pay_amount="20")
    await shop.hears("nowpayments", shop.coins.ipn(first, "finished", "20"))
    again = shop.coins.deposit(shop.ref(started), pay_amount="1", parent=first["payment_id"])
    assert again["price_amount"] == first["price_amount"] == exact("20.00")
    assert await shop.hears("nowpayments", shop.coins.ipn(again, "finished", "1")) == 200
    assert shop.balance == 21 * USD
    other = shop.coins.deposit(shop.ref(started), pay_amount="3", coin="doge", parent=first["payment_id"])
    assert await shop.hears("nowpayments", shop.coins.ipn(other, "finished", "3")) == 200
    assert shop.balance == 21 * USD
    assert "credit it by hand" in caplog.text


async def test_a_deposit_closed_by_hand_is_credited_in_full(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    assert await shop.hears("nowpayments", shop.coins.ipn(deposit, "finished")) == 200
    assert shop.balance == 20 * USD


async def test_a_refund_that_overtakes_the_payment_leaves_nothing(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    paid = shop.coins.ipn(deposit, "finished", "20")
    refunded = shop.coins.ipn(deposit, "refunded")
    for sent in (refunded, paid, refunded, paid):
        assert await shop.hears("nowpayments", sent) == 200
    assert (shop.balance, shop.payment(started).state) == (0, "refunded")


@pytest.mark.parametrize("change", ["missing", "short", "wrong secret", "one digit", "as it came", "other number"])
async def test_a_signature_that_is_not_right_is_refused(shop: Shop, change: str) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    headers, body = shop.coins.ipn(deposit, "finished", "20")
    good = headers[0][1]
    forged = {
        "missing": ([], body),
        "short": ([(b"x-nowpayments-sig", good[:-1])], body),
        "wrong secret": shop.coins.signed(deposit, secret="another"),
        "one digit": ([(b"x-nowpayments-sig", (b"0" if good[:1] != b"0" else b"1") + good[1:])], body),
        "as it came": ([(b"x-nowpayments-sig", good)], body.replace(b'"finished"', b'"finished" ,"a":1')),
        "other number": (headers, body.replace(b'"actually_paid":20', b'"actually_paid":20.0')),
    }[change]
    assert await shop.hears("nowpayments", forged) == 400
    assert (shop.balance, shop.events) == (0, 0)
    upper = [(b"x-nowpayments-sig", good.upper())]
    assert await shop.hears("nowpayments", (upper, body)) == 200
    assert shop.balance == 20 * USD


async def test_of_a_key_that_comes_twice_only_what_was_signed_counts(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    headers, body = shop.coins.ipn(deposit, "partially_paid", "5")
    more = body.replace(b'{"payment_id"', b'{"actually_paid":20,"payment_id"', 1)
    assert await shop.hears("nowpayments", (headers, more)) == 200
    assert shop.balance == 5 * USD
    swapped = body[:-1] + b',"actually_paid":20}'
    assert await shop.hears("nowpayments", (headers, swapped)) == 400


async def test_the_secret_of_another_account_does_not_hold(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    shop.trade(shop.new_coins(secret="another"))
    assert await shop.hears("nowpayments", shop.coins.ipn(deposit, "finished", "20")) == 400


@pytest.mark.parametrize("extra", [[], [5_513_339_153, 7], [{"z": 1, "a": exact("0.10")}]])
async def test_lists_may_be_signed_in_either_way(shop: Shop, extra: list[object]) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    deposit["payment_extra_ids"] = [ordered(one) for one in extra]
    deposit.update(payment_status="finished", actually_paid=20)
    _, body = shop.coins.signed(deposit)
    numbered = {**deposit, "payment_extra_ids": {str(at): ordered(one) for at, one in enumerate(extra)}}
    for headers, _ in (shop.coins.signed(deposit), shop.coins.signed(numbered)):
        assert await shop.hears("nowpayments", (headers, body)) == 200
    assert shop.balance == 20 * USD


@pytest.mark.parametrize(
    "change",
    [
        {"actually_paid": exact("1e999999")},
        {"actually_paid": -5},
        {"actually_paid": "NaN"},
        {"pay_amount": exact("1e-999999")},
        {"payment_status": 7},
        {"payment_id": None},
    ],
)
async def test_absurd_notices_are_refused(shop: Shop, change: dict[str, object]) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    deposit.update({"payment_status": "finished", "actually_paid": 20, **change})
    assert await shop.hears("nowpayments", shop.coins.signed(deposit)) == 400
    assert shop.balance == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"a":' * 100 + b"1" + b"}" * 100])
async def test_garbage_is_refused(shop: Shop, body: bytes) -> None:
    assert await shop.hears("nowpayments", ([(b"x-nowpayments-sig", b"0" * 128)], body)) == 400


async def test_what_is_too_long_is_not_sorted(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    deposit["order_description"] = "x" * IPN_BYTES_MAX
    assert await shop.hears("nowpayments", shop.coins.ipn(deposit, "finished", "20")) == 413
    assert shop.balance == 0


async def test_a_price_in_another_currency_is_converted_at_the_payments_rate(shop: Shop) -> None:
    euro = Terms(currency="EUR", rate_nano=11_500_000 * 1_000_000, min_nano=USD, max_nano=100 * USD)
    shop.trade(shop.new_coins(euro))
    started = await shop.desk.checkout(shop.account, "nowpayments", amount_minor=1000)
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="11.5")
    shop.trade(shop.new_coins())
    assert await shop.hears("nowpayments", shop.coins.ipn(deposit, "finished", "11.5")) == 200
    assert shop.balance == 11_500_000_000


async def test_notices_without_an_order_of_ours_are_ignored(shop: Shop) -> None:
    started = await shop.begin("nowpayments")
    deposit = shop.coins.deposit(shop.ref(started), pay_amount="20")
    deposit.update(payment_status="finished", actually_paid=20, invoice_id=7)
    for order in ("RGDBP-21314", None, ""):
        assert await shop.hears("nowpayments", shop.coins.signed({**deposit, "order_id": order})) == 200
    assert (shop.balance, shop.events) == (0, 0)


def test_the_fake_signs_what_javascript_would() -> None:
    said = {"b": exact("1e-7"), "a": {"d": None, "c": 'ü/"'}}
    assert text_of(ordered(said)) == b'{"a":{"c":"\xc3\xbc/\\"","d":null},"b":1e-7}'
    assert json.loads(text_of(said))["b"] == 1e-7
