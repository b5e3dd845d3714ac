"""The control plane of a whole worker over a real database and store: who may do what, once, and how no is said."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from fastgw import apikey
from fastgw.app.worker_app import asgi
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.providers import VENDORS
from fastgw.settings import load
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.codes import Codes
from fastgw.storage.sql.engine import open_engine, url_of
from fastgw.storage.sql.schema import migrate
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.keys import KeyMirror
from tests.dataplane.caller import Caller
from tests.fakes.gateway import provider_toml
from tests.storage.sql.books import exchange, write

TOKEN = "operator-token-of-tests"
USD = 10**9
CONFIG = """
[guard]
wrong_keys_per_min = 5
[[models]]
name = "fast"
targets = ["fake/fake-1"]
[prices."fake/fake-1"]
input = 5
[payments.stripe]
secret_key = "sk_test_1"
webhook_secret = "whsec_1"
success_url = "https://example.com/"
base_url = "http://127.0.0.1:1"
"""


class Plane:
    """One worker's application, and how a test asks it."""

    def __init__(self, app: Any, engine: Engine, mirror: KeyMirror) -> None:
        self.app = app
        self.engine = engine
        self.mirror = mirror
        self.key = ""
        self.account_id = ""

    async def ask(self, method: str, path: str, body: Any = None, *, token: str = TOKEN, **scope: Any) -> Caller:
        path, _, query = path.partition("?")
        whole = {"method": method, "raw_path": path.encode(), "root_path": "", "query_string": query.encode()} | scope
        return await Caller(self.app, token, body, path=path, **whole).answer()

    async def told(self, method: str, path: str, body: Any = None, status: int = 200, **how: Any) -> Any:
        caller = await self.ask(method, path, body, **how)
        assert caller.status == status, caller.text
        assert caller.headers[b"content-type"] == b"application/json" and b"x-request-id" in caller.headers
        return msgspec.json.decode(caller.text)

    async def no(self, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, str]:
        """Status and code of an error, which says no more than it should."""
        caller = await self.ask(method, path, body, **how)
        error = msgspec.json.decode(caller.text)["error"]
        assert set(error) >= {"code", "message"} and "sql" not in caller.text.decode().lower()
        return caller.status, error["code"]

    async def mint(self, account_id: str) -> str:
        key = apikey.mint()
        await self.mirror.sync([Principal("key_a", apikey.digest(key), 1, "a", Limits(), account_id=account_id)])
        return key


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    url = url_of("", tmp_path)
    migrate(url)
    made = open_engine(url)
    yield made
    made.dispose()


@pytest.fixture
async def plane(tmp_path: Path, engine: Engine) -> AsyncIterator[Plane]:
    server = embedded.start(tmp_path)
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG + provider_toml("fake", "http://127.0.0.1:1/v1"))
    environ = {"FASTGW_DATA_DIR": str(tmp_path), "FASTGW_REDIS_URL": server.url, "FASTGW_ADMIN_TOKEN": TOKEN}
    app = asgi(load(environ, config, VENDORS))
    mirror = KeyMirror(server.url)
    made = Plane(app, engine, mirror)
    made.account_id = Accounts(engine).create("team", prepaid=True, now_ms=1).id
    async with app.router.lifespan_context(app):
        made.key = await made.mint(made.account_id)
        yield made
    await mirror.aclose()
    server.stop()


async def test_accounts_are_made_shown_and_credited_once(plane: Plane) -> None:
    made = await plane.told("POST", "/api/admin/accounts", {"name": "new"}, 201)
    assert (made["prepaid"], made["balance_nano_usd"]) == (True, 0)
    assert await plane.no("POST", "/api/admin/accounts", {"name": "new"}) == (409, "not_possible")
    path = f"/api/admin/accounts/{made['id']}"
    credit = {"amount_usd": "12.5", "reference": "invoice-7", "note": "paid"}
    first = await plane.told("POST", f"{path}/credit", credit)
    again = await plane.told("POST", f"{path}/credit", credit)
    assert (first["posted"], again["posted"], again["balance_nano_usd"]) == (True, False, 12_500_000_000)
    assert await plane.no("POST", f"{path}/credit", credit | {"amount_usd": 13}) == (409, "not_possible")
    header = [(b"idempotency-key", b"invoice-8"), (b"authorization", b"Bearer " + TOKEN.encode())]
    assert (await plane.told("POST", f"{path}/credit", {"amount_usd": 0.000000001}, headers=header))["posted"]
    shown = await plane.told("GET", "/api/admin/accounts/new")
    assert (shown["balance_nano_usd"], shown["balance_usd"], shown["held_nano_usd"]) == (
        12_500_000_001,
        "12.500000001",
        0,
    )
    assert [(one["reference"], one["amount_usd"]) for one in shown["history"]] == [
        ("invoice-8", "0.000000001"),
        ("invoice-7", "12.5"),
    ]
    listed = await plane.told("GET", "/api/admin/accounts")
    assert [one["name"] for one in listed["data"]] == ["team", "new"]


