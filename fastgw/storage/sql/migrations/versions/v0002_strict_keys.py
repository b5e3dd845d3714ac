"""Keys that would rather be refused than served without a parameter."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Give every key the flag, switched off."""
    op.add_column("api_keys", sa.Column("strict", sa.Boolean, nullable=False, server_default=sa.false()))
