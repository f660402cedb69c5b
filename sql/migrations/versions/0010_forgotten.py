"""Registers that a run touched without remembering them: with the fingerprints, all of whom anything is served.

What is stored by then is forgotten, so that the first run after this step looks at all of it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table and forget every register that has documents."""
    postgres = op.get_context().dialect.name == "postgresql"
    op.create_table(
        "forgotten",
        sa.Column("core_key", sa.Text, nullable=False),
        sa.Column("run_seq", sa.Integer, nullable=False),
        sa.Column("gone", sa.Integer, nullable=False),
        schema="control" if postgres else None,
    )
    op.create_index("forgotten_core_key", "forgotten", ["core_key"], schema="control" if postgres else None)
    control, serving = ("control.", "serving.") if postgres else ("", "")
    op.execute(
        f"INSERT INTO {control}forgotten (core_key, run_seq, gone)"  # noqa: S608 (our own names)
        f" SELECT DISTINCT d.core_key, p.last, 0 FROM {serving}documents AS d"
        f" CROSS JOIN (SELECT MAX(run_seq) AS last FROM {control}publications) AS p WHERE p.last IS NOT NULL"
    )
