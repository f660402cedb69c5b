"""States of persons and fingerprints in partitions, as documents are: see ``sql.partitions``."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

_KEYS = {"serving.customer_states": "person_id", "control.fingerprints": "core_key"}


def upgrade() -> None:
    """Make what there is the shared partition of a whole; SQLite has none."""
    if op.get_context().dialect.name != "postgresql":
        return
    for table, key in _KEYS.items():
        name = table.partition(".")[2]
        op.execute(f"ALTER TABLE {table} RENAME TO {name}_shared")
        op.execute(f"ALTER TABLE {table}_shared DROP CONSTRAINT {name}_pkey")
        op.execute(f"ALTER TABLE {table}_shared ADD COLUMN segment integer NOT NULL DEFAULT 0")
        op.execute(
            f"CREATE TABLE {table} (LIKE {table}_shared INCLUDING DEFAULTS,"
            f" PRIMARY KEY ({key}, run_seq, segment)) PARTITION BY LIST (segment)"
        )
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_shared FOR VALUES IN (0)")
    op.execute("ALTER INDEX serving.customer_states_tax_id RENAME TO customer_states_shared_tax_id_idx")
    op.execute("CREATE INDEX customer_states_tax_id ON serving.customer_states (tax_id)")
