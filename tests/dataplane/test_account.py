"""Account endpoints of a whole worker over a real database: always answered, cheap when polled, errors in dialect."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, insert

from fastgw import apikey, clock
from fastgw.dataplane.account import Recent
from fastgw.dataplane.account_range import Days
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal, Quotas
from fastgw.limits import Limits
from fastgw.spending import KeySpending, day_of
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.engine import open_engine, url_of
from fastgw.storage.sql.schema import migrate
from fastgw.storage.sql.tables import KEY_SPENT
from fastgw.storage.valkey import embedded
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker
from tests.storage.sql.books import DAY_MS, exchange, write

USD = 10**9


@pytest.fixture
def books(tmp_path: Path) -> Any:
    """The database of the worker."""
    url = url_of("", tmp_path)
    migrate(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


async def key_of(worker: Worker, **fields: Any) -> str:
    key = apikey.mint()
    whole: dict[str, Any] = {"key_id": "key_a", "epoch": 1, "name": "a", "limits": Limits()} | fields
    await worker.mirror.sync([Principal(digest=apikey.digest(key), **whole)])
    return key


async def get(worker: Worker, key: str, what: str = "usage", query: str = "", **scope: Any) -> Caller:
    app: Callable[..., Any] = getattr(worker.wiring, what)
    path = "/v1/usage" if what == "usage" else f"/dashboard/billing/{what}"
    asked: dict[str, Any] = {"method": "GET", "path": path, "query_string": query.encode()} | scope
    return await Caller(app, key, **asked).answer()


async def told(worker: Worker, key: str, what: str = "usage", query: str = "") -> dict[str, Any]:
    caller = await get(worker, key, what, query)
    assert (caller.status, caller.headers[b"content-type"]) == (200, b"application/json"), caller.text
    assert caller.headers[b"cache-control"] == b"no-store" and b"x-request-id" in caller.headers
    found: dict[str, Any] = msgspec.json.decode(caller.text)
    return found


async def test_an_empty_wallet_is_told_of(worker: Worker, books: Engine) -> None:
    account = Accounts(books).create("team", prepaid=True, now_ms=1)
    key = await key_of(worker, account_id=account.id, prepaid=True)
    empty = await told(worker, key)
    assert (empty["mode"], empty["balance_nano_usd"], empty["status"]) == ("unrestricted", 0, "insufficient_balance")
    assert (await told(worker, key, "subscription"))["hard_limit_usd"] == 0
    assert (await told(worker, key, "billed"))["total_usage"] == 0
    await worker.until_nothing_is_left()


async def test_an_exhausted_quota_is_told_of_with_what_used_it(worker: Worker, books: Engine) -> None:
    now_ms = clock.wall_ms()
    write(
        books,
        exchange("ex_1", charge_nano=3 * USD, started_ms=now_ms),
        exchange("ex_2", charge_nano=USD, started_ms=now_ms - 3 * DAY_MS, model="fake/fake-2"),
        exchange("ex_3", charge_nano=USD, key_id="key_other", started_ms=now_ms),
    )
    with books.begin() as connection:
        row = {"key_id": "key_a", "version": 1, "total_nano": 4 * USD, "month": 202001, "month_nano": 1}
        connection.execute(insert(KEY_SPENT), row)
    key = await key_of(worker, quotas=Quotas(total_nano=4 * USD))
    found = await told(worker, key, query="days=2")
    assert (found["mode"], found["status"]) == ("quota_limited", "quota_exhausted")
    assert found["quota"] == {"limit": 4, "used": 4, "remaining": 0, "unit": "USD"}
    assert (found["usage"]["total"]["cost"], found["usage"]["rpm"]) == (4, 1)
    assert [row["model"] for row in found["model_stats"]] == ["fake/fake-1"]
    whole = await told(worker, key, query="days=90&timezone=Asia/Shanghai")
    assert len(whole["daily_usage"]) == len(whole["model_stats"]) == 2
    assert (await told(worker, key, "subscription"))["hard_limit_usd"] == 4
    assert (await told(worker, key, "billed", "start_date=nonsense"))["total_usage"] == 400


async def test_an_expired_key_learns_that_it_has_expired(worker: Worker, books: Engine) -> None:
    expired = {"expires_at_s": 1_000_000_000, "quotas": Quotas(total_nano=USD)}
    found = await told(worker, await key_of(worker, **expired))
    assert (found["isValid"], found["status"], found["expires_at"]) == (False, "expired", "2001-09-09T01:46:40Z")
    elsewhere = await get(worker, await key_of(worker, key_id="key_b", ips=("203.0.113.0/24",), **expired))
    assert elsewhere.status == 401
    revoked = await get(worker, await key_of(worker, key_id="key_c", disabled=True, **expired))
    assert revoked.status == 401
    await worker.until_nothing_is_left()


async def test_errors_are_told_in_the_dialect_of_who_asks(worker: Worker, books: Engine) -> None:
    wrong = await get(worker, "sk-fgw-wrong")
    assert (wrong.status, msgspec.json.decode(wrong.text)["error"]["type"]) == (401, "authentication_error")
    key = await key_of(worker)
    bad = await get(worker, key, query="days=91")
    assert (bad.status, msgspec.json.decode(bad.text)["error"]["param"]) == (400, "days")
    headers = [(b"anthropic-version", b"2026-10-21"), (b"x-api-key", key.encode())]
    anthropic = await get(worker, key, query="timezone=Mars", headers=headers)
    assert (anthropic.status, msgspec.json.decode(anthropic.text)["type"]) == (400, "error")


async def test_requests_are_limited_like_any_other(worker: Worker, books: Engine) -> None:
    key = await key_of(worker, limits=Limits(requests_per_min=1, requests_burst=1))
    assert (await get(worker, key)).status == 200
    assert (await get(worker, key)).status == 429


async def test_a_store_that_is_away_is_not_asked_about_money(
    worker: Worker, books: Engine, server: embedded.Embedded
) -> None:
    account = Accounts(books).create("team", prepaid=True, now_ms=1)
    key = await key_of(worker, account_id=account.id, prepaid=True, quotas=Quotas(total_nano=USD))
    assert (await get(worker, key)).status == 200
    server.stop()
    assert (await told(worker, key))["status"] == "active"
    assert (await get(worker, key, "models", path="/v1/models")).status == 200


async def test_a_database_that_is_broken_is_503_and_says_nothing_of_itself(worker: Worker) -> None:
    answer = await get(worker, await key_of(worker))
    assert answer.status == 503 and b"retry-after" in answer.headers
    assert b"sql" not in answer.text.lower() and b"table" not in answer.text.lower()


class Slow:
    """A source that counts, and answers when it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.reads = 0
        self.error: GatewayError | None = None

    async def spending(self, key_id: str, account_id: str, first_day: int, last_day: int) -> KeySpending:
        self.reads += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return KeySpending(spent_nano=self.reads)


