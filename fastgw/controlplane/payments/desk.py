"""Top-ups: payments are begun here, and what providers say of them is booked.

Nothing is lost or doubled by a crash between two steps. A payment is kept before its provider hears of it, and the
provider gives its id back with every notice; so money for a page whose address never got here is credited all the same.
A notice is answered with 200 only when all that follows from it is committed; until then the provider sends it again.

How providers are answered: 400 (403, 413) what is not theirs or cannot be read; 503 what could not be booked or
confirmed now, so that they try again; 200 all else, also notices about payments that are not ours (accounts at
providers are shared with other shops and with test systems), because trying again would not help.
"""

import asyncio
import logging
import secrets
import string
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from fastgw import clock
from fastgw.controlplane.payments.book import PaymentBook
from fastgw.controlplane.payments.line import word
from fastgw.controlplane.payments.provider import (
    NOTICE_BYTES_MAX,
    Checkout,
    Headers,
    Notice,
    NoticeRefused,
    Order,
    PaymentProvider,
    ProviderFailed,
    Terms,
)
from fastgw.money.amounts import usd
from fastgw.money.topups import Applied, Opened, Payment, minor_of, nano_of

ID_PREFIX = "pay_"
OPENED_PER_HOUR_MAX = 30
"""Payments that one account may begin: each is a call to the provider and a row."""
UNANSWERED_MS = 48 * 3_600_000
"""How long a payment without the provider's id may still turn up there."""
UNKNOWN_ASKED_MAX = 30
"""Times a minute that a provider is asked about ids that are not known here, while such a payment may turn up."""
STRANGERS_LOGGED_MAX = 60
"""Lines of log a minute about notices that were not acted upon: whoever likes can send them."""
URL_CHARS_MAX = 4096
REF_CHARS_MAX = 128

_ALPHABET = string.digits + string.ascii_lowercase
_HOUR_MS = 3_600_000
_log = logging.getLogger("fastgw.payments")


