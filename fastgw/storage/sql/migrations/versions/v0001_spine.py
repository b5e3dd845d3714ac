"""Keys, usage, open exchanges and how far journals are drained."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BUCKETS = (
    "in_text",
    "in_audio",
    "in_image",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "out_text",
    "out_reasoning",
    "out_audio",
    "out_image",
)


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        _text("hint", 64),
        _text("name", 256),
        _text("limits"),
        _text("models"),
        _text("ips"),
        _count("expires_at_s"),
        _count("revoked_at_ms"),
        _count("epoch"),
        _count("created_at_ms"),
    )
    op.create_table(
        "usage",
        sa.Column("exchange_id", sa.String(64), primary_key=True),
        *_names(),
        sa.Column("status", sa.Integer, nullable=False),
        _text("outcome", 32),
        sa.Column("error", sa.String(32), nullable=True),
        *(_count(bucket) for bucket in _BUCKETS),
        sa.Column("usage_estimated", sa.Boolean, nullable=False),
        _count("started_ms"),
        _count("first_byte_ms"),
        _count("total_ms"),
        _count("gateway_us"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _count("delivered_bytes"),
    )
    op.create_index("usage_started", "usage", ["started_ms"])
    op.create_table(
        "open_exchanges",
        sa.Column("exchange_id", sa.String(64), primary_key=True),
        _text("journal", 128),
        *_names(),
        _count("started_ms"),
        _count("prompt_tokens_estimate"),
        sa.Column("delivered_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("first_byte_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("output_tokens_estimate", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_index("open_exchanges_journal", "open_exchanges", ["journal"])
    op.create_table(
        "journal_cursor",
        sa.Column("journal", sa.String(128), primary_key=True),
        _count("segment"),
        _count("position"),
    )
    meta = op.create_table("meta", sa.Column("name", sa.String(64), primary_key=True), _count("value"))
    op.bulk_insert(meta, [{"name": "keys_version", "value": 0}])


def _names() -> list[sa.Column[object]]:
    return [
        _text("key_id", 32),
        _text("model"),
        _text("provider"),
        _text("provider_model"),
        _text("surface", 32),
        sa.Column("stream", sa.Boolean, nullable=False),
    ]


def _text(name: str, length: int = 0) -> sa.Column[object]:
    return sa.Column(name, sa.String(length) if length else sa.Text, nullable=False)


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, nullable=False)
