"""Read the tables of a core from a database schema, all in one consistent snapshot that nothing can write in.

PostgreSQL is read by binary COPY, every other database that SQLAlchemy has a driver for in batches of rows. No message
holds a password or a cell.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from customers.errors import UnreadableInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

_POSTGRES = re.compile(r"^(postgres|postgresql)(\+psycopg)?$")


class Source(Protocol):
    """The tables of one schema, as one snapshot shows them."""

    @property
    def taken_at(self) -> datetime:
        """Say when the snapshot was taken."""

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        """Name the columns of each table and view."""

    @property
    def shown(self) -> Mapping[str, str]:
        """Say what a message and a finding call each table."""

    def count(self, table: str) -> int:
        """Count the rows of a table."""

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns of a table, rows in the order of the first column; at least one batch comes.

        Rows with an equal first column come in the order of the primary key if the table has one, else in that in
        which the database keeps them, else, for a view, in that of all columns. Raises UnreadableInput where the
        database fails, ExportRefused for a column of a type that no cell can be read from.
        """


@contextmanager
def open_source(url: str) -> Iterator[Source]:
    """Take a snapshot of the schema that a URL names.

    Raises UnreadableInput where the URL cannot be used, nobody answers, or there is no such schema.
    """
    target = _target(url)
    if _POSTGRES.match(target.drivername):
        from sql.source_postgres import open_schema  # noqa: PLC0415 (the driver that a run on files does without)

        with open_schema(*_schema(target), address(url)) as source:
            yield source
        return
    from sql.source_rows import open_database  # noqa: PLC0415 (as above)

    with open_database(target, address(url)) as database:
        yield database


def address(url: str) -> str:
    """Return the URL of a source without password and options."""
    target = _target(url)
    database = target.database
    if database and target.get_backend_name() == "sqlite":
        database = str(Path(database).resolve())
    bare = URL.create(
        target.drivername, target.username, host=target.host, port=target.port, database=database
    )
    return bare.render_as_string()


def _target(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        message = "the URL of the export cannot be read: expected postgresql://USER@HOST/DATABASE/SCHEMA"
        raise UnreadableInput(message) from None


def _schema(target: URL) -> tuple[URL, str]:
    """Part the URL of a database from the schema that ends it."""
    database, slash, schema = (target.database or "").rpartition("/")
    if not (slash and schema and database):
        message = "the URL of the export names no schema: expected postgresql://USER@HOST/DATABASE/SCHEMA"
        raise UnreadableInput(message)
    return target.set(drivername="postgresql", database=database), unquote(schema)
