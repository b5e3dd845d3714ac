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


async def test_operators_are_served(plane: Plane) -> None:
    credit = {"amount_usd": "2", "reference": "r"}
    path = f"/api/admin/accounts/{plane.account_id}"
    assert (await plane.told("POST", f"{path}/credit", credit))["balance_nano_usd"] == 2 * USD
    assert (await plane.told("PUT", "/api/admin/prices/fake/fake-2", {"input": 7}))["source"] == "admin"
    assert (await plane.told("GET", "/api/admin/ledger/check"))["ok"] is True
    assert (await plane.ask("GET", "/api/admin/usage.csv")).text.endswith(b"unpriced\r\n")
    assert await plane.no("GET", "/api/admin/nothing") == (404, "not_found")
    refused = await plane.ask("DELETE", "/api/admin/accounts")
    assert (refused.status, refused.headers[b"allow"]) == (405, b"GET, POST")


async def test_a_database_that_is_away_is_503_and_says_nothing_of_itself(plane: Plane) -> None:
    assert (await plane.ask("GET", "/api/admin/accounts")).status == 200
    with plane.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE accounts RENAME TO elsewhere")
    assert await plane.no("GET", "/api/admin/accounts") == (503, "overloaded")


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
