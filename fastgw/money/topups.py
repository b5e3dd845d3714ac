"""What a payment has come to, from what its provider has said of it: in any order, any number of times.

A provider's notice is taken as *claims*. A claim is about one thing (what was paid, what was refunded, one dispute) of
one of the provider's own payments, and carries what is true of it *as a whole*, never a difference. Of two claims about
the same thing the greater one holds, by rank and then by amount. So the claims that hold do not depend on the order in
which notices came, nor on how often, and neither does the balance that follows from them.
"""

import enum
from collections.abc import Iterable

import msgspec

from fastgw.money.amounts import AMOUNT_MAX

RATE_UNITS = 1_000_000
"""A rate is nano-USD for so many minor units."""
PARTS_MAX = 500
"""Of one payment; deposits of dust to an old address make one each."""
DISPUTE = "dispute:"
"""Begins the name of a dispute's part; the provider's id of the dispute follows."""


class Rank(enum.IntEnum):
    """How far along a dispute is; all else has none."""

    NONE = 0
    TAKEN = 1
    """The disputed money has been taken from the operator."""
    WON = 2
    """It came back."""
    LOST = 3
    """It is gone for good: networks may overturn a dispute that was won, never one that was lost."""


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What a provider says of one thing."""

    source: str
    """The provider's own payment that it is about, where one of ours may have several there; else empty."""
    about: str
    """`paid`, `refunded`, `failed`, `expired`, or `DISPUTE` with an id."""
    amount_minor: int = 0
    """As a whole, in the currency of the payment."""
    rank: int = Rank.NONE


Parts = tuple[Claim, ...]
"""Claims that hold, one for each `source` and `about`, in the order of these."""


class Standing(msgspec.Struct, frozen=True):
    """What claims come to. `credited_nano >= refunded_nano + disputed_nano`."""

    paid_minor: int
    credited_nano: int
    """Of all that was ever paid."""
    refunded_nano: int
    disputed_nano: int
    """Taken back by disputes that are not won."""


class Payment(msgspec.Struct, frozen=True):
    """One top-up."""

    id: str
    """`pay_` and 16 characters: what the provider is given as the order's number."""
    provider: str
    provider_ref: str
    """The provider's id of the session, invoice or payment; empty until it has answered."""
    account_id: str
    state: str
    """`created` (the provider has not answered), `open`, `paid`, `partially_paid`, `failed`, `expired`, `refunded`,
    `partially_refunded` or `charged_back`."""
    currency: str
    """Code in upper case: `USD`."""
    amount_minor: int
    """What was asked for, in the currency's minor unit."""
    paid_minor: int
    """What was paid, refunds not deducted."""
    rate_nano: int
    """Nano-USD for `RATE_UNITS` minor units, as it was when the payment was made."""
    credited_nano: int
    returned_nano: int
    """Refunds and disputes."""
    created_at_ms: int
    updated_at_ms: int
    parts: Parts = ()


class Opened(enum.Enum):
    """What became of a new payment."""

    MADE = "made"
    NO_ACCOUNT = "no_account"
    TOO_MANY = "too_many"


class Applied(enum.Enum):
    """What became of a notice."""

    POSTED = "posted"
    """The balance has changed."""
    NOTED = "noted"
    """It is on record, and no money moved."""
    AGAIN = "again"
    """It was there already."""
    REFUSED = "refused"
    """It is on record, but cannot be right: another currency than the payment's, an absurd amount. Somebody
    has to look."""


def merged(parts: Parts, claims: Iterable[Claim]) -> Parts:
    """The claims that hold after `claims`. Raises `ValueError` when one is absurd, or there are too many."""
    held = {(part.source, part.about): part for part in parts}
    for claim in claims:
        if not 0 <= claim.amount_minor <= AMOUNT_MAX:
            raise ValueError(f"an amount of {claim.amount_minor} minor units is no payment")
        if claim.rank and not claim.about.startswith(DISPUTE):
            raise ValueError("only disputes have ranks: a sum that was paid must never be replaced by a lesser one")
        known = held.get((claim.source, claim.about))
        if known is None or (known.rank, known.amount_minor) < (claim.rank, claim.amount_minor):
            held[claim.source, claim.about] = claim
    if len(held) > PARTS_MAX:
        raise ValueError(f"the payment has more than {PARTS_MAX} parts")
    return tuple(held[key] for key in sorted(held))


def standing(parts: Parts, rate_nano: int) -> Standing:
    """What `parts` come to at `rate_nano`. What is taken back of a source is never more than what was paid there."""
    paid = refunded = disputed = 0
    for source in {part.source for part in parts}:
        own = [part for part in parts if part.source == source]
        paid_here = _sum(part for part in own if part.about == "paid")
        refunded_here = min(paid_here, _sum(part for part in own if part.about == "refunded"))
        taken = _sum(part for part in own if part.about.startswith(DISPUTE) and part.rank in _TAKEN)
        paid += paid_here
        refunded += refunded_here
        disputed += min(paid_here - refunded_here, taken)
    credited_nano = nano_of(paid, rate_nano)
    # Sums are rounded, not their parts: what is refunded in full is returned to the last nano-USD.
    refunded_nano = credited_nano - nano_of(paid - refunded, rate_nano)
    returned_nano = credited_nano - nano_of(paid - refunded - disputed, rate_nano)
    return Standing(paid, credited_nano, refunded_nano, returned_nano - refunded_nano)


def state_of(parts: Parts, amount_minor: int, now: Standing) -> str:
    """The `state` of a payment of which the provider has said something."""
    if now.disputed_nano:
        return "charged_back"
    if now.refunded_nano:
        return "refunded" if now.refunded_nano == now.credited_nano else "partially_refunded"
    if now.paid_minor:
        return "paid" if now.paid_minor >= amount_minor else "partially_paid"
    ends = {part.about for part in parts}
    return "failed" if "failed" in ends else "expired" if "expired" in ends else "open"


def nano_of(amount_minor: int, rate_nano: int) -> int:
    """What `amount_minor` is worth in nano-USD, rounded down."""
    return amount_minor * rate_nano // RATE_UNITS


def minor_of(amount_nano: int, rate_nano: int) -> int:
    """The least amount in minor units that is worth `amount_nano`."""
    return -(-amount_nano * RATE_UNITS // rate_nano)


_TAKEN = (Rank.TAKEN, Rank.LOST)


def _sum(parts: Iterable[Claim]) -> int:
    return sum(part.amount_minor for part in parts)
