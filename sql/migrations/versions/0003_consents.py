"""The consents that the Customers API asks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    schema = "serving" if op.get_context().dialect.name == "postgresql" else None
    names = ("tax_id", "kind", "status", "permissions", "joint_approval")
    op.create_table(
        "consents",
        sa.Column("consent_id", sa.Text, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in names),
        sa.Column("expires_at", sa.Text),
        sa.Column("imported_at", sa.Text, nullable=False),
        schema=schema,
        sqlite_with_rowid=False,
    )
    op.create_index("consents_tax_id", "consents", ["tax_id"], schema=schema)
