"""Which buckets of a running run are finished, and by what an interrupted run is recognized."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table and the column."""
    postgres = op.get_context().dialect.name == "postgresql"
    op.create_table(
        "run_buckets",
        sa.Column("run_seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bucket", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.Text, nullable=False),
        schema="control" if postgres else None,
        sqlite_with_rowid=False,
    )
    op.add_column("runs", sa.Column("resume_key", sa.Text), schema="quality" if postgres else None)
