"""The tables as they are now. How they came to be is in `migrations`; a test compares the two.

Token counts are 64-bit, one column for each bucket of `Usage`, so that sums stay sums. Times are Unix milliseconds.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, false

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
)
"""`limits`, `models` and `ips` are JSON. `revoked_at_ms` and `expires_at_s` are 0 for never."""

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
