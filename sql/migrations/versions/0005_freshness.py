"""How long the documents that a run published had waited since the core changed them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    counts = ("documents", "p50_seconds", "p95_seconds", "max_seconds")
    op.create_table(
        "freshness",
        sa.Column("run_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("structure", sa.Text, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
        sa.Column("share_within_60_minutes", sa.Double, nullable=False),
        sa.Column("first_load", sa.Integer, nullable=False),
        schema="quality" if op.get_context().dialect.name == "postgresql" else None,
    )
