"""Payments and codes, compared with what the ledger has of them. Each function yields a line for each that differs."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

_ID_CHARS = 20
"""Of a payment's id, with which the references of its postings begin."""


def payments(connection: Connection) -> Iterator[str]:
    """What each payment was credited and gave back, against its postings, to its account and from its provider."""
    for row in connection.execute(text(_PAYMENTS)):
        yield (
            f"{row.id}: credited {row.credited_nano} and returned {row.returned_nano} nano-USD, and postings have "
            f"{row.paid_nano or 0} and {-(row.back_nano or 0)}"
        )


def codes(connection: Connection) -> Iterator[str]:
    """Each redeemed code against its posting, and postings of codes that nobody has redeemed."""
    for row in connection.execute(text(_REDEEMED)):
        yield f"code {row.hint}: {row.amount_nano} nano-USD for {row.account_id}, and no such posting"
    for row in connection.execute(text(_UNREDEEMED)):
        yield f"posting {row.id}: of a code that is not redeemed"


# Sums are grouped before they are joined: joined by a part of the reference, no index would help.
_PAYMENTS = f"""
SELECT p.id, p.credited_nano, p.returned_nano, s.paid_nano, s.back_nano FROM payments p LEFT JOIN (
    SELECT substr(t.reference, 1, {_ID_CHARS}) AS payment, e.party AS party,
        sum(CASE WHEN t.kind = 'payment' THEN e.amount_nano ELSE 0 END) AS paid_nano,
        sum(CASE WHEN t.kind = 'payment' THEN 0 ELSE e.amount_nano END) AS back_nano
    FROM postings t JOIN entries e ON e.posting_id = t.id
    WHERE t.kind IN ('payment', 'refund', 'chargeback') AND e.party NOT LIKE 'operator:%'
    GROUP BY substr(t.reference, 1, {_ID_CHARS}), e.party
) s ON s.payment = p.id
WHERE coalesce(s.party, p.account_id) <> p.account_id
    OR coalesce(s.paid_nano, 0) <> p.credited_nano OR coalesce(s.back_nano, 0) <> -p.returned_nano
ORDER BY p.id
"""  # noqa: S608 - nothing of it comes from outside

_REDEEMED = """
SELECT c.hint, c.amount_nano, c.account_id FROM codes c
LEFT JOIN postings t ON t.kind = 'code' AND t.reference = c.digest
LEFT JOIN entries e ON e.posting_id = t.id AND e.party = c.account_id
WHERE c.redeemed_at_ms > 0 AND coalesce(e.amount_nano, 0) <> c.amount_nano ORDER BY c.digest
"""

_UNREDEEMED = """
SELECT t.id FROM postings t JOIN codes c ON c.digest = t.reference
WHERE t.kind = 'code' AND c.redeemed_at_ms = 0 ORDER BY t.id
"""
