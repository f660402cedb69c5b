"""Read a schema of PostgreSQL by binary COPY, which ADBC turns into Arrow without a Python object per cell."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg.errors
import pyarrow as pa
from adbc_driver_manager import Error, dbapi
from adbc_driver_postgresql import dbapi as postgres

from customers.errors import ExportRefused, UnreadableInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import URL

_CONNECT_SECONDS = 10
# Nothing but what the catalog itself defines is called unqualified, and text comes as Arrow wants it, or not at all.
_BEGIN = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL client_encoding = 'UTF8'",
    "SET LOCAL TIME ZONE 'UTC'",
)
_TABLES = """
    SELECT c.relname::text AS name
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {schema}
    WHERE c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND NOT starts_with(c.relname, '_')
    ORDER BY c.relname
"""
_SNAPSHOT = "SELECT now() AS taken_at, EXISTS (SELECT FROM pg_namespace WHERE nspname = {schema}) AS found"
_COLUMNS = """
    SELECT c.relname::text AS table, a.attname::text AS column, c.relkind::text AS kind,
           CASE WHEN t.typtype = 'd' THEN b.typname ELSE t.typname END::text AS type, t.typcategory::text AS category,
           format_type(a.atttypid, a.atttypmod) AS shown, array_position(i.indkey::int2[], a.attnum) AS key_place
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = {schema}
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
    LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
    WHERE c.relkind IN ('r', 'm', 'v', 'f', 'p') AND NOT c.relispartition
    ORDER BY c.relname, a.attnum
"""
_KEPT_IN_ORDER = {
    "r",
    "m",
}  # tables and materialized views have a ctid; a view, a foreign or parted table has none
_NATIVE = {"bool", "int2", "int4", "int8", "float4", "float8"}
_TIMES = {"date": "date", "timestamp": "timestamp", "timestamptz": "timestamptz"}
_TEXT_CATEGORIES, _TEXT_TYPES = {"S", "E"}, {"uuid"}


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    kind: str
    type: str
    category: str
    shown: str
    key_place: int | None


class PostgresSource:
    """One schema in one transaction that sees one snapshot."""

    def __init__(self, cursor: dbapi.Cursor, schema: str, address: str) -> None:
        self._cursor, self._schema = cursor, schema
        [about] = self._rows(_SNAPSHOT.format(schema=_literal(schema)), address)
        if not about["found"]:
            message = f"{address}: the database has no schema {schema}"
            raise UnreadableInput(message)
        self.taken_at: datetime = about["taken_at"]
        self._tables: dict[str, list[_Column]] = {}
        for row in self._rows(_COLUMNS.format(schema=_literal(schema)), address):
            self._tables.setdefault(row.pop("table"), []).append(_Column(row.pop("column"), **row))
        self.columns = {name: [column.name for column in columns] for name, columns in self._tables.items()}
        self.shown = {name: f"{schema}.{name}" for name in self._tables}

    def count(self, table: str) -> int:
        """Count the rows of a table."""
        [row] = self._rows(f"SELECT count(*) AS rows FROM {self._name(table)}", self.shown[table])  # noqa: S608 (quoted)
        return int(row["rows"])

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns of a table: see ``Source``."""
        shown = self.shown[table]
        with _told(shown):
            self._cursor.execute(self._select(table, columns))
            reader = self._cursor.fetch_record_batch()
        batch = _next(reader, shown)
        yield batch or pa.RecordBatch.from_pylist([], schema=reader.schema)
        while batch is not None:
            batch = _next(reader, shown)
            if batch is not None:
                yield batch

    def _select(self, table: str, columns: Sequence[str]) -> str:
        of = {column.name: column for column in self._tables[table]}
        cells = ", ".join(f"{self._cell(table, of[name])} AS {_quoted(name)}" for name in columns)
        order = ", ".join([f'{_quoted(columns[0])}::text COLLATE "C"', *self._within(table, columns[1:])])
        return f"SELECT {cells} FROM {self._name(table)} ORDER BY {order}"  # noqa: S608 (quoted)

    def _within(self, table: str, others: Sequence[str]) -> list[str]:
        """Say how to order rows of one key."""
        place = {column.key_place: column.name for column in self._tables[table]}
        key = [place[number] for number in sorted(number for number in place if number is not None)]
        if key:
            return [_quoted(name) for name in key]
        if self._tables[table][0].kind in _KEPT_IN_ORDER:
            return ["ctid"]
        return [f'{_quoted(name)}::text COLLATE "C"' for name in others]

    def _cell(self, table: str, column: _Column) -> str:
        """Return what to select of a column: a type that Arrow has as it is, else its text."""
        name = _quoted(column.name)
        if column.type in _NATIVE:
            return f"{name}::{column.type}"
        if column.type in _TIMES:
            return _within_years(name, column.type)
        if column.type == "numeric":
            # No type of Arrow's keeps every scale; as text a decimal has the comma of the layout.
            return f"replace({name}::text, '.', ',')"
        if column.category in _TEXT_CATEGORIES or column.type in _TEXT_TYPES:
            return f"{name}::text"
        message = f"export refused: {self.shown[table]}: column {column.name} has the type {column.shown}, "
        raise ExportRefused(message + "which no cell can be read from")

    def _name(self, table: str) -> str:
        return f"{_quoted(self._schema)}.{_quoted(table)}"

    def _rows(self, sql: str, shown: str) -> list[dict[str, Any]]:
        with _told(shown):
            self._cursor.execute(sql)
            rows: list[dict[str, Any]] = self._cursor.fetch_arrow_table().to_pylist()
        return rows


