"""How many unchanged documents a run did not judge again: what the quality views hold rule results against."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; the views are made anew after the last step."""
    op.add_column(
        "run_counts",
        sa.Column("skipped", sa.BigInteger, nullable=False, server_default="0"),
        schema="quality" if op.get_context().dialect.name == "postgresql" else None,
    )
