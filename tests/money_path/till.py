"""A gateway that sells, a provider that counts what it serves, and short ways to ask, to pay and to look."""

import itertools
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from tests.cells.callers import CALLERS
from tests.cells.question import Question
from tests.fakes import FakeProvider
from tests.fakes.gateway import Gateway
from tests.fakes.meter import Meter, Plan, Served
from tests.money_path import desk
from tests.money_path.worth import MILLION, PRICES
from tests.path.evidence import until

NANO = 1_000_000_000
OUTPUT_CAP_DEFAULT = 16_384
ADMIN_TOKEN = "an-admin-token-for-tests"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Told:
    """An answer as its caller got it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def exchange_id(self) -> str:
        return self.headers["x-request-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cost_nano(self) -> int:
        """What `x-fastgw-cost-usd` says."""
        exact = Decimal(self.headers["x-fastgw-cost-usd"]) * NANO
        assert exact == exact.to_integral_value()
        return int(exact)


@dataclass(frozen=True)
class Asked:
    """One request, ready to be sent."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    plan: Plan


class Till:
    """The gateway, its provider, and the books of both."""

    def __init__(self, gateway: Gateway, provider: FakeProvider, meter: Meter, database_url: str = "") -> None:
        """Without `database_url` the database is the gateway's own."""
        self.gateway = gateway
        self.provider = provider
        self.meter = meter
        self.database_url = database_url
        # A connection for each request, as the kernel spreads them over the workers.
        self.http = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))

    def cli(self, *arguments: str) -> Any:
        """A verb with `--json`; the result is what it prints."""
        done = desk.run(self.gateway, *arguments, "--json")
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def operate(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A request to the admin API: the same as the command line, without the start of a process."""
        headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
        got = self.http.request(method, f"{self.gateway.url}/api/admin{path}", json=body, headers=headers)
        assert got.status_code < 300, got.text
        told: dict[str, Any] = got.json()
        return told

    def account(self, usd: str = "", name: str = "") -> "Account":
        """A new account with that balance."""
        made = self.operate("POST", "/accounts", {"name": name or f"account-{next(_numbers)}"})
        account = Account(self, made["id"])
        if usd:
            account.credit(usd)
        return account

    def question(
        self, key: str, plan: Plan, model: str, *, caller: str = "chat", stream: bool = False, cap: int | None = None
    ) -> Asked:
        """A question in the caller's dialect. Without `cap` it has none, but for Anthropic's, which must have one."""
        spoken = CALLERS[caller]
        body = spoken.body(Question(text=plan.words(), cap=cap), model, stream=stream)
        return Asked(spoken.path(model, stream=stream), spoken.headers(key), body, plan)

    def ask(
        self,
        key: str,
        plan: Plan | None = None,
        model: str = "plain/fake-1",
        *,
        headers: dict[str, str] | None = None,
        **how: Any,
    ) -> Told:
        """One exchange."""
        return self.send(self.question(key, plan or Plan(), model, **how), headers)

    def send(self, asked: Asked, headers: Mapping[str, str] | None = None) -> Told:
        """The same with a question that is made already."""
        url = self.gateway.url + asked.path
        got = self.http.post(url, json=asked.body, headers={**asked.headers, **(headers or {})})
        return Told(got.status_code, got.headers, got.content)

    def until_status(self, asked: Asked, status: int) -> Told:
        """Ask until it is answered so."""

        def look() -> Told | None:
            try:
                told = self.send(asked)
            except httpx.TransportError:
                # A worker that was killed takes its connections along.
                return None
            return told if told.status == status else None

        return until(look, f"an answer with {status}")

    def until_served(self, plan: Plan) -> Served:
        """Wait until the provider has been asked."""
        return until(lambda: self.served(plan), f"the provider to be asked for {plan.id}")[0]

    def row(self, told: Told) -> dict[str, Any]:
        """The usage row of an answer."""
        query = "SELECT * FROM usage WHERE exchange_id = ?"
        (row,) = until(lambda: self.select(query, told.exchange_id), f"the row of {told}")
        return row

    def select(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What lies in the database; `?` stands for a value."""
        if self.database_url:
            with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
                return list(connection.execute(query.replace("?", "%s").encode(), values))
        path = self.gateway.data_dir / "fastgw.db"
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]
        finally:
            database.close()

    def served(self, plan: Plan) -> list[Served]:
        """What the provider served for a plan."""
        return self.meter.of(plan.id)

    def checked(self) -> Any:
        """What `ledger check` finds; it must find nothing wrong."""
        return self.cli("ledger", "check")