class PaymentRefused(Exception):
    """A payment cannot be begun. `message` is written for the caller, `status` is the HTTP status of the answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Started(msgspec.Struct, frozen=True):
    """A payment that waits for its payer."""

    payment_id: str
    url: str
    """Where the payer goes."""
    currency: str
    amount_minor: int
    credit_nano: int
    """What the account gets when all of it is paid."""


class Answer(msgspec.Struct, frozen=True):
    """What the sender of a notice is told, as plain text."""

    status: int
    text: str


class Payments:
    """The desk. `moved` is called after an account's balance has changed; if it fails, that is logged."""

    def __init__(
        self,
        providers: Sequence[PaymentProvider],
        book: PaymentBook,
        *,
        moved: Callable[[str], Awaitable[None]] | None = None,
        wall_ms: clock.Clock = clock.wall_ms,
    ) -> None:
        self._providers = {provider.name: provider for provider in providers}
        self._book = book
        self._moved = moved
        self._wall_ms = wall_ms
        self._asking: set[tuple[str, str]] = set()
        self._strangers, self._unknown = _Minute(wall_ms), _Minute(wall_ms)

    @property
    def names(self) -> tuple[str, ...]:
        """Providers that can be paid through."""
        return tuple(self._providers)

    def terms(self, provider: str) -> Terms | None:
        """In what, and how much, can be paid through one; None if it is off."""
        found = self._providers.get(provider)
        return None if found is None else found.terms

    async def of_account(self, account_id: str, limit: int = 100) -> list[Payment]:
        """Its payments, newest first."""
        return await asyncio.to_thread(self._book.all, account_id=account_id, limit=limit)

    async def checkout(
        self, account_id: str, provider: str, *, amount_usd_nano: int = 0, amount_minor: int = 0
    ) -> Started:
        """Begin a payment over an amount in USD, or in the provider's currency. Raises `PaymentRefused`."""
        chosen = self._providers.get(provider)
        if chosen is None:
            offered = ", ".join(self._providers) or "none"
            raise PaymentRefused(f"There is no payment provider of this name; there are: {offered}.", 404)
        payment = self._new(account_id, chosen, amount_usd_nano, amount_minor)
        now_ms = payment.created_at_ms
        opened = await asyncio.to_thread(self._book.open, payment, since_ms=now_ms - _HOUR_MS, most=OPENED_PER_HOUR_MAX)
        match opened:
            case Opened.NO_ACCOUNT:
                raise PaymentRefused("There is no such account.", 404)
            case Opened.TOO_MANY:
                raise PaymentRefused("Too many payments were begun within the hour. Finish one of them.", 429)
        try:
            order = Order(payment.id, payment.amount_minor, payment.currency)
            checkout = _sound(await chosen.checkout(order))
        except ProviderFailed as failed:
            _log.warning("payment %s cannot be begun at %s: %s", payment.id, provider, failed)
            if failed.again:
                raise PaymentRefused("The payment provider does not answer. Try again later.", 503) from failed
            raise PaymentRefused("The payment provider does not take this payment.", 502) from failed
        await asyncio.to_thread(self._book.answered, payment.id, checkout.provider_ref, self._wall_ms())
        credit_nano = nano_of(payment.amount_minor, payment.rate_nano)
        return Started(payment.id, checkout.url, payment.currency, payment.amount_minor, credit_nano)

    async def notify(self, provider: str, headers: Headers, body: bytes, source_ip: str) -> Answer:
        """Act upon a notice that came from `source_ip`. Never raises for what a provider or a stranger sends."""
        chosen = self._providers.get(provider)
        if chosen is None:
            return Answer(404, "no such payment provider")
        if len(body) > NOTICE_BYTES_MAX:
            return Answer(413, f"a notice has at most {NOTICE_BYTES_MAX} bytes")
        try:
            for notice in await chosen.understand(headers, body, source_ip):
                await self._act(chosen, notice)
        except NoticeRefused as refused:
            self._stranger(f"a notice for {provider} from {word(source_ip)} is refused: {refused}")
            return Answer(refused.status, str(refused))
        except ProviderFailed as failed:
            self._stranger(f"a notice of {provider} cannot be confirmed: {failed}")
            return Answer(503, "try again later")
        # Whatever else goes wrong, of the database above all: money may be meant, so it has to come again.
        except Exception as error:
            _log.error("a notice of %s cannot be booked", provider, exc_info=error)
            return Answer(503, "try again later")
        return Answer(200, "ok")

    async def _act(self, provider: PaymentProvider, said: Notice) -> None:
        notice = said if said.proven else await self._confirmed(provider, said)
        if notice is None:
            return
        payment = await asyncio.to_thread(
            self._book.find, provider.name, payment_id=notice.payment_id, provider_ref=notice.provider_ref
        )
        if payment is None:
            about = word(notice.payment_id or notice.provider_ref)
            _log.warning("%s: %s about %s, which is not ours", provider.name, word(notice.kind), about)
            return
        applied = await asyncio.to_thread(self._book.apply, payment.id, notice, self._wall_ms())
        if applied is Applied.REFUSED:
            _log.error("%s: %s about payment %s cannot be right: see to it", provider.name, notice.kind, payment.id)
        elif applied is Applied.POSTED:
            _log.info("%s: %s about payment %s is booked", provider.name, notice.kind, payment.id)
            await self._tell(payment.account_id)

    async def _confirmed(self, provider: PaymentProvider, said: Notice) -> Notice | None:
        if not await self._ours(provider.name, said.provider_ref):
            self._stranger(f"{provider.name}: notice about {word(said.provider_ref)}, which is not ours")
            return None
        asking = provider.name, said.provider_ref
        # Payers know the ids of their payments: however many notices they make up, one question at a time is asked.
        # A true one that comes meanwhile may tell of something newer, so it has to come again.
        if asking in self._asking:
            raise ProviderFailed("it is being asked about the same payment already", again=True)
        self._asking.add(asking)
        try:
            return await provider.confirm(said)
        finally:
            self._asking.discard(asking)

    async def _ours(self, provider: str, provider_ref: str) -> bool:
        """Whether a payment is known, or may be the one whose id got lost on its way here. Raises `ProviderFailed`."""
        if await asyncio.to_thread(self._book.find, provider, provider_ref=provider_ref) is not None:
            return True
        if not await asyncio.to_thread(self._book.unanswered, provider, self._wall_ms() - UNANSWERED_MS):
            return False
        # Anybody can make up ids; the true one comes again.
        if self._unknown.count() > UNKNOWN_ASKED_MAX:
            raise ProviderFailed("too many ids in this minute are not known", again=True)
        return True

    def _stranger(self, text: str) -> None:
        count = self._strangers.count()
        if count <= STRANGERS_LOGGED_MAX:
            _log.warning("%s", text)
        elif count == STRANGERS_LOGGED_MAX + 1:
            _log.warning("more notices like the last %d are not logged in this minute", STRANGERS_LOGGED_MAX)

    async def _tell(self, account_id: str) -> None:
        if self._moved is None:
            return
        try:
            await self._moved(account_id)
        # The money is booked; whoever is told finds it soon by itself.
        except Exception as error:
            _log.warning("nobody was told of the new balance of %s", account_id, exc_info=error)

    def _new(self, account_id: str, provider: PaymentProvider, amount_usd_nano: int, amount_minor: int) -> Payment:
        terms = provider.terms
        if (amount_usd_nano > 0) == (amount_minor > 0):
            raise PaymentRefused("Say one amount, above zero: in USD, or in the provider's currency.", 400)
        if amount_usd_nano > 0:
            asked_nano = amount_usd_nano
            amount_minor = -(-minor_of(amount_usd_nano, terms.rate_nano) // terms.step_minor) * terms.step_minor
        else:
            asked_nano = nano_of(amount_minor, terms.rate_nano)
            if amount_minor % terms.step_minor:
                raise PaymentRefused(f"Amounts in {terms.currency} are multiples of {terms.step_minor}.", 400)
        if not terms.min_nano <= asked_nano <= terms.max_nano:
            least, most = usd(terms.min_nano), usd(terms.max_nano)
            raise PaymentRefused(f"The amount must be between {least} and {most} USD.", 400)
        now_ms = self._wall_ms()
        return Payment(
            id=ID_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(16)),
            provider=provider.name,
            provider_ref="",
            account_id=account_id,
            state="created",
            currency=terms.currency,
            amount_minor=amount_minor,
            paid_minor=0,
            rate_nano=terms.rate_nano,
            credited_nano=0,
            returned_nano=0,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )


class _Minute:
    def __init__(self, wall_ms: clock.Clock) -> None:
        self._wall_ms = wall_ms
        self._minute = self._counted = 0

    def count(self) -> int:
        """One more in this minute: how many that makes."""
        minute = self._wall_ms() // 60_000
        self._counted = self._counted + 1 if minute == self._minute else 1
        self._minute = minute
        return self._counted


def _sound(checkout: Checkout) -> Checkout:
    if not checkout.url.startswith(("https://", "http://")) or len(checkout.url) > URL_CHARS_MAX:
        raise ProviderFailed("its address for the payer is none", again=False)
    if not 0 < len(checkout.provider_ref) <= REF_CHARS_MAX:
        raise ProviderFailed("its id for the payment is none", again=False)
    return checkout
