"""When the core changed what a bucket of a first load brings: see ``sql.stamps``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column; the buckets of a run that was interrupted before have none."""
    postgres = op.get_context().dialect.name == "postgresql"
    schema = "control" if postgres else None
    op.add_column("run_buckets", sa.Column("stamps", sa.LargeBinary), schema=schema)
    if postgres:
        # Moments hardly shrink, and are read once.
        op.execute("ALTER TABLE control.run_buckets ALTER COLUMN stamps SET STORAGE EXTERNAL")
