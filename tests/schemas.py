"""Load an export folder into a database, as a bank keeps the same tables: in a schema of PostgreSQL, or in SQLite."""

from __future__ import annotations

import io
import sqlite3
from typing import TYPE_CHECKING

import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Composed, Identifier
from pyarrow import csv

from mappings.core import load_core
from mappings.extract import read_export

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "core_banking"
CORE = load_core("reference")


def tables_of(folder: Path) -> dict[str, pa.Table]:
    """Return every table of the core: those of the export, and the others empty."""
    tables = {name: raw.columns for name, raw in read_export(folder, CORE).tables.items()}
    for name, table in CORE.tables.items():
        wanted = [CORE.key, *dict.fromkeys(source.column for source in table.columns.values())]
        tables.setdefault(name, pa.table({column: pa.array([], pa.string()) for column in wanted}))
    return tables


def load_postgres(tables: Mapping[str, pa.Table], url: str, schema: str = SCHEMA) -> str:
    """Make a schema of the tables with the types that they have, and return its URL as an export."""
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
        for name, table in tables.items():
            place = Identifier(schema, name)
            cursor.execute(SQL("CREATE TABLE {} ({})").format(place, _columns(table)))
            content = io.BytesIO()
            csv.write_csv(table, content)
            with cursor.copy(SQL("COPY {} FROM STDIN (FORMAT csv, HEADER)").format(place)) as copy:
                copy.write(content.getvalue())
    return f"{url}/{schema}"


def load_sqlite(tables: Mapping[str, pa.Table], path: Path) -> str:
    """Make an SQLite file of the tables as text, and return its URL as an export."""
    with sqlite3.connect(path) as connection:
        for name, table in tables.items():
            columns = ", ".join(f'"{column}" TEXT' for column in table.column_names)
            connection.execute(f'CREATE TABLE "{name}" ({columns})')
            rows = zip(
                *(table[column].cast(pa.string()).to_pylist() for column in table.column_names), strict=True
            )
            marks = ", ".join("?" * table.num_columns)
            connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
    connection.close()
    return f"sqlite:///{path}"


def _columns(table: pa.Table) -> Composed:
    return SQL(", ").join(
        SQL("{} {}").format(Identifier(field.name), SQL(_type_of(field.type))) for field in table.schema
    )


def _type_of(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return "numeric"
    if pa.types.is_date(kind):
        return "date"
    return "timestamp" if pa.types.is_timestamp(kind) else "text"
