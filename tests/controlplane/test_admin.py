"""Who the admin API lets in, the check of the ledger, and the export of usage."""

from sqlalchemy import update

from fastgw.controlplane.admin import ROWS_MAX, Admin, LedgerCheck
from fastgw.controlplane.answering import Answer, Request, Served
from fastgw.storage.sql.tables import ACCOUNTS
from tests.controlplane.plane import TOKEN, WRONG_MAX, Plane
from tests.storage.sql.books import NOON_MS, exchange, write


async def test_wrong_tokens_are_counted_and_the_right_one_waits_with_them(plane: Plane) -> None:
    wrong = [b"", b"Bearer", b"Bearer x", f"Bearer {TOKEN}x".encode(), f"Basic {TOKEN}".encode()]
    assert len(wrong) == WRONG_MAX
    for value in wrong:
        caller = await plane.ask("GET", "/api/admin/accounts", headers=[(b"authorization", value)])
        assert (caller.status, caller.headers[b"www-authenticate"]) == (401, b"Bearer")
        assert TOKEN.encode() not in caller.text
    assert await plane.no("GET", "/api/admin/accounts") == (429, "rate_limited")
    elsewhere = await plane.ask("GET", "/api/admin/accounts", client=("192.0.2.7", 1))
    assert elsewhere.status == 200


async def test_every_path_of_it_wants_the_token(plane: Plane) -> None:
    seen = 0
    for route in plane.app.routes:
        if route.path.startswith("/api/admin/"):
            path = route.path.replace("{model:path}", "fake/x").replace("{id}", plane.account_id)
            for method in ("GET", "PUT", "POST", "DELETE"):
                caller = await plane.ask(method, path, {}, token="wrong", client=(f"192.0.2.{seen}", 1))
                assert caller.status in {401, 405}
                seen += 1
    assert seen >= 24
    assert plane.clerk.services.prices.version() == 0


async def test_without_a_token_in_the_settings_none_is_right(plane: Plane) -> None:
    async def never(request: Request) -> Answer:
        raise AssertionError("nobody gets here")

    plane.app = Served(GET=Admin("", plane.callers).guarded(never))
    for token in ("", "x"):
        assert await plane.no("GET", "/api/admin/accounts", token=token) == (404, "not_found")


async def test_the_ledger_is_checked(both: Plane) -> None:
    for query in ("", "?full=true"):
        found = await both.told("GET", f"/api/admin/ledger/check{query}")
        assert found["ok"] is True and found["full"] is bool(query) and found["findings"]
    with both.engine.begin() as connection:
        connection.execute(update(ACCOUNTS).values(balance_nano=77))
    found = await both.told("GET", "/api/admin/ledger/check?full=1")
    assert found["ok"] is False
    assert any(both.account_id in item for one in found["findings"] if not one["ok"] for item in one["items"])


async def test_only_one_full_check_runs(plane: Plane) -> None:
    check = LedgerCheck(plane.clerk)
    plane.app = Served(GET=check)
    with check._full:
        assert await plane.no("GET", "/api/admin/ledger/check?full=true") == (409, "check_running")
        assert (await plane.ask("GET", "/api/admin/ledger/check")).status == 200
    assert (await plane.ask("GET", "/api/admin/ledger/check?full=true")).status == 200


async def test_usage_as_csv_comes_whole_and_filtered(both: Plane) -> None:
    write(both.engine, *(exchange(f"ex_{i:04}", charge_nano=i) for i in range(2 * ROWS_MAX)))
    write(both.engine, exchange("ex_other", key_id="key_b", model="=cmd", started_ms=NOON_MS + 86_400_000))
    whole = await both.ask("GET", "/api/admin/usage.csv")
    assert whole.headers[b"content-type"].startswith(b"text/csv") and whole.ended
    rows = whole.text.decode().split("\r\n")
    assert rows[0].startswith("exchange_id,started_at") and rows[-1] == ""
    assert [row.split(",")[0] for row in rows[1:-1]] == [f"ex_{i:04}" for i in range(2 * ROWS_MAX)] + ["ex_other"]
    some = await both.ask("GET", "/api/admin/usage.csv?since=2025-11-22&key=key_b&account=acct_a")
    assert some.text.decode().split("\r\n")[1].split(",")[5] == "'=cmd"
    for query in ("until=2025-11-21T14:00:00%2B02:00", "account=acct_none", "key=key_none"):
        none = await both.ask("GET", f"/api/admin/usage.csv?{query}")
        assert none.status == 200 and len(none.text.splitlines()) == 1
    assert await both.no("GET", "/api/admin/usage.csv?since=yesterday") == (400, "invalid_request")
    assert await both.no("GET", "/api/admin/usage.csv?key=a%00") == (400, "invalid_request")
    write(both.engine, exchange("ex_team", account_id=both.account_id))
    named = await both.ask("GET", "/api/admin/usage.csv?account=team")
    assert [row.split(",")[0] for row in named.text.decode().split("\r\n")[1:-1]] == ["ex_team"]
    assert await both.no("GET", "/api/admin/usage.csv?account=nosuch") == (404, "account_not_found")
    for query in ("acount=acct_a", "key=", "key=%20", "account=acct_a&x=1"):
        assert await both.no("GET", f"/api/admin/usage.csv?{query}") == (400, "invalid_request")


async def test_a_check_that_is_asked_for_in_other_words_is_refused(plane: Plane) -> None:
    for query in ("full=banana", "full=", "ful=true"):
        assert await plane.no("GET", f"/api/admin/ledger/check?{query}") == (400, "invalid_request")
    assert (await plane.told("GET", "/api/admin/ledger/check?full=false"))["full"] is False
