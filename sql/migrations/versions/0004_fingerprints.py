"""What each register's person was made of, so that a run works only on what changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "fingerprints",
        sa.Column("core_key", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("run_seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("fingerprint", sa.BigInteger, nullable=False),
        sa.Column("valid_until", sa.Text),
        sa.Column("excluded", sa.Text, nullable=False),
        sa.Column("availability", sa.Text, nullable=False),
        schema="control" if op.get_context().dialect.name == "postgresql" else None,
        sqlite_with_rowid=False,
    )
