"""Accounts over the admin API: credits once for each reference, and nothing for what makes no sense."""

from typing import Any

from tests.controlplane.plane import TOKEN, Plane


async def test_accounts_are_made_shown_and_credited_once(both: Plane) -> None:
    made = await both.told("POST", "/api/admin/accounts", {"name": "new"}, 201)
    assert (made["prepaid"], made["balance_nano_usd"]) == (True, 0)
    assert await both.no("POST", "/api/admin/accounts", {"name": "new"}) == (409, "not_possible")
    path = f"/api/admin/accounts/{made['id']}"
    credit = {"amount_usd": "12.5", "reference": "invoice-7", "note": "paid"}
    first = await both.told("POST", f"{path}/credit", credit)
    again = await both.told("POST", f"{path}/credit", credit)
    assert (first["posted"], again["posted"], again["balance_nano_usd"]) == (True, False, 12_500_000_000)
    assert both.clerk.moves == [made["id"]]
    assert await both.no("POST", f"{path}/credit", credit | {"amount_usd": 13}) == (409, "not_possible")
    header = [(b"idempotency-key", b"invoice-8"), (b"authorization", b"bearer " + TOKEN.encode())]
    assert (await both.told("POST", f"{path}/credit", {"amount_usd": 0.000000001}, headers=header))["posted"]
    shown = await both.told("GET", "/api/admin/accounts/new")
    assert (shown["balance_nano_usd"], shown["balance_usd"]) == (12_500_000_001, "12.500000001")
    assert shown["held_nano_usd"] == 0
    assert [(one["reference"], one["amount_usd"], one["note"]) for one in shown["history"]] == [
        ("invoice-8", "0.000000001", ""),
        ("invoice-7", "12.5", "paid"),
    ]
    listed = await both.told("GET", "/api/admin/accounts")
    assert [one["name"] for one in listed["data"]] == ["team", "new"]


NONSENSE: list[Any] = [
    {"amount_usd": "12"},
    {"amount_usd": "-1", "reference": "r"},
    {"amount_usd": "0", "reference": "r"},
    {"amount_usd": "1e999999", "reference": "r"},
    {"amount_usd": "NaN", "reference": "r"},
    {"amount_usd": True, "reference": "r"},
    {"amount_usd": "9007199.254740993", "reference": "r"},
    {"amount_usd": "0.0000000001", "reference": "r"},
    {"amount_usd": "1", "reference": "r" * 200},
    {"amount_usd": "1", "reference": "r\n"},
    {"amount_usd": "1", "reference": "r", "note": "\0"},
    {"amount_usd": "1", "reference": "r", "to": "x"},
    {"reference": "r"},
    b"",
    b"[",
    b'{"amount_usd": "\xff"}',
    b"[" * 10_000,
]


async def test_credits_that_make_no_sense(plane: Plane) -> None:
    path = f"/api/admin/accounts/{plane.account_id}/credit"
    for body in NONSENSE:
        assert await plane.no("POST", path, body) == (400, "invalid_request"), body
    shown = await plane.told("GET", f"/api/admin/accounts/{plane.account_id}")
    assert (shown["balance_nano_usd"], shown["history"]) == (0, [])


async def test_what_there_is_not(plane: Plane) -> None:
    assert await plane.no("GET", "/api/admin/accounts/acct_nobody") == (404, "account_not_found")
    assert await plane.no("GET", "/api/admin/accounts/a\0b") == (404, "not_found")
    credit = {"amount_usd": "1", "reference": "r"}
    assert await plane.no("POST", "/api/admin/accounts/acct_nobody/credit", credit) == (404, "account_not_found")
    for name in ("", "x" * 300, "a\nb", "acct_mine"):
        assert await plane.no("POST", "/api/admin/accounts", {"name": name}) == (400, "invalid_request")
    assert await plane.no("POST", "/api/admin/accounts", b"x" * 70_000) == (413, "request_too_large")
