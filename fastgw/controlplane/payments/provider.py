"""The interface that every payment provider is behind, and the values that cross it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from fastgw.money.topups import Claim

Headers = Sequence[tuple[bytes, bytes]]
"""As they came; names in lower case."""

NOTICE_BYTES_MAX = 256 * 1024
"""Of a notice. Stripe's have 3 to 10 KB, NOWPayments' and YooKassa's 1 to 3 KB (2026)."""
ORDER_KEY = "fastgw_payment"
"""Under this name the provider keeps the payment's id in the metadata of its own objects."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """In what, and how much, can be paid through a provider."""

    currency: str
    """Code in upper case."""
    rate_nano: int
    """Nano-USD for a million minor units, today."""
    min_nano: int
    max_nano: int
    step_minor: int = 1
    """Amounts are multiples of it."""


class Order(msgspec.Struct, frozen=True):
    """What a provider is asked to collect."""

    payment_id: str
    amount_minor: int
    currency: str


class Checkout(msgspec.Struct, frozen=True):
    """Where the payer goes."""

    url: str
    provider_ref: str
    """The provider's id of it, 1-128 characters."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says has happened to a payment."""

    event: str
    """Names what is said, for this provider once and for all: the same again is a replay. 1-192 characters."""
    kind: str
    """The provider's own word for it, for the record. 1-64 characters."""
    payment_id: str = ""
    """Ours, as the provider got it with the order; empty if it does not say."""
    provider_ref: str = ""
    """The provider's, as in `Checkout`; empty if it does not say."""
    currency: str = ""
    """Of the claims, in upper case; empty when none is about money."""
    claims: tuple[Claim, ...] = ()
    proven: bool = True
    """Known to come from the provider. If not, nothing of it may be believed but what `confirm` makes of it."""


class PaymentProvider(Protocol):
    """One way to pay. Stateless but for its settings."""

    @property
    def name(self) -> str:
        """As in the settings and in the address that notices go to."""

    @property
    def terms(self) -> Terms:
        """In what, and how much, can be paid now."""

    async def checkout(self, order: Order) -> Checkout:
        """Have the provider prepare a payment. Asked twice for the same order it makes no second one, where the
        provider can do that. Raises `ProviderFailed`."""

    async def understand(self, headers: Headers, body: bytes, source_ip: str) -> list[Notice]:
        """What a notice says; nothing if it is none that matters. Raises `NoticeRefused` for one that is not the
        provider's, and `ProviderFailed` when its API was needed and did not answer."""

    async def confirm(self, notice: Notice) -> Notice | None:
        """What the provider's API says of what `notice` is about, if that was not proven. None: nothing.
        Raises `ProviderFailed`."""


class NoticeRefused(Exception):
    """Not from the provider, or nothing that can be read. The text is for the log and for the sender."""

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class ProviderFailed(Exception):
    """The provider's API did not do what was asked. The text is for the operator's log and holds no secret."""

    def __init__(self, text: str, *, again: bool) -> None:
        super().__init__(text)
        self.again = again
        """Another try later may help."""


def header(headers: Headers, name: bytes) -> str:
    """The first value of a header, without white space around; empty if there is none."""
    found = next((value for key, value in headers if key.lower() == name), b"")
    return found.decode("latin-1").strip()
