"""The tables as they are now. How they came to be is in `migrations`; a test compares the two.

Counts are 64-bit, one column for each field of `Usage`, so that sums stay sums. Times are Unix milliseconds.
Amounts are 64-bit integers of nano-USD.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, false, text

from fastgw.storage.sql.metadata import BUCKETS, METADATA
from fastgw.storage.sql.tables_money import (
    ACCOUNTS,
    CODES,
    ENTRIES,
    HOPS,
    JOURNAL_SPENT,
    JOURNALS,
    JOURNALS_VERSION,
    KEY_SLOTS,
    KEY_SPENT,
    MODEL_LENGTH_MAX,
    MONEY_VERSION,
    PAYMENT_EVENTS,
    PAYMENTS,
    POSTINGS,
    PRICE_OVERRIDES,
    PRICES_VERSION,
    USAGE_DAYS,
)

__all__ = [
    "ACCOUNTS",
    "API_KEYS",
    "BUCKETS",
    "CODES",
    "ENTRIES",
    "HOPS",
    "JOURNALS",
    "JOURNALS_VERSION",
    "JOURNAL_CURSOR",
    "JOURNAL_SPENT",
    "KEYS_VERSION",
    "KEY_SLOTS",
    "KEY_SPENT",
    "META",
    "METADATA",
    "MODEL_LENGTH_MAX",
    "MONEY_VERSION",
    "OPEN_EXCHANGES",
    "PAYMENTS",
    "PAYMENT_EVENTS",
    "POSTINGS",
    "PRICES_VERSION",
    "PRICE_OVERRIDES",
    "USAGE",
    "USAGE_DAYS",
]

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
"""`limits`, `models`, `ips` and `quotas` are JSON; empty `quotas` are none. `revoked_at_ms` and `expires_at_s` are 0
for never."""

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
    *(Column(bucket, BigInteger, nullable=False) for bucket in BUCKETS if bucket != "searches"),
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
    Column("purses", Integer, nullable=False, server_default="0"),
    Column("searches", BigInteger, nullable=False, server_default="0"),
    Index("usage_started", "started_ms"),
    Index(
        "usage_overage", "started_ms", sqlite_where=text("overage_nano > 0"), postgresql_where=text("overage_nano > 0")
    ),
)
"""One row for each exchange that was sent to a provider: the fields of `Closed`. `overage_nano` is what of the charge
was beyond the hold, 0 where nothing was held.

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