@pytest.mark.parametrize(
    "body",
    [
        {"amount_usd": "12"},
        {"amount_usd": "-1", "reference": "r"},
        {"amount_usd": "0", "reference": "r"},
        {"amount_usd": "1e999999", "reference": "r"},
        {"amount_usd": "NaN", "reference": "r"},
        {"amount_usd": "0.0000000001", "reference": "r"},
        {"amount_usd": "1", "reference": "r" * 200},
        {"amount_usd": "1", "reference": "r\n"},
        {"amount_usd": "1", "reference": "r", "to": "x"},
        {"reference": "r"},
        b"[",
        b'{"amount_usd": "\xff"}',
        b"[" * 100_00,
    ],
)
async def test_credits_that_make_no_sense(plane: Plane, body: Any) -> None:
    path = f"/api/admin/accounts/{plane.account_id}/credit"
    assert await plane.no("POST", path, body) == (400, "invalid_request")
    assert (await plane.told("GET", f"/api/admin/accounts/{plane.account_id}"))["balance_nano_usd"] == 0


async def test_what_there_is_not(plane: Plane) -> None:
    assert await plane.no("GET", "/api/admin/accounts/acct_nobody") == (404, "account_not_found")
    assert await plane.no("GET", "/api/admin/accounts/a\0b") == (404, "not_found")
    credit = {"amount_usd": "1", "reference": "r"}
    assert await plane.no("POST", "/api/admin/accounts/acct_nobody/credit", credit) == (404, "account_not_found")
    assert await plane.no("GET", "/api/admin/nothing") == (404, "not_found")
    refused = await plane.ask("DELETE", "/api/admin/accounts")
    assert (refused.status, refused.headers[b"allow"]) == (405, b"GET, POST")
    assert await plane.no("POST", "/api/admin/accounts", b"x" * 70_000) == (413, "request_too_large")


async def test_prices_are_set_shown_and_taken_back(plane: Plane) -> None:
    path = "/api/admin/prices/fake/fake-2"
    price = {"input": 7, "cache_read": 0, "changes": [{"from": "2027-01-01", "input": 9}]}
    put = await plane.told("PUT", path, price)
    assert put == {"model": "fake/fake-2", "source": "admin", "price": price}
    assert await plane.told("GET", path) == put
    await plane.told("PUT", "/api/admin/prices/fast", {"output": 1})
    listed = await plane.told("GET", "/api/admin/prices")
    assert [(one["model"], one["source"]) for one in listed["data"]] == [
        ("fake/fake-1", "configuration"),
        ("fake/fake-2", "admin"),
        ("fast", "admin"),
    ]
    assert (await plane.told("DELETE", path))["deleted"] is True
    assert await plane.no("DELETE", path) == (404, "price_not_found")
    assert await plane.no("GET", path) == (404, "price_not_found")


async def test_what_the_configuration_prices_is_read_only(plane: Plane) -> None:
    path = "/api/admin/prices/fake/fake-1"
    assert (await plane.told("GET", path))["source"] == "configuration"
    assert await plane.no("PUT", path, {"input": 1}) == (409, "price_in_configuration")
    assert await plane.no("DELETE", path) == (409, "price_in_configuration")


@pytest.mark.parametrize(
    ("model", "body", "answer"),
    [
        ("fake/x", {"inptu": 1}, (400, "invalid_price")),
        ("fake/x", {"input": -1}, (400, "invalid_price")),
        ("fake/x", {"input": 1.5}, (400, "invalid_price")),
        ("fake/x", {"changes": [{"input": 1}]}, (400, "invalid_price")),
        ("fake/x", {"image": {"default": "dear"}}, (400, "invalid_price")),
        ("fake/x", [], (400, "invalid_request")),
        ("nobody/x", {"input": 1}, (404, "model_not_found")),
        ("fake/" + "x" * 300, {"input": 1}, (400, "invalid_request")),
    ],
)
async def test_prices_that_make_no_sense(plane: Plane, model: str, body: Any, answer: tuple[int, str]) -> None:
    assert await plane.no("PUT", f"/api/admin/prices/{model}", body) == answer
    assert len((await plane.told("GET", "/api/admin/prices"))["data"]) == 1


async def test_the_ledger_is_checked(plane: Plane) -> None:
    for query in ("", "?full=true"):
        found = await plane.told("GET", f"/api/admin/ledger/check{query}")
        assert found["ok"] is True and found["full"] is bool(query) and found["findings"]


