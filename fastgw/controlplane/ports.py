"""What the control plane needs of others; `fastgw.app` puts stages, stores and threads behind it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from fastgw.controlplane.answering import Request
from fastgw.money.topups import Payment
from fastgw.settings.prices import Price
from fastgw.spending import Place, UsageRow

T = TypeVar("T")


class Holder(msgspec.Struct, frozen=True):
    """Who calls with an API key."""

    key_id: str
    account_id: str
    """Empty when nobody pays for the key."""
    bucket: str
    """What wrong codes are counted by: the client's address."""


class Callers(Protocol):
    """Who calls."""

    async def holder(self, request: Request) -> Holder:
        """By the API key, within its limits of requests. Raises `GatewayError`."""

    def address(self, request: Request) -> tuple[str, str]:
        """The client's address, and the name that limits count it by."""

    async def blocked(self, bucket: str) -> bool:
        """Whether an address has tried too many wrong keys, codes or tokens this minute."""

    async def wrong(self, bucket: str) -> None:
        """Count one more."""


class Account(Protocol):
    """Who pays, as it is stored."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def prepaid(self) -> bool:
        """Whether its balance is limited."""

    @property
    def balance_nano(self) -> int:
        """May be negative."""

    @property
    def created_at_ms(self) -> int:
        """Unix milliseconds."""


class Posted(Protocol):
    """One posting to an account."""

    @property
    def kind(self) -> str:
        """In one word: `credit`, `code`, `payment`."""

    @property
    def reference(self) -> str:
        """Unique with the kind."""

    @property
    def amount_nano(self) -> int:
        """Positive: the balance grew."""

    @property
    def at_ms(self) -> int:
        """Unix milliseconds."""

    @property
    def note(self) -> str:
        """Of whoever posted it."""


class AccountBook(Protocol):
    """Accounts and their money. Methods wait, and raise `Refused` for what cannot be done."""

    def all(self) -> Sequence[Account]:
        """Every account."""

    def find(self, id_or_name: str) -> Account | None:
        """One account."""

    def create(self, name: str, *, prepaid: bool, now_ms: int) -> Account:
        """A new one without money."""

    def credit(self, account_id: str, amount_nano: int, *, now_ms: int, reference: str, note: str) -> bool:
        """Post a credit once for its reference; False when it was posted before."""

    def held(self, account_id: str) -> int:
        """What running exchanges hold, in nano-USD."""

    def history(self, account_id: str, *, limit: int) -> Sequence[Posted]:
        """The latest postings except charges, newest first."""


class PriceBook(Protocol):
    """Prices of the admin API. Methods wait."""

    def all(self) -> Mapping[str, Price]:
        """Every price by its model."""

    def put(self, model: str, price: Price, now_ms: int) -> None:
        """Set one."""

    def delete(self, model: str) -> bool:
        """Forget one; False when there was none."""


class Redeemed(Protocol):
    """What a code brought."""

    @property
    def amount_nano(self) -> int:
        """Nano-USD."""

    @property
    def again(self) -> bool:
        """The account had it already."""


class CodeBook(Protocol):
    """Redemption codes. Methods wait."""

    def redeem(self, text: str, account_id: str, *, now_ms: int) -> Redeemed:
        """Credit a code to an account, once. Raises `Refused` (400, `invalid_code`)."""


class PaymentList(Protocol):
    """Top-ups, as they are stored. Methods wait."""

    def get(self, payment_id: str) -> Payment | None:
        """One by its id."""

    def all(self, *, account_id: str, limit: int) -> Sequence[Payment]:
        """Those of an account, newest first."""


class Finding(Protocol):
    """One thing about the ledger that was looked up."""

    @property
    def name(self) -> str:
        """Stable, like `postings_balanced`."""

    @property
    def ok(self) -> bool:
        """Whether it is as it must be."""

    @property
    def detail(self) -> str:
        """A sentence for the operator."""

    @property
    def items(self) -> Sequence[str]:
        """What is wrong, or listed."""


class UsageBook(Protocol):
    """Rows of usage. Methods wait."""

    def rows(
        self, *, since_ms: int, until_ms: int, key_id: str, account_id: str, after: Place | None, limit: int
    ) -> Sequence[UsageRow]:
        """At most `limit` rows behind `after` (None: from the first on), oldest first."""


class Books(Protocol):
    """All of them, as work in a thread gets them."""

    @property
    def accounts(self) -> AccountBook:
        """Accounts."""

    @property
    def prices(self) -> PriceBook:
        """Prices."""

    @property
    def codes(self) -> CodeBook:
        """Redemption codes."""

    @property
    def report(self) -> UsageBook:
        """Usage."""

    @property
    def payments(self) -> PaymentList:
        """Top-ups."""

    def check(self, *, quick: bool) -> Sequence[Finding]:
        """Check the ledger: all of it, or a bounded share."""


class Clerk(Protocol):
    """Who works with the books, off the event loop."""

    async def run(self, work: Callable[[Books], T], *, timeout_s: float = ...) -> T:
        """The result of `work`. Raises `GatewayError` (503) when it cannot be had in time, and what `work` raises."""

    async def moved(self, account_id: str) -> None:
        """Let workers know soon that the balance of an account has changed. Never raises."""


class Started(Protocol):
    """A payment that waits for its payer."""

    @property
    def payment_id(self) -> str:
        """`pay_…`."""

    @property
    def url(self) -> str:
        """Where the payer goes."""

    @property
    def currency(self) -> str:
        """What is to be paid in."""

    @property
    def amount_minor(self) -> int:
        """How much, in that currency's minor unit."""

    @property
    def credit_nano(self) -> int:
        """What the account gets for all of it."""


class Desk(Protocol):
    """Where payments are begun, and notices of providers are taken."""

    async def checkout(self, account_id: str, provider: str, amount_nano: int) -> Started:
        """Begin a payment. Raises `Refused`."""

    async def notify(
        self, provider: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, address: str
    ) -> tuple[int, str]:
        """Act upon a notice: HTTP status and text for its sender. Raises `GatewayError` (503)."""