@dataclass(frozen=True)
class Account:
    """One account of a till."""

    till: Till
    id: str

    def credit(self, usd: str) -> None:
        """Pay in by hand."""
        reference = f"credit-{next(_numbers)}"
        self.till.operate("POST", f"/accounts/{self.id}/credit", {"amount_usd": usd, "reference": reference})

    def key(self, *options: str) -> str:
        """A new key that this account pays for."""
        key: str = self.till.cli("keys", "create", "test", "--account", self.id, *options)["key"]
        return key

    def show(self) -> dict[str, Any]:
        """Its balance and what is held of it."""
        return self.till.operate("GET", f"/accounts/{self.id}")

    @property
    def balance_nano(self) -> int:
        """As the ledger has it now."""
        (row,) = self.till.select("SELECT balance_nano FROM accounts WHERE id = ?", self.id)
        return int(row["balance_nano"])

    def rows(self) -> list[dict[str, Any]]:
        """Its usage rows, oldest first."""
        return self.till.select("SELECT * FROM usage WHERE account_id = ? ORDER BY started_ms, exchange_id", self.id)

    def charged_nano(self) -> int:
        """The sum of its charges."""
        return sum(row["charge_nano"] for row in self.rows())

    def until_settled(self) -> dict[str, Any]:
        """Wait until nothing of it is held; the result is what is shown then."""

        def look() -> dict[str, Any] | None:
            try:
                shown = self.show()
            except httpx.TransportError:
                # A worker that was killed takes its connections along.
                return None
            return shown if shown["held_nano_usd"] == 0 else None

        return until(look, f"all holds of {self.id} to be resolved", 30)

    def assert_gate_agrees(self, key: str) -> None:
        """The gate keeps no more back from this account than from a new one, so it holds nothing of it.

        The cap that it writes into a request without one tells what it has. `key` must have no quota.
        """
        self.until_settled()
        # With more than the default cap costs, the cap would tell nothing; with too little, there would be none.
        model, more = ("plain/fake-1", NANO // 20) if self.balance_nano < NANO // 20 else ("dear/fake-1", NANO)
        self.credit(f"{Decimal(more - min(0, self.balance_nano)) / NANO:f}")
        twin = self.till.account(usd=f"{Decimal(self.balance_nano) / NANO:f}")
        expected, step = twin._kept_back(twin.key(), model), PRICES[model]["output"] // MILLION

        def look() -> bool:
            kept = self._kept_back(key, model)
            print(f"the gate keeps {kept} nano-USD back from {self.id}, {expected} from {twin.id}")
            return expected is not None and kept is not None and abs(kept - expected) < step

        until(look, f"the gate to lend all of {self.id}", 30)

    def _kept_back(self, key: str, model: str) -> int | None:
        """What of the balance a request without a cap cannot use for its answer: what its prompt may cost."""
        plan = Plan(id=f"lent-{next(_numbers):06}", said=1)
        told = self.till.ask(key, plan, model)
        if told.status != 200:
            return None
        cap = self.till.served(plan)[0].cap
        assert cap is not None
        assert cap < OUTPUT_CAP_DEFAULT
        row = self.till.row(told)
        return self.balance_nano + int(row["charge_nano"]) - cap * PRICES[model]["output"] // MILLION
