"""What the rivals load into: one table of served documents and one of failing keys, made anew and swapped in whole.

The documents go in as a COPY in the binary format over Arrow blocks, the fastest way that the drivers have, so that
the rivals differ in how they make documents; only the one by the book goes through SQLAlchemy.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pyarrow as pa

from sql.copy_binary import payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS = ("structure", "customer_id", "core_key", "tax_id", "update_date_time", "document")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])
FAILING = pa.schema([(name, pa.string()) for name in ("structure", "core_key", "rule")])
CREATE = {
    "documents": "CREATE TABLE documents (structure text NOT NULL, customer_id text NOT NULL, core_key text NOT NULL,"
    " tax_id text, update_date_time text NOT NULL, document text NOT NULL, PRIMARY KEY (structure, customer_id))",
    "failing": "CREATE TABLE failing (structure text NOT NULL, core_key text NOT NULL, rule text NOT NULL)",
}
_SQLITE = "sqlite:///"
_ROWS = 50_000


class Target:
    """A database that documents are loaded into: PostgreSQL through psycopg, SQLite through the standard library."""

    def __init__(self, connection: psycopg.Connection | sqlite3.Connection) -> None:
        self._connection = connection

    def load(self, table: str, parts: Iterable[pa.Table]) -> None:
        """Add Arrow rows to a table."""
        for rows in parts:
            names = ", ".join(rows.column_names)
            if isinstance(self._connection, sqlite3.Connection):
                marks = ", ".join("?" * rows.num_columns)
                columns = (column.to_numpy(zero_copy_only=False).tolist() for column in rows.columns)
                self._connection.executemany(
                    f"INSERT INTO {table} VALUES ({marks})", zip(*columns, strict=True)
                )
                continue
            copy_in = f"COPY {table} ({names}) FROM STDIN (FORMAT binary)"
            with self._connection.cursor() as cursor, cursor.copy(copy_in) as copy:
                for piece in payload(rows):
                    copy.write(piece)


@contextmanager
def target(url: str) -> Iterator[Target]:
    """Open a fresh database, make its tables without keys, and give them their keys at the end, in one transaction."""
    if url.startswith(_SQLITE):
        connection = sqlite3.connect(url.removeprefix(_SQLITE))
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            for statement in CREATE.values():
                connection.execute(statement)
            yield Target(connection)
            connection.commit()
        finally:
            connection.close()
        return
    with psycopg.connect(url) as server:
        for statement in CREATE.values():
            server.execute(statement.replace(", PRIMARY KEY (structure, customer_id)", ""))
        yield Target(server)
        # Keys are built after the load: a third cheaper than rows in the order of a hash into a keyed table.
        server.execute("ALTER TABLE documents ADD PRIMARY KEY (structure, customer_id)")


def blocks_of(rows: pa.Table) -> Iterator[pa.Table]:
    """Cut rows into blocks that one Arrow string array can hold, as the target's columns."""
    plain = pa.table(
        [rows[name].cast(pa.large_string()) for name in rows.column_names], names=rows.column_names
    )
    for start in range(0, plain.num_rows, _ROWS):
        block = plain.slice(start, _ROWS)
        yield pa.table([column.cast(pa.string()) for column in block.columns], names=block.column_names)
