"""The port to where payments are kept, in one transaction with the ledger."""

from typing import Protocol

from fastgw.controlplane.payments.provider import Notice
from fastgw.money.topups import Applied, Opened, Payment


class PaymentBook(Protocol):
    """Payments in SQL. Methods wait for the database and raise its errors: call them in a thread."""

    def open(self, payment: Payment, *, since_ms: int, most: int) -> Opened:
        """Keep a new payment, unless its account does not exist or has made `most` since `since_ms`."""

    def answered(self, payment_id: str, provider_ref: str, now_ms: int) -> None:
        """The provider has prepared a payment."""

    def find(self, provider: str, *, payment_id: str = "", provider_ref: str = "") -> Payment | None:
        """A provider's payment by our id, else by the provider's."""

    def unanswered(self, provider: str, since_ms: int) -> bool:
        """Whether a payment made since then has no id of the provider's yet."""

    def apply(self, payment_id: str, notice: Notice, now_ms: int) -> Applied:
        """Put a proven notice on record and post what changes by it, all in one transaction."""

    def all(self, *, account_id: str = "", limit: int = 1000) -> list[Payment]:
        """Payments, of one account or of all, newest first."""
