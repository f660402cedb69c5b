"""Read the tables of any database that SQLAlchemy has a driver for, in batches of rows, in one transaction."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    Date,
    DateTime,
    MetaData,
    Table,
    Text,
    case,
    cast,
    create_engine,
    event,
    func,
    inspect,
    literal_column,
    select,
)
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from customers.errors import ExportRefused, UnreadableInput
from sql.content_hash import ContentHash

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import URL, Column, ColumnElement, Connection, Engine, Select

_BATCH_ROWS = 50_000
_BUSY_SECONDS = 60
# The level at which a transaction sees one snapshot; SQL's own answer to that is SERIALIZABLE.
_LEVELS = {"mysql": "REPEATABLE READ", "mariadb": "REPEATABLE READ", "mssql": "SNAPSHOT"}
_DAY, _TIME = r"([0-9]{4})-([0-9]{2})-([0-9]{2})", r"([0-9]{2}:[0-9]{2}:[0-9]{2})"


class RowSource:
    """All tables of one database in one transaction: see ``Source``."""

    def __init__(self, connection: Connection) -> None:
        self.taken_at = datetime.now(UTC)
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        inspector = inspect(connection)
        names = sorted({*inspector.get_table_names(), *inspector.get_view_names()})
        kept = MetaData()
        self._tables = {name: Table(name, kept, autoload_with=connection) for name in names}
        self._views = frozenset(inspector.get_view_names())
        self.columns = {name: list(table.columns.keys()) for name, table in self._tables.items()}
        self.shown = {name: name for name in names}

    def count(self, table: str) -> int:
        """Count the rows of a table."""
        with _told(table):
            return self._connection.execute(
                select(func.count()).select_from(self._tables[table])
            ).scalar_one()

    def read(self, table: str, columns: Sequence[str]) -> tuple[pa.Table, str]:
        """Return some columns of a table and their hash: see ``Source``."""
        content, batches = ContentHash(columns), []
        with _told(table):
            streamed = self._connection.execution_options(stream_results=True, yield_per=_BATCH_ROWS)
            for rows in streamed.execute(self._select(table, columns)).partitions():
                batches.append(self._batch(table, columns, rows))
                content.update(batches[-1])
        nothing = pa.table({name: pa.array([], pa.string()) for name in columns})
        found = [pa.table(batch) for batch in batches] or [nothing]
        return pa.concat_tables(found, promote_options="permissive"), content.hexdigest()

    def _batch(self, table: str, columns: Sequence[str], rows: Sequence[Any]) -> pa.RecordBatch:
        of = self._tables[table].columns
        cells = zip(columns, zip(*rows, strict=True), strict=True)
        if self._sqlite:
            arrays = [
                _as_the_layout_writes(pa.array(values, pa.string()), of[name]) for name, values in cells
            ]
        else:
            arrays = [pa.array(values) for _, values in cells]
        return pa.record_batch(arrays, names=list(columns))

    def _select(self, table: str, columns: Sequence[str]) -> Select[Any]:
        of = self._tables[table].columns
        chosen = [_text_of(of[name]).label(name) if self._sqlite else of[name] for name in columns]
        return select(*chosen).order_by(of[columns[0]], *self._within(table, columns[1:]))

    def _within(self, table: str, others: Sequence[str]) -> Sequence[ColumnElement[Any]]:
        """Say how to order rows of one key."""
        key = list(self._tables[table].primary_key.columns)
        if not key and self._sqlite and table not in self._views:
            return [literal_column("_rowid_")]
        return key or [self._tables[table].columns[name] for name in others]


@contextmanager
def open_database(target: URL, address: str) -> Iterator[RowSource]:
    """Begin the transaction that reads a database; ``address`` is what a message calls it."""
    engine = _engine(target, address)
    try:
        with _opened(engine, address) as connection:
            with _told(address):
                source = RowSource(connection)
            yield source
    finally:
        engine.dispose()


def _engine(target: URL, address: str) -> Engine:
    if target.get_backend_name() == "sqlite":
        return _sqlite(Path(target.database or ""))
    try:
        return create_engine(
            target,
            isolation_level=_LEVELS.get(target.get_backend_name(), "SERIALIZABLE"),
            hide_parameters=True,
        )
    except (NoSuchModuleError, ModuleNotFoundError) as problem:
        message = f"{address} cannot be opened: no driver for {target.drivername} is installed"
        raise UnreadableInput(message) from problem


def _sqlite(path: Path) -> Engine:
    """Open a file that is there, so that nothing can write through this connection, not even make it."""
    if not path.is_file():
        message = f"there is no database {path}"
        raise UnreadableInput(message)
    place = f"{path.resolve().as_uri()}?mode=ro"
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: sqlite3.connect(place, uri=True, timeout=_BUSY_SECONDS, isolation_level=None),
        hide_parameters=True,
    )
    # The driver itself would begin no transaction for what only reads.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


@contextmanager
def _opened(engine: Engine, address: str) -> Iterator[Connection]:
    with _told(address, "opened"):
        connection = engine.connect()
    with connection:
        yield connection


@contextmanager
def _told(shown: str, what: str = "read") -> Iterator[None]:
    """Say that a table cannot be read and why, but not in the database's words, which may quote a cell."""
    try:
        yield
    except SQLAlchemyError as problem:
        cause = problem.orig if isinstance(problem, DBAPIError) and problem.orig else problem
        message = f"{shown} cannot be {what}: {getattr(cause, 'sqlite_errorname', type(cause).__name__)}"
        raise UnreadableInput(message) from None
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        message = f"export refused: {shown} holds cells that no column of one type can hold"
        raise ExportRefused(message) from None


def _text_of(column: Column[Any]) -> ColumnElement[Any]:
    """Select a cell of SQLite as text, whatever it holds; a number with a fraction has the comma of the layout."""
    text = cast(column, Text)
    return case((func.typeof(column) == "real", func.replace(text, ".", ",")), else_=text)


def _as_the_layout_writes(texts: pa.Array, column: Column[Any]) -> pa.Array:
    """Write the ISO text that SQLite keeps for dates and times as the layout does; other text is left as it is."""
    if isinstance(column.type, DateTime):
        texts = pc.replace_substring_regex(texts, f"^{_DAY}$", r"\3/\2/\1 00:00:00")
        return pc.replace_substring_regex(texts, rf"^{_DAY}[ T]{_TIME}(\.[0-9]+)?$", r"\3/\2/\1 \4")
    if isinstance(column.type, Date):
        return pc.replace_substring_regex(texts, f"^{_DAY}$", r"\3/\2/\1")
    return texts
