"""Many rows between Arrow and the database, as fast as each database takes them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from sqlalchemy import text

from customers.errors import CadastraError, MayPass
from sql.copy_binary import payload, value_bytes
from sql.engine import is_postgres
from sql.tables import arrow_schema
from sql.transient import may_pass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Table

_ROWS = 50_000
_BLOCK = 1 << 20


def append(connection: Connection, table: Table, data: pa.Table, *, into: str | None = None) -> None:
    """Add rows to a table, or to ``into``, which has the same columns.

    Columns of ``data`` are found by name; a missing one is null. Raise CadastraError, naming table and column
    only, where the rows do not fit: an unknown column, a null where none may be, a NUL inside a text, a key
    that is already there. MayPass stands for a database that failed by itself and may not the next time.
    """
    rows = _fitting(table.name, arrow_schema(table), data)
    if rows.num_rows == 0:
        return
    try:
        if is_postgres(connection):
            _copy_in(connection, into or table.name, rows)
        else:
            _insert(connection, into or table.name, rows)
    except _driver_error(connection) as error:
        # The driver's own words may quote the row.
        constraint = getattr(getattr(error, "diag", None), "constraint_name", None)
        message = f"table {table.name} refuses the rows: {type(error).__name__} {constraint or ''}".rstrip()
        raise (MayPass if may_pass(error) else CadastraError)(message) from None


def read(connection: Connection, statement: str, schema: pa.Schema, values: Mapping[str, object]) -> pa.Table:
    """Run a query with named values and return its rows; columns come in the order of ``schema``."""
    return pa.concat_tables([schema.empty_table(), *read_each(connection, statement, schema, values)])


def read_each(
    connection: Connection,
    statement: str,
    schema: pa.Schema,
    values: Mapping[str, object],
    at_once: int = _ROWS,
) -> Iterator[pa.Table]:
    """Do what ``read`` does, some rows at a time."""
    if is_postgres(connection):
        yield from _copy_out(connection, statement, schema, values, at_once)
        return
    for rows in connection.execute(text(statement), dict(values)).partitions(at_once):
        columns = [pa.array(column) for column in zip(*rows, strict=True)]
        yield pa.table(columns, names=schema.names).cast(schema)


def _driver_error(connection: Connection) -> type[Exception]:
    error: type[Exception] = connection.dialect.loaded_dbapi.Error
    return error


def _fitting(table: str, schema: pa.Schema, data: pa.Table) -> pa.Table:
    unknown = set(data.column_names) - set(schema.names)
    if unknown:
        message = f"table {table} has no column {', '.join(sorted(unknown))}"
        raise CadastraError(message)
    columns = {field.name: _column(table, field, data) for field in schema if _wanted(field, data)}
    return pa.table(columns)


def _wanted(field: pa.Field, data: pa.Table) -> bool:
    return field.name in data.column_names or not field.nullable


def _column(table: str, field: pa.Field, data: pa.Table) -> pa.ChunkedArray:
    if field.name not in data.column_names:
        message = f"table {table}: the column {field.name} is missing"
        raise CadastraError(message)
    column = data.column(field.name).cast(field.type)
    if not field.nullable and column.null_count:
        message = f"table {table}: the column {field.name} holds {column.null_count} nulls"
        raise CadastraError(message)
    if pa.types.is_string(field.type) and any(_holds_nul(chunk) for chunk in column.chunks):
        message = f"table {table}: a text of the column {field.name} holds a NUL character"
        raise CadastraError(message)
    return column


def _holds_nul(chunk: pa.Array) -> bool:
    # What lies under a null is not part of the column.
    values = np.frombuffer(value_bytes(pc.fill_null(chunk, "")), dtype=np.uint8)
    return bool(values.min(initial=1) == 0)


def _copy_in(connection: Connection, table: str, rows: pa.Table) -> None:
    statement = f"COPY {table} ({', '.join(rows.column_names)}) FROM STDIN (FORMAT binary)"
    with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        for piece in payload(rows):
            copy.write(piece)


def _insert(connection: Connection, table: str, rows: pa.Table) -> None:
    marks = ", ".join("?" * rows.num_columns)
    statement = f"INSERT INTO {table} ({', '.join(rows.column_names)}) VALUES ({marks})"  # noqa: S608 - our own names
    for start in range(0, rows.num_rows, _ROWS):
        block = rows.slice(start, _ROWS)
        _driver(connection).executemany(statement, zip(*_python_columns(block), strict=True))


def _python_columns(block: pa.Table) -> Iterator[list[object]]:
    for column in block.columns:
        # Both convert in C, where to_pylist makes a scalar per value; numpy has no integer that is null.
        if column.null_count and pa.types.is_integer(column.type):
            yield column.to_pandas(integer_object_nulls=True).tolist()
        else:
            yield column.to_numpy().tolist()


def _copy_out(
    connection: Connection, statement: str, schema: pa.Schema, values: Mapping[str, object], at_once: int
) -> Iterator[pa.Table]:
    compiled = text(f"COPY ({statement}) TO STDOUT (FORMAT csv)").compile(dialect=connection.dialect)
    with _driver(connection).cursor() as cursor, cursor.copy(str(compiled), dict(values)) as copy:
        # The server sends each row by itself; to join what psycopg gives, views of memory, takes five times as long.
        rows = map(bytes, copy)
        while content := b"".join(islice(rows, at_once)):
            yield _parsed(content, schema)


def _parsed(content: bytes, schema: pa.Schema) -> pa.Table:
    return csv.read_csv(
        pa.BufferReader(content),
        # A row may be longer than the blocks of a megabyte that would be read by themselves.
        read_options=csv.ReadOptions(column_names=schema.names, block_size=max(_BLOCK, len(content))),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    ).cast(schema)


def _driver(connection: Connection) -> Any:  # noqa: ANN401 - psycopg's or sqlite3's own connection
    return connection.connection.driver_connection
