"""Payments in SQL: what providers said of each, and the postings that follow from it, in one transaction."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from fastgw.money.topups import Applied, Claim, Opened, Parts, Payment, Standing, merged, standing, state_of
from fastgw.storage.sql.engine import reading
from fastgw.storage.sql.postings import CHARGEBACK, PAYMENT, REFUND, post
from fastgw.storage.sql.tables import ACCOUNTS, PAYMENT_EVENTS, PAYMENTS

PARTY = "operator:"
"""Begins the name of the ledger's party for a provider."""

_encode = msgspec.json.Encoder().encode
_parts = msgspec.json.Decoder(Parts).decode


class Said(Protocol):
    """What is read of a provider's notice."""

    @property
    def event(self) -> str:
        """Its name, once and for all."""

    @property
    def kind(self) -> str:
        """The provider's word for it."""

    @property
    def provider_ref(self) -> str:
        """The provider's id of the payment; may be empty."""

    @property
    def currency(self) -> str:
        """Of the claims; empty when none is about money."""

    @property
    def claims(self) -> Sequence[Claim]:
        """What is said."""


class PaymentStore:
    """The table of payments. Methods wait for the database and raise `sqlalchemy.exc.SQLAlchemyError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self, payment: Payment, *, since_ms: int, most: int) -> Opened:
        """Keep a new payment, unless its account does not exist or has made `most` since `since_ms`."""
        own = PAYMENTS.c.account_id == payment.account_id
        with self._engine.begin() as connection:
            # The account's row is locked, so that two at once are counted one after the other.
            account = select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == payment.account_id).with_for_update()
            if connection.execute(account).one_or_none() is None:
                return Opened.NO_ACCOUNT
            recent = select(func.count()).select_from(PAYMENTS).where(own, PAYMENTS.c.created_at_ms >= since_ms)
            if connection.execute(recent).scalar_one() >= most:
                return Opened.TOO_MANY
            connection.execute(insert(PAYMENTS), {**msgspec.structs.asdict(payment), "parts": ""})
        return Opened.MADE

    def answered(self, payment_id: str, provider_ref: str, now_ms: int) -> None:
        """The provider has prepared a payment. What notices have said meanwhile stays."""
        with self._engine.begin() as connection:
            found = _locked(connection, payment_id)
            state = "open" if found.state == "created" else found.state
            connection.execute(
                update(PAYMENTS)
                .where(PAYMENTS.c.id == payment_id)
                .values(provider_ref=found.provider_ref or provider_ref, state=state, updated_at_ms=now_ms)
            )

    def get(self, payment_id: str) -> Payment | None:
        """One payment by its id."""
        with reading(self._engine) as connection:
            row = connection.execute(select(PAYMENTS).where(PAYMENTS.c.id == payment_id)).one_or_none()
        return None if row is None else _payment(row)

    def find(self, provider: str, *, payment_id: str = "", provider_ref: str = "") -> Payment | None:
        """A provider's payment by our id, else by the provider's."""
        with reading(self._engine) as connection:
            for column, value in ((PAYMENTS.c.id, payment_id), (PAYMENTS.c.provider_ref, provider_ref)):
                wanted = select(PAYMENTS).where(PAYMENTS.c.provider == provider, column == value)
                if value and (row := connection.execute(wanted).first()) is not None:
                    return _payment(row)
        return None

    def unanswered(self, provider: str, since_ms: int) -> bool:
        """Whether a payment made since then has no id of the provider's yet."""
        wanted = select(PAYMENTS.c.id).where(
            PAYMENTS.c.provider == provider, PAYMENTS.c.provider_ref == "", PAYMENTS.c.created_at_ms >= since_ms
        )
        with reading(self._engine) as connection:
            return connection.execute(wanted.limit(1)).first() is not None

    def all(self, *, account_id: str = "", limit: int = 1000) -> list[Payment]:
        """Payments, of one account or of all, newest first."""
        wanted = select(PAYMENTS).order_by(PAYMENTS.c.created_at_ms.desc(), PAYMENTS.c.id).limit(limit)
        if account_id:
            wanted = wanted.where(PAYMENTS.c.account_id == account_id)
        with reading(self._engine) as connection:
            return [_payment(row) for row in connection.execute(wanted)]

    def apply(self, payment_id: str, notice: Said, now_ms: int) -> Applied:
        """Put a notice on record and post what changes by it.

        The payment's row is locked meanwhile, so notices that come at once are acted upon one after the other.
        """
        with self._engine.begin() as connection:
            before = _locked(connection, payment_id)
            seen = select(PAYMENT_EVENTS.c.event).where(
                PAYMENT_EVENTS.c.provider == before.provider, PAYMENT_EVENTS.c.event == notice.event
            )
            if connection.execute(seen).one_or_none() is not None:
                return Applied.AGAIN
            parts = _after(before, notice)
            event = {
                "provider": before.provider,
                "event": notice.event,
                "payment_id": payment_id,
                "kind": notice.kind if parts is not None else f"refused: {notice.kind}"[:64],
                "at_ms": now_ms,
            }
            connection.execute(insert(PAYMENT_EVENTS), event)
            if parts is None:
                return Applied.REFUSED
            now = standing(parts, before.rate_nano)
            posted = _post(connection, before, now, now_ms)
            connection.execute(
                update(PAYMENTS)
                .where(PAYMENTS.c.id == payment_id)
                .values(
                    provider_ref=before.provider_ref or notice.provider_ref,
                    state=state_of(parts, before.amount_minor, now),
                    paid_minor=now.paid_minor,
                    credited_nano=now.credited_nano,
                    returned_nano=now.refunded_nano + now.disputed_nano,
                    parts=_encode(parts).decode(),
                    updated_at_ms=now_ms,
                )
            )
        return Applied.POSTED if posted else Applied.NOTED


def _after(before: Payment, notice: Said) -> Parts | None:
    """The claims that hold after `notice`; None when it cannot be right."""
    about_money = any(claim.amount_minor for claim in notice.claims)
    if about_money and notice.currency != before.currency:
        return None
    try:
        return merged(before.parts, notice.claims)
    except ValueError:
        return None


def _post(connection: Connection, payment: Payment, now: Standing, now_ms: int) -> bool:
    """Post the differences between what was posted of `payment` and `now`. False: there are none."""
    before = standing(payment.parts, payment.rate_nano)
    moves = (
        (PAYMENT, now.credited_nano - before.credited_nano),
        (REFUND, before.refunded_nano - now.refunded_nano),
        (CHARGEBACK, before.disputed_nano - now.disputed_nano),
    )
    moves_made = [(kind, amount_nano) for kind, amount_nano in moves if amount_nano]
    if not moves_made:
        return False
    # Under the row's lock the events of a payment are counted without gaps: each has a number of its own.
    of_payment = select(func.count()).select_from(PAYMENT_EVENTS).where(PAYMENT_EVENTS.c.payment_id == payment.id)
    number = connection.execute(of_payment).scalar_one()
    for kind, amount_nano in moves_made:
        post(
            connection,
            account_id=payment.account_id,
            amount_nano=amount_nano,
            kind=kind,
            reference=f"{payment.id}:{number}",
            now_ms=now_ms,
            party=PARTY + payment.provider,
        )
    return True


def _locked(connection: Connection, payment_id: str) -> Payment:
    return _payment(connection.execute(select(PAYMENTS).where(PAYMENTS.c.id == payment_id).with_for_update()).one())


def _payment(row: Row[tuple[object, ...]]) -> Payment:
    values = dict(row._mapping)
    values["parts"] = _parts(values["parts"]) if values["parts"] else ()
    return Payment(**values)
