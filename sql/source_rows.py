"""Read the tables of any database that SQLAlchemy has a driver for, in batches of rows, in one transaction."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import URL, Column, ColumnElement, Connection, Engine, Select

_BATCH_ROWS = 50_000
_BUSY_SECONDS = 60
# The level at which a transaction sees one snapshot; SQL's own answer to that is SERIALIZABLE.
_LEVELS = {"mysql": "REPEATABLE READ", "mariadb": "REPEATABLE READ", "mssql": "SNAPSHOT"}
_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), date: pa.date32()}
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

    def batches(self, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream some columns of a table: see ``Source``."""
        readers = [self._reader(table, name) for name in columns]
        with _told(table):
            streamed = self._connection.execution_options(stream_results=True, yield_per=_BATCH_ROWS)
            parts = streamed.execute(self._select(table, columns)).partitions()
            rows = next(parts, [])
        while True:
            with _told(table):
                cells = list(zip(*rows, strict=True)) or [()] * len(columns)
                arrays = [read(values) for read, values in zip(readers, cells, strict=True)]
            yield pa.record_batch(arrays, names=list(columns))
            with _told(table):
                rows = next(parts, [])
            if not rows:
                return

    def _reader(self, table: str, name: str) -> Callable[[Sequence[Any]], pa.Array]:
        """Return what makes an Arrow array of a column's cells."""
        column = self._tables[table].columns[name]
        if self._sqlite:
            return lambda cells: _as_the_layout_writes(pa.array(cells, pa.string()), column)
        kind = _python_type(column)
        if kind is Decimal:
            return _decimals
        arrow = _moment_type(column) if kind is datetime else _ARROW.get(kind or object)
        if arrow is None:
            message = f"export refused: {table}: column {name} has the type {column.type}, "
            raise ExportRefused(message + "which no cell can be read from")
        return lambda cells: pa.array(cells, arrow)

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


def _python_type(column: Column[Any]) -> type | None:
    try:
        return column.type.python_type
    except NotImplementedError:  # SQLAlchemy's way to say that it knows none
        return None


def _moment_type(column: Column[Any]) -> pa.DataType:
    return pa.timestamp("us", "UTC" if getattr(column.type, "timezone", False) else None)


def _decimals(cells: Sequence[Any]) -> pa.Array:
    """Write decimals as the layout does, without the zeros that a batch's own scale adds."""
    text = pa.array(cells, None if any(cell is not None for cell in cells) else pa.string()).cast(pa.string())
    plain = pc.replace_substring_regex(text, r"(\.[0-9]*[1-9])0+$|\.0+$", r"\1")
    return pc.replace_substring(plain, ".", ",")


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
