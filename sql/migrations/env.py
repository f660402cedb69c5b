"""Alembic's entry: run the steps on the connection that ``sql.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from sql.engine import is_postgres
from sql.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema="control" if is_postgres(connection) else None,
)
with context.begin_transaction():
    context.run_migrations()
