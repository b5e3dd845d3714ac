"""The tables as they are now. How they came to be is in `migrations`; a test compares the two.

Token counts are 64-bit, one column for each bucket of `Usage`, so that sums stay sums. Times are Unix milliseconds.
Amounts are 64-bit integers of nano-USD.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from fastgw.usage import Usage

METADATA = MetaData()

BUCKETS = Usage.__struct_fields__
"""Columns of the token buckets, in the order of `Usage`."""

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("hint", String(64), nullable=False),
    Column("name", String(256), nullable=False),
    Column("limits", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("ips", Text, nullable=False),
    Column("expires_at_s", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("strict", Boolean, nullable=False, server_default=false()),
    Column("account_id", String(32), nullable=False, server_default=""),
    Column("quotas", Text, nullable=False, server_default=""),
    Column("group_name", String(64), nullable=False, server_default=""),
    Index("api_keys_account", "account_id"),
)
"""`limits`, `models`, `ips` and `quotas` are JSON; empty `quotas` are none. `revoked_at_ms` and `expires_at_s` are 0 for never."""

USAGE = Table(
    "usage",
    METADATA,
    Column("exchange_id", String(64), primary_key=True),
    Column("key_id", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_model", Text, nullable=False),
    Column("surface", String(32), nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("status", Integer, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("error", String(32), nullable=True),
    *(Column(bucket, BigInteger, nullable=False) for bucket in BUCKETS),
    Column("usage_estimated", Boolean, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("first_byte_ms", BigInteger, nullable=False),
    Column("total_ms", BigInteger, nullable=False),
    Column("gateway_us", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("delivered_bytes", BigInteger, nullable=False),
    Column("account_id", String(32), nullable=False, server_default=""),
    Column("group_name", String(64), nullable=False, server_default=""),
    Column("hold_nano", BigInteger, nullable=False, server_default="0"),
    Column("charge_nano", BigInteger, nullable=False, server_default="0"),
    Column("cost_nano", BigInteger, nullable=False, server_default="0"),
    Column("overage_nano", BigInteger, nullable=False, server_default="0"),
    Column("unpriced", Boolean, nullable=False, server_default=false()),
    Index("usage_started", "started_ms"),
)
"""One row for each exchange that was sent to a provider: the fields of `Closed`.

Each index costs the drain about 0.6 us of CPU a row: sums of one key scan the time that is asked for.
"""

OPEN_EXCHANGES = Table(
    "open_exchanges",
    METADATA,
    Column("exchange_id", String(64), primary_key=True),
    Column("journal", String(128), nullable=False),
    Column("key_id", String(32), nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_model", Text, nullable=False),
    Column("surface", String(32), nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("prompt_tokens_estimate", BigInteger, nullable=False),
    Column("delivered_bytes", BigInteger, nullable=False, server_default="0"),
    Column("first_byte_ms", BigInteger, nullable=False, server_default="0"),
    Column("output_tokens_estimate", BigInteger, nullable=False, server_default="0"),
    Column("account_id", String(32), nullable=False, server_default=""),
    Column("group_name", String(64), nullable=False, server_default=""),
    Column("purses", Integer, nullable=False, server_default="0"),
    Column("hold_nano", BigInteger, nullable=False, server_default="0"),
    Column("charge_nano", BigInteger, nullable=False, server_default="0"),
    Column("cost_nano", BigInteger, nullable=False, server_default="0"),
    Index("open_exchanges_journal", "journal"),
)
"""What a journal has opened and not closed, as far as it is drained: `Opened` and the last `Checkpoint` of each."""

JOURNAL_CURSOR = Table(
    "journal_cursor",
    METADATA,
    Column("journal", String(128), primary_key=True),
    Column("segment", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
)
"""How far each journal is drained: moves in the transaction that writes the rows."""

META = Table(
    "meta",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""Counters of the whole deployment: `keys_version` grows with every change of a key."""

KEYS_VERSION = "keys_version"

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
`credit` (by hand), `code`, `payment`, `refund`, `chargeback`."""

ENTRIES = Table(
    "entries",
    METADATA,
    Column("posting_id", BigInteger, primary_key=True),
    Column("party", String(64), primary_key=True),
    Column("amount_nano", BigInteger, nullable=False),
    Index("entries_party", "party"),
)
"""Sides of a posting, whose sum is 0. `party` is an account's id, or one of the operator's: `operator:sales`,
`operator:grants`, `operator:codes`, `operator:stripe`, ... Positive: the party's balance grows."""

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
"""What of a journal's spending from a purse (id of an account or key) is drained; of exchanges that held some from it."""

KEY_SPENT = Table(
    "key_spent",
    METADATA,
    Column("key_id", String(32), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("total_nano", BigInteger, nullable=False),
    Column("month", Integer, nullable=False),
    Column("month_nano", BigInteger, nullable=False),
)
"""What each key has been charged: ever, and in `month` (202611: November 2026, UTC), the last one it was used in."""

KEY_SLOTS = Table(
    "key_slots",
    METADATA,
    Column("key_id", String(32), primary_key=True),
    Column("slot_s", BigInteger, primary_key=True),
    Column("spent_nano", BigInteger, nullable=False),
)
"""The same by five minutes (`slot_s` is the first second of them); older ones than 8 days are deleted."""

USAGE_DAYS = Table(
    "usage_days",
    METADATA,
    Column("day", Integer, primary_key=True),
    Column("key_id", String(32), primary_key=True),
    Column("model", String(512), primary_key=True),
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
"""Usage summed up by UTC day (20261121), key, model and account, in the transaction that writes the rows."""

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
    Index("payments_account", "account_id"),
    Index("payments_ref", "provider", "provider_ref"),
)
"""Top-ups. Amounts in `currency`'s minor unit (as many decimals as the provider's module says), `rate_nano` in nano-USD
for a million minor units, fixed when the payment was made. `credited_nano` and `returned_nano` (refunds, chargebacks)
are what of it has been posted."""

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
"""Prices set by the admin API, as JSON of `settings.values.Price` entries, oldest first. The configuration's go first."""

MONEY_VERSION = "money_version"
JOURNALS_VERSION = "journals_version"
PRICES_VERSION = "prices_version"
