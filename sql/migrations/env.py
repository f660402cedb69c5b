"""Alembic's entry: run the steps on a connection, or write down for a dialect what they do to an empty database."""

from __future__ import annotations

from alembic import context

from sql.engine import is_postgres
from sql.tables import metadata

given = context.config.attributes
if "connection" in given:
    context.configure(
        connection=given["connection"],
        target_metadata=metadata,
        version_table_schema="control" if is_postgres(given["connection"]) else None,
    )
else:
    context.configure(
        dialect_name=given["dialect"],
        output_buffer=given["out"],
        literal_binds=True,
        transactional_ddl=False,  # the transaction is that of whoever runs them
        version_table_schema="control" if given["dialect"] == "postgresql" else None,
    )
with context.begin_transaction():
    context.run_migrations()
