"""Who holds the database, whom it may not serve again, what was purged; stale marks say whose findings explain them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the three tables, add two columns to the marks and start the count of the lock's holders."""
    control = "control" if op.get_context().dialect.name == "postgresql" else None
    op.create_table(
        "run_lock",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("process_started", sa.Text, nullable=False),
        sa.Column("backend_pid", sa.BigInteger),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("heartbeat_at", sa.Text, nullable=False),
        schema=control,
    )
    op.create_table(
        "erasures",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("erased_at", sa.Text, primary_key=True),
        sa.Column("lifted_at", sa.Text),
        sa.Column("counts", sa.Text, nullable=False),
        schema=control,
    )
    op.create_table(
        "purges",
        sa.Column("purge_id", sa.Text, primary_key=True),
        sa.Column("purged_at", sa.Text, nullable=False),
        sa.Column("cutoff", sa.Text, nullable=False),
        sa.Column("first_kept_run_seq", sa.Integer, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        schema=control,
    )
    op.add_column("stale_marks", sa.Column("customer_ref", sa.Text), schema=control)
    op.add_column("stale_marks", sa.Column("refused_run_seq", sa.Integer), schema=control)
    sequences = sa.table(
        "sequences", sa.column("name", sa.Text), sa.column("next_id", sa.BigInteger), schema=control
    )
    op.bulk_insert(sequences, [{"name": "run_lock", "next_id": 1}])
