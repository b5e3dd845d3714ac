"""The tables of money: accounts, the ledger, what the gate is rebuilt from, top-ups and prices.

Amounts are 64-bit integers of nano-USD, times Unix milliseconds.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from fastgw.storage.sql.metadata import BUCKETS, METADATA

HOPS = Table(
    "hops",
    METADATA,
    Column("exchange_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("provider_model", Text, nullable=False),
    Column("error", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("cost_nano", BigInteger, nullable=False),
)
"""Attempts that failed before another one was tried: the operator's cost, never the caller's."""

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", String(256), nullable=False, unique=True),
    Column("prepaid", Boolean, nullable=False),
    Column("balance_nano", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Index("accounts_changed", "changed"),
)
"""Who pays. `balance_nano` is the sum of the account's postings, kept beside them and compared by `ledger check`;
`version` counts them. `changed` is the value of `money_version` (in `meta`) at the last change that the drain did not
make, so that the keeper finds those. An account that is not `prepaid` may go below zero without limit."""

POSTINGS = Table(
    "postings",
    METADATA,
    Column("id", Integer().with_variant(BigInteger, "postgresql"), primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("reference", String(192), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    UniqueConstraint("kind", "reference"),
)
"""Transactions of the double-entry ledger: append-only (triggers refuse more), unique by kind and reference.

Kinds: `charges` (one for each account and drained stretch of a journal; what it sums up are the rows of `usage`),
`credit` and `debit` (by hand), `code`, `payment`, `refund`, `chargeback`."""

ENTRIES = Table(
    "entries",
    METADATA,
    Column("posting_id", BigInteger, primary_key=True),
    Column("party", String(64), primary_key=True),
    Column("amount_nano", BigInteger, nullable=False),
    Index("entries_party", "party"),
)
"""Sides of a posting, whose sum is 0 (PostgreSQL refuses to commit another one). `party` is an account's id, or one of
the operator's: `operator:sales`, `operator:grants`, `operator:codes`, `operator:stripe`, ...; `operator:unknown` is
charged for accounts that do not exist. Positive: the party's balance grows."""

JOURNALS = Table(
    "journals",
    METADATA,
    Column("journal", String(128), primary_key=True),
    Column("worker", BigInteger, nullable=False, unique=True),
    Column("seen_at_ms", BigInteger, nullable=False),
)
"""Journals that are not finished, of all machines: whoever is missing here can hold no money at the gate. `worker` is
`exchange.worker_number(journal)`. A new one and a finished one count up `journals_version` in `meta`."""

JOURNAL_SPENT = Table(
    "journal_spent",
    METADATA,
    Column("journal", String(128), primary_key=True),
    Column("purse", String(32), primary_key=True),
    Column("spent_nano", BigInteger, nullable=False),
)
"""What of a journal's spending from a purse (id of an account or key) is drained: that of exchanges which held some
from it. Deleted with the journal."""

KEY_SPENT = Table(
    "key_spent",
    METADATA,
    Column("key_id", String(32), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("total_nano", BigInteger, nullable=False),
    Column("month", Integer, nullable=False),
    Column("month_nano", BigInteger, nullable=False),
)
"""What each key has been charged: ever, and in `month` (202611: November 2026, UTC), the last one it was used in.
`version` counts the drained stretches that charged it."""

KEY_SLOTS = Table(
    "key_slots",
    METADATA,
    Column("key_id", String(32), primary_key=True),
    Column("slot_s", BigInteger, primary_key=True),
    Column("spent_nano", BigInteger, nullable=False),
    Index("key_slots_slot", "slot_s"),
)
"""The same by five minutes (`slot_s` is the first second of them) of the exchange's end; older ones than 8 days are
deleted."""

MODEL_LENGTH_MAX = 512

USAGE_DAYS = Table(
    "usage_days",
    METADATA,
    Column("day", Integer, primary_key=True),
    Column("key_id", String(32), primary_key=True),
    Column("model", String(MODEL_LENGTH_MAX), primary_key=True),
    Column("account_id", String(32), primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    *(Column(bucket, BigInteger, nullable=False) for bucket in BUCKETS),
    Column("charge_nano", BigInteger, nullable=False),
    Column("cost_nano", BigInteger, nullable=False),
    Column("unpriced", BigInteger, nullable=False),
    Column("total_ms", BigInteger, nullable=False),
    Index("usage_days_key", "key_id", "day"),
)
"""Usage summed up by UTC day of the start (20261121), key, model (its first `MODEL_LENGTH_MAX` characters) and account,
in the transaction that writes the rows."""

CODES = Table(
    "codes",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("hint", String(32), nullable=False),
    Column("amount_nano", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_s", BigInteger, nullable=False),
    Column("redeemed_at_ms", BigInteger, nullable=False),
    Column("account_id", String(32), nullable=False),
)
"""Redemption codes, by their SHA-256. `redeemed_at_ms` 0 and `account_id` empty while nobody has used it."""

PAYMENTS = Table(
    "payments",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("provider_ref", String(128), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("state", String(32), nullable=False),
    Column("currency", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("rate_nano", BigInteger, nullable=False),
    Column("credited_nano", BigInteger, nullable=False),
    Column("returned_nano", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("parts", Text, nullable=False, server_default=""),
    Index("payments_account", "account_id"),
    Index("payments_ref", "provider", "provider_ref"),
)
"""Top-ups. Amounts in `currency`'s minor unit (as many decimals as the provider's module says), `rate_nano` in nano-USD
for a million minor units, fixed when the payment was made. `credited_nano` and `returned_nano` (refunds, chargebacks)
are what of it has been posted. `parts` is what providers have said of it so far, as JSON of `money.topups.Parts`:
amounts that only grow, so that notices may come twice and in any order."""

PAYMENT_EVENTS = Table(
    "payment_events",
    METADATA,
    Column("provider", String(32), primary_key=True),
    Column("event", String(192), primary_key=True),
    Column("payment_id", String(32), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
"""Notices of payment providers that have been acted upon, each once."""

PRICE_OVERRIDES = Table(
    "price_overrides",
    METADATA,
    Column("model", String(512), primary_key=True),
    Column("tariffs", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)
"""Prices set by the admin API, as JSON of `settings.values.Price` entries, oldest first. The configuration's go
first."""

MONEY_VERSION = "money_version"
JOURNALS_VERSION = "journals_version"
PRICES_VERSION = "prices_version"
