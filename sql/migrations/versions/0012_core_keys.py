"""Documents are found by customer_id, which is made of the core key: see ``sql.whose``."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Drop the index; on PostgreSQL with those of all partitions."""
    schema = "serving" if op.get_context().dialect.name == "postgresql" else None
    op.drop_index("documents_core_key", "documents", schema=schema)