TODAY = day_of(1_795_277_700_000)
DAYS = Days(TODAY, TODAY)


def holder(key_id: str) -> Principal:
    return Principal(key_id=key_id, digest="", epoch=1, name="", limits=Limits())


async def test_those_who_poll_share_one_read() -> None:
    source = Slow()
    recent = Recent(source, fresh_s=60)
    first = [asyncio.ensure_future(recent.read(holder("key_a"), DAYS)) for _ in range(20)]
    await asyncio.sleep(0)
    first[0].cancel()
    source.go.set()
    assert [one.spent_nano for one in await asyncio.gather(*first[1:])] == [1] * 19
    assert (await recent.read(holder("key_a"), DAYS)).spent_nano == 1
    assert (await recent.read(holder("key_b"), DAYS)).spent_nano == 2
    assert (await recent.read(holder("key_a"), Days(TODAY - 1, TODAY))).spent_nano == 3
    assert source.reads == 3


async def test_what_is_old_is_read_anew_and_an_error_is_everybodys() -> None:
    source = Slow()
    source.go.set()
    recent = Recent(source, fresh_s=0)
    assert [(await recent.read(holder("key_a"), DAYS)).spent_nano for _ in range(3)] == [1, 2, 3]
    source.error = GatewayError(ErrorKind.OVERLOADED, "busy")
    with pytest.raises(GatewayError, match="busy"):
        await recent.read(holder("key_a"), DAYS)
    source.error = None
    assert (await recent.read(holder("key_a"), DAYS)).spent_nano == 5
