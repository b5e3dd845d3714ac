"""The control plane without a worker: real routes and a real database, callers and payments as a test says."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Engine

from fastgw.app.control_routes import routes
from fastgw.app.services import Services
from fastgw.app.topups import TopUps
from fastgw.controlplane.answering import Request
from fastgw.controlplane.payments.desk import Answer, Started
from fastgw.controlplane.ports import Holder
from fastgw.errors import ErrorKind, GatewayError
from fastgw.providers import VENDORS
from fastgw.settings import load
from fastgw.storage.sql.accounts import Accounts
from tests.dataplane.caller import Caller

TOKEN = "operator-token-of-tests"
USD = 10**9
WRONG_MAX = 5
CONFIG = """
[[providers]]
name = "fake"
base_url = "http://127.0.0.1:1/v1"
secret = "x"
[[models]]
name = "fast"
targets = ["fake/fake-1"]
[prices."fake/fake-1"]
input = 5
"""

T = TypeVar("T")


class Clerk:
    """Works at once, and remembers whose balance has moved."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.moves: list[str] = []

    async def run(self, work: Callable[[Services], T], *, timeout_s: float = 0) -> T:
        with self.services.explained():
            return work(self.services)

    async def moved(self, account_id: str) -> None:
        self.moves.append(account_id)


class Callers:
    """Tokens that are names of accounts (`-` for none) are keys; each client address is a bucket."""

    def __init__(self) -> None:
        self.attempts: dict[str, int] = {}

    async def holder(self, request: Request) -> Holder:
        token = request.header(b"authorization").removeprefix("Bearer ")
        if not (token == "-" or token.startswith("acct_")):
            raise GatewayError(ErrorKind.INVALID_API_KEY, "Incorrect API key provided.")
        return Holder("key_a", token.removeprefix("-"), self.address(request)[1])

    def address(self, request: Request) -> tuple[str, str]:
        return request.scope["client"][0], request.scope["client"][0]

    async def blocked(self, bucket: str) -> bool:
        return self.attempts.get(bucket, 0) >= WRONG_MAX

    async def wrong(self, bucket: str) -> None:
        self.attempts[bucket] = self.attempts.get(bucket, 0) + 1


class Cashier:
    """Stands for the desk of payments."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, bytes, str]] = []
        self.refused: Exception | None = None

    async def checkout(self, account_id: str, provider: str, *, amount_usd_nano: int) -> Started:
        if self.refused is not None:
            raise self.refused
        return Started(f"pay_{account_id}", "https://pay.example/1", "USD", amount_usd_nano // 10**7, amount_usd_nano)

    async def notify(self, provider: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, source: str) -> Answer:
        self.notices.append((provider, body, source))
        return Answer(200, "ok")


class Plane:
    """How a test asks it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        config = folder / "plane.toml"
        config.write_text(CONFIG)
        environ = {
            "FASTGW_DATA_DIR": str(folder),
            "FASTGW_REDIS_URL": "redis://127.0.0.1:1",
            "FASTGW_ADMIN_TOKEN": TOKEN,
        }
        self.engine = engine
        self.clerk, self.callers, self.cashier = Clerk(Services(engine)), Callers(), Cashier()
        self.desk = TopUps(self.cashier)  # type: ignore[arg-type] # as much of it as is asked
        self.app: Any = routes(load(environ, config, VENDORS), self.clerk, self.callers, self.desk)
        self.account_id = Accounts(engine).create("team", prepaid=True, now_ms=1).id

    async def ask(self, method: str, path: str, body: Any = None, *, token: str = TOKEN, **scope: Any) -> Caller:
        path, _, query = path.partition("?")
        whole = {"method": method, "root_path": "", "query_string": query.encode()} | scope
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
        assert set(error) == {"code", "message"} and "sql" not in caller.text.decode().lower()
        return caller.status, error["code"]