async def test_usage_as_csv_comes_whole_and_filtered(plane: Plane) -> None:
    write(plane.engine, *(exchange(f"ex_{i:04}", charge_nano=i) for i in range(2_345)))
    write(plane.engine, exchange("ex_other", key_id="key_b", model="=cmd", started_ms=1_763_900_000_000))
    whole = await plane.ask("GET", "/api/admin/usage.csv")
    assert whole.headers[b"content-type"].startswith(b"text/csv")
    rows = whole.text.decode().split("\r\n")
    assert len(rows) == 1 + 2_346 + 1 and rows[0].startswith("exchange_id,started_at") and rows[-1] == ""
    assert len({row.split(",")[0] for row in rows[1:-1]}) == 2_346
    some = await plane.ask("GET", "/api/admin/usage.csv?since=2025-11-22&key=key_b")
    assert some.text.decode().split("\r\n")[1].split(",")[5] == "'=cmd"
    none = await plane.ask("GET", "/api/admin/usage.csv?until=2025-01-01T00:00:00%2B02:00")
    assert len(none.text.splitlines()) == 1
    assert await plane.no("GET", "/api/admin/usage.csv?since=yesterday") == (400, "invalid_request")
    assert await plane.no("GET", "/api/admin/usage.csv?key=a%00") == (400, "invalid_request")


async def test_wrong_tokens_are_counted_and_the_right_one_waits_with_them(plane: Plane) -> None:
    for token in ("", "x", TOKEN + "x", TOKEN[:-1], plane.key):
        caller = await plane.ask("GET", "/api/admin/accounts", token=token)
        assert (caller.status, caller.headers[b"www-authenticate"]) == (401, b"Bearer")
    assert await plane.no("GET", "/api/admin/accounts") == (429, "rate_limited")
    elsewhere = await plane.ask("GET", "/api/admin/accounts", client=("192.0.2.7", 1))
    assert elsewhere.status == 200


async def test_codes_are_redeemed_once_and_wrong_ones_counted(plane: Plane) -> None:
    (code,) = Codes(plane.engine).create(5 * USD, now_ms=1)
    body = {"code": code.lower()}
    first = await plane.told("POST", "/api/billing/redeem", body, token=plane.key)
    assert (first["amount_usd"], first["balance_nano_usd"], first["again"]) == ("5", 5 * USD, False)
    again = await plane.told("POST", "/api/billing/redeem", body, token=plane.key)
    assert (again["balance_nano_usd"], again["again"]) == (5 * USD, True)
    (other,) = Codes(plane.engine).create(USD, now_ms=1)
    for wrong in ("nonsense", "", other[:-1], other[:-2] + "00", "FGW" * 30):
        assert await plane.no("POST", "/api/billing/redeem", {"code": wrong}, token=plane.key) == (400, "invalid_code")
    assert await plane.no("POST", "/api/billing/redeem", {"code": other}, token=plane.key) == (429, "rate_limited")


async def test_billing_is_for_keys_with_an_account(plane: Plane) -> None:
    assert await plane.no("POST", "/api/billing/redeem", {"code": "x"}, token="sk-fgw-x") == (401, "invalid_api_key")
    assert await plane.no("GET", "/api/billing/payments", token=TOKEN) == (401, "invalid_api_key")
    key = await plane.mint("")
    assert await plane.no("GET", "/api/billing/payments", token=key) == (409, "no_account")


async def test_payments_are_asked_for_and_belong_to_their_account(plane: Plane) -> None:
    body = {"provider": "stripe", "amount_usd": "5"}
    assert await plane.no("POST", "/api/billing/checkout", body, token=plane.key) == (503, "provider_unavailable")
    body = {"provider": "stripe", "amount_usd": "0.01"}
    assert await plane.no("POST", "/api/billing/checkout", body, token=plane.key) == (400, "invalid_request")
    body = {"provider": "cash", "amount_usd": "5"}
    assert await plane.no("POST", "/api/billing/checkout", body, token=plane.key) == (404, "not_found")
    (kept,) = (await plane.told("GET", "/api/billing/payments", token=plane.key))["data"]
    assert (kept["provider"], kept["state"], kept["amount_minor"]) == ("stripe", "created", 500)
    path = f"/api/billing/payments/{kept['id']}"
    assert await plane.told("GET", path, token=plane.key) == kept
    stranger = await plane.mint(Accounts(plane.engine).create("other", prepaid=True, now_ms=1).id)
    assert await plane.no("GET", path, token=stranger) == (404, "payment_not_found")
    assert (await plane.told("GET", "/api/billing/payments", token=stranger))["data"] == []


async def test_notices_need_no_key_but_a_signature(plane: Plane) -> None:
    forged = await plane.ask("POST", "/api/payments/stripe/notify", {"id": "evt_1"}, headers=[])
    assert forged.status == 400 and forged.headers[b"content-type"].startswith(b"text/plain")
    assert (await plane.ask("POST", "/api/payments/cash/notify", {}, headers=[])).status == 404
    large = await plane.ask("POST", "/api/payments/stripe/notify", b"x" * 300_000, headers=[])
    assert large.status == 413


async def test_without_a_token_there_is_no_admin_api(tmp_path: Path) -> None:
    environ = {"FASTGW_DATA_DIR": str(tmp_path), "FASTGW_REDIS_URL": "redis://127.0.0.1:1"}
    plane = Plane(asgi(load(environ, None, VENDORS)), None, None)  # type: ignore[arg-type] # neither is asked
    for token in ("", "x" * 20):
        assert await plane.no("GET", "/api/admin/accounts", token=token) == (404, "not_found")
