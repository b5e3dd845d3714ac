"""Postings: the only way in which an account's balance moves. Two sides each, once for each kind and reference."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fastgw.money.amounts import AMOUNT_MAX, usd
from fastgw.storage.sql.tables import ACCOUNTS, ENTRIES, META, MONEY_VERSION, POSTINGS

CHARGES = "charges"
CREDIT = "credit"
DEBIT = "debit"
CODE = "code"
PAYMENT = "payment"
REFUND = "refund"
CHARGEBACK = "chargeback"

OPERATOR = "operator:"
"""What the names of the operator's parties begin with."""
SALES = "operator:sales"
UNKNOWN = "operator:unknown"
"""Charged in place of an account that does not exist; `ledger check` lists it."""

_PARTIES = {CREDIT: "operator:grants", DEBIT: "operator:grants", CODE: "operator:codes"}
_BOTH_SIGNS = {DEBIT, REFUND, CHARGEBACK}
_KINDS = {CREDIT, CODE, PAYMENT} | _BOTH_SIGNS
_REFERENCE_MAX = 192
_PARTY_MAX = 64


class LedgerError(Exception):
    """Something that the ledger does not do. The text says why and what to do, for the operator or a caller."""


def post(
    connection: Connection,
    *,
    account_id: str,
    amount_nano: int,
    kind: str,
    reference: str,
    now_ms: int,
    note: str = "",
    party: str = "",
) -> bool:
    """Move `amount_nano` from `party` to an account, in the transaction of `connection`.

    True when it was posted, False when this kind and reference is there already, for this account and amount. `party`
    is one of the operator's (`operator:stripe`); grants and codes have theirs. Amounts are positive, those of debits,
    refunds and chargebacks have either sign. Raises `LedgerError` before anything is written.
    """
    party = party or _PARTIES.get(kind, "")
    _check(kind, reference, amount_nano, party)
    query = select(ACCOUNTS.c.balance_nano).where(ACCOUNTS.c.id == account_id).with_for_update()
    balance = connection.execute(query).scalar_one_or_none()
    if balance is None:
        raise LedgerError(f"There is no account {account_id!r}.")
    if _posted(connection, account_id, amount_nano, kind, reference):
        return False
    # Charges know no bound: a balance beyond it is led back by credits.
    if abs(balance + amount_nano) > max(AMOUNT_MAX, abs(balance)):
        raise LedgerError(
            f"The balance would be {usd(balance + amount_nano)} USD; no account goes beyond {usd(AMOUNT_MAX)} USD."
        )
    (posting_id,) = connection.execute(
        insert(POSTINGS).returning(POSTINGS.c.id),
        {"kind": kind, "reference": reference, "at_ms": now_ms, "note": note},
    ).one()
    sides = ((account_id, amount_nano), (party, -amount_nano))
    connection.execute(
        insert(ENTRIES), [{"posting_id": posting_id, "party": who, "amount_nano": amount} for who, amount in sides]
    )
    touch(connection, account_id, balance_nano=ACCOUNTS.c.balance_nano + amount_nano, version=ACCOUNTS.c.version + 1)
    return True


def touch(connection: Connection, account_id: str, **values: Any) -> None:
    """Change an account so that the keeper finds it: `changed` takes the next `money_version`."""
    # The counter's row is locked until the commit, so that whoever reads a value has all changes up to it.
    version = connection.execute(
        update(META).where(META.c.name == MONEY_VERSION).values(value=META.c.value + 1).returning(META.c.value)
    ).scalar_one()
    connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == account_id).values(changed=version, **values))


class Charges:
    """Posts what a drained stretch of a journal comes to."""

    def __init__(self, dialect: str) -> None:
        postings = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(POSTINGS)
        self._post = postings.on_conflict_do_nothing(index_elements=["kind", "reference"]).returning(POSTINGS.c.id)
        self._move = (
            update(ACCOUNTS)
            .where(ACCOUNTS.c.id == bindparam("account"))
            .values(balance_nano=ACCOUNTS.c.balance_nano - bindparam("sum"), version=ACCOUNTS.c.version + 1)
        )
        self._enter = insert(ENTRIES)

    def post(self, connection: Connection, charged: Mapping[str, int], reference: str, now_ms: int) -> None:
        """Charge each account its sum (1 or more). No bound holds here: what was used is owed."""
        entries: list[dict[str, Any]] = []
        # In one order everywhere, so that drains of several machines never wait for each other in a circle.
        for account_id in sorted(charged):
            amount_nano = charged[account_id]
            moved = connection.execute(self._move, {"account": account_id, "sum": amount_nano}).rowcount
            posting_id = self._new(connection, f"{reference}:{account_id}", "" if moved else account_id, now_ms)
            payer = account_id if moved else UNKNOWN
            entries.append({"posting_id": posting_id, "party": payer, "amount_nano": -amount_nano})
            entries.append({"posting_id": posting_id, "party": SALES, "amount_nano": amount_nano})
        if entries:
            connection.execute(self._enter, entries)

    def _new(self, connection: Connection, reference: str, note: str, now_ms: int) -> int:
        # The rows say what is charged, once each. A stretch that has new ones although it was drained before (after a
        # part of it could be read again) has another posting, and another name for it.
        tried = reference
        for number in range(2, 1_000):
            row = {"kind": CHARGES, "reference": tried[-_REFERENCE_MAX:], "at_ms": now_ms, "note": note}
            found = connection.execute(self._post, row).scalar_one_or_none()
            if found is not None:
                return int(found)
            tried = f"{reference}#{number}"
        raise LedgerError(f"The stretch {reference} of a journal has been charged a thousand times.")


def _check(kind: str, reference: str, amount_nano: int, party: str) -> None:
    if kind not in _KINDS:
        raise LedgerError(f"{kind!r} is no kind of posting.")
    if not 0 < len(reference) <= _REFERENCE_MAX:
        raise LedgerError(f"A reference has 1 to {_REFERENCE_MAX} characters.")
    if not party.startswith(OPERATOR) or len(party) > _PARTY_MAX:
        raise LedgerError(f"{party!r} is none of the operator's parties.")
    if amount_nano == 0 or (amount_nano < 0 and kind not in _BOTH_SIGNS):
        raise LedgerError(f"The amount of a {kind} must be more than 0.")
    if abs(amount_nano) > AMOUNT_MAX:
        raise LedgerError(f"No amount goes beyond {usd(AMOUNT_MAX)} USD.")


def _posted(connection: Connection, account_id: str, amount_nano: int, kind: str, reference: str) -> bool:
    query = (
        select(ENTRIES.c.party, ENTRIES.c.amount_nano)
        .join(POSTINGS, POSTINGS.c.id == ENTRIES.c.posting_id)
        .where(POSTINGS.c.kind == kind, POSTINGS.c.reference == reference)
    )
    sides: Sequence[tuple[str, int]] = [(row.party, row.amount_nano) for row in connection.execute(query)]
    if not sides:
        return False
    if (account_id, amount_nano) not in sides:
        raise LedgerError(f"The reference {reference!r} is there already, for another account or amount.")
    return True