@contextmanager
def open_schema(target: URL, schema: str, address: str) -> Iterator[PostgresSource]:
    """Begin the transaction that reads a schema; ``address`` is what a message calls it."""
    patient = target.update_query_dict({"connect_timeout": str(_CONNECT_SECONDS), **target.query})
    try:
        connection = postgres.connect(patient.render_as_string(hide_password=False))
    except Error as problem:
        message = f"{address} cannot be opened: {_cause(problem, target)}"
        raise UnreadableInput(message) from None
    with connection, connection.cursor() as cursor:
        with _told(address):
            cursor.execute(_TABLES.format(schema=_literal(schema)))
            tables = cursor.fetch_arrow_table()["name"].to_pylist()
            connection.rollback()
            for statement in _BEGIN:
                cursor.execute(statement)
        # TRUNCATE empties a table for older snapshots, too: who would is kept waiting, from before the snapshot on.
        for table in tables:
            with _told(f"{schema}.{table}"):
                cursor.execute(f"LOCK TABLE {_quoted(schema)}.{_quoted(table)} IN ACCESS SHARE MODE")
        yield PostgresSource(cursor, schema, address)


def _next(reader: pa.RecordBatchReader, shown: str) -> pa.RecordBatch | None:
    with _told(shown):
        try:
            return reader.read_next_batch()
        except StopIteration:
            return None
        except OSError as problem:  # what ADBC makes of an error amid the rows
            cause = "text of no encoding" if "encoding" in str(problem) else "the server failed amid its rows"
            message = f"{shown} cannot be read: {cause}"
            raise UnreadableInput(message) from None


def _within_years(name: str, kind: str) -> str:
    """Bring infinity and what lies outside the years 1 to 9999 to a time that nothing reads, where ADBC would wrap."""
    outside = f"{name} < DATE '0001-01-01' OR {name} >= DATE '10000-01-01'"
    return f"CASE WHEN {outside} THEN {kind} '20000-01-01' ELSE {name} END"


@contextmanager
def _told(shown: str) -> Iterator[None]:
    """Say that a table cannot be read and why, but not in the server's words, which may quote a cell."""
    try:
        yield
    except Error as problem:
        message = f"{shown} cannot be read: {_condition(problem)}"
        raise UnreadableInput(message) from None


def _condition(problem: Error) -> str:
    """Return PostgreSQL's own name of a condition, such as InsufficientPrivilege."""
    state = problem.sqlstate
    if not state:
        return "the connection failed"
    try:
        return psycopg.errors.lookup(state).__name__
    except KeyError:
        return f"SQLSTATE {state}"


def _cause(problem: Error, target: URL) -> str:
    said = str(problem).partition("Failed to connect: ")[2] or type(problem).__name__
    cause = said.splitlines()[0]
    secrets = [target.password, *(value for key, value in target.query.items() if "pass" in key)]
    for secret in filter(None, secrets):
        cause = cause.replace(str(secret), "***")
    return cause


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
