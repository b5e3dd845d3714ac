"""Money: accounts, the ledger, prices, payments, and what the gate is rebuilt from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

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
    "searches",
)


def upgrade() -> None:
    """Add the tables of money, and who pays to keys and rows."""
    _columns()
    _ledger()
    _gate()
    _sums()
    _fill_days()
    _topups()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()
    meta = sa.table("meta", sa.column("name"), sa.column("value"))
    op.bulk_insert(
        meta, [{"name": name, "value": 0} for name in ("money_version", "journals_version", "prices_version")]
    )


def _columns() -> None:
    for table in ("api_keys", "usage", "open_exchanges"):
        op.add_column(table, sa.Column("account_id", sa.String(32), nullable=False, server_default=""))
        op.add_column(table, sa.Column("group_name", sa.String(64), nullable=False, server_default=""))
    op.add_column("api_keys", sa.Column("quotas", sa.Text, nullable=False, server_default=""))
    op.create_index("api_keys_account", "api_keys", ["account_id"])
    for table, names in (
        ("usage", ("hold_nano", "charge_nano", "cost_nano", "overage_nano")),
        ("open_exchanges", ("hold_nano", "charge_nano", "cost_nano")),
    ):
        for name in names:
            op.add_column(table, sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("usage", sa.Column("unpriced", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("usage", sa.Column("purses", sa.Integer, nullable=False, server_default="0"))
    op.add_column("usage", sa.Column("searches", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index(
        "usage_overage",
        "usage",
        ["started_ms"],
        sqlite_where=sa.text("overage_nano > 0"),
        postgresql_where=sa.text("overage_nano > 0"),
    )
    op.add_column("open_exchanges", sa.Column("purses", sa.Integer, nullable=False, server_default="0"))


def _ledger() -> None:
    op.create_table(
        "hops",
        _id("exchange_id", 64),
        sa.Column("number", sa.Integer, primary_key=True),
        _text("provider"),
        _text("provider_model"),
        _text("error", 32),
        _count("at_ms"),
        _count("cost_nano"),
    )
    op.create_table(
        "accounts",
        _id("id", 32),
        sa.Column("name", sa.String(256), nullable=False, unique=True),
        sa.Column("prepaid", sa.Boolean, nullable=False),
        _count("balance_nano"),
        _count("version"),
        _count("changed"),
        _count("created_at_ms"),
    )
    op.create_index("accounts_changed", "accounts", ["changed"])
    op.create_table(
        "postings",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger, "postgresql"), primary_key=True, autoincrement=True),
        _text("kind", 32),
        _text("reference", 192),
        _count("at_ms"),
        _text("note"),
        sa.UniqueConstraint("kind", "reference"),
    )
    op.create_table(
        "entries",
        sa.Column("posting_id", sa.BigInteger, primary_key=True),
        _id("party", 64),
        _count("amount_nano"),
    )
    op.create_index("entries_party", "entries", ["party"])


def _gate() -> None:
    op.create_table(
        "journals",
        _id("journal", 128),
        sa.Column("worker", sa.BigInteger, nullable=False, unique=True),
        _count("seen_at_ms"),
    )
    op.create_table("journal_spent", _id("journal", 128), _id("purse", 32), _count("spent_nano"))
    op.create_table(
        "key_spent",
        _id("key_id", 32),
        _count("version"),
        _count("total_nano"),
        sa.Column("month", sa.Integer, nullable=False),
        _count("month_nano"),
    )
    op.create_table(
        "key_slots", _id("key_id", 32), sa.Column("slot_s", sa.BigInteger, primary_key=True), _count("spent_nano")
    )
    op.create_index("key_slots_slot", "key_slots", ["slot_s"])


def _sums() -> None:
    op.create_table(
        "usage_days",
        sa.Column("day", sa.Integer, primary_key=True),
        _id("key_id", 32),
        _id("model", 512),
        _id("account_id", 32),
        _count("requests"),
        _count("errors"),
        *(_count(bucket) for bucket in _BUCKETS),
        _count("charge_nano"),
        _count("cost_nano"),
        _count("unpriced"),
        _count("total_ms"),
    )
    op.create_index("usage_days_key", "usage_days", ["key_id", "day"])


def _fill_days() -> None:
    """Days of the rows that are there already; a start before 1970 or after 9999 counts as the first or last day."""
    if op.get_bind().dialect.name == "sqlite":
        started_s = "max(0, min(started_ms / 1000, 253402300799))"
        day = f"CAST(strftime('%Y%m%d', {started_s}, 'unixepoch') AS INTEGER)"
    else:
        started_s = "greatest(0, least(started_ms / 1000, 253402300799))"
        day = f"CAST(to_char(to_timestamp({started_s}) AT TIME ZONE 'UTC', 'YYYYMMDD') AS INTEGER)"
    sums = ", ".join(f"sum({bucket})" for bucket in _BUCKETS)
    op.execute(
        f"INSERT INTO usage_days (day, key_id, model, account_id, requests, errors, {', '.join(_BUCKETS)}, "  # noqa: S608
        f"charge_nano, cost_nano, unpriced, total_ms) SELECT {day}, key_id, substr(model, 1, 512), '', count(*), "
        f"sum(CASE WHEN error IS NULL THEN 0 ELSE 1 END), {sums}, 0, 0, 0, sum(total_ms) "
        f"FROM usage GROUP BY {day}, key_id, substr(model, 1, 512)"
    )


def _topups() -> None:
    op.create_table(
        "codes",
        _id("digest", 64),
        _text("hint", 32),
        _count("amount_nano"),
        _count("created_at_ms"),
        _count("expires_at_s"),
        _count("redeemed_at_ms"),
        _text("account_id", 32),
    )
    op.create_table(
        "payments",
        _id("id", 32),
        _text("provider", 32),
        _text("provider_ref", 128),
        _text("account_id", 32),
        _text("state", 32),
        _text("currency", 16),
        _count("amount_minor"),
        _count("paid_minor"),
        _count("rate_nano"),
        _count("credited_nano"),
        _count("returned_nano"),
        _count("created_at_ms"),
        _count("updated_at_ms"),
        sa.Column("parts", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("payments_account", "payments", ["account_id"])
    op.create_index("payments_ref", "payments", ["provider", "provider_ref"])
    op.create_table(
        "payment_events",
        _id("provider", 32),
        _id("event", 192),
        _text("payment_id", 32),
        _text("kind", 64),
        _count("at_ms"),
    )
    op.create_table("price_overrides", _id("model", 512), _text("tariffs"), _count("changed_at_ms"))


def _guard_sqlite() -> None:
    for table in ("postings", "entries"):
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: no {change} of {table}'); END"
            )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION fastgw_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'the ledger is append-only: no % of %', lower(TG_OP), TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE FUNCTION fastgw_balanced() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF (SELECT sum(amount_nano) FROM entries WHERE posting_id = NEW.posting_id) <> 0 THEN "
        "RAISE EXCEPTION 'the sides of posting % do not sum to 0', NEW.posting_id "
        "USING ERRCODE = 'check_violation'; END IF; RETURN NULL; END $$"
    )
    for table in ("postings", "entries"):
        for change in ("update", "delete", "truncate"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION fastgw_append_only()"
            )
    op.execute(
        "CREATE CONSTRAINT TRIGGER entries_balanced AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION fastgw_balanced()"
    )


def _id(name: str, length: int) -> sa.Column[object]:
    return sa.Column(name, sa.String(length), primary_key=True)


def _text(name: str, length: int = 0) -> sa.Column[object]:
    return sa.Column(name, sa.String(length) if length else sa.Text, nullable=False)


def _count(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, nullable=False)
