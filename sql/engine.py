"""Open a serving database: SQLite in a file, or PostgreSQL through psycopg 3."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from customers.errors import Busy, UnreadableInput
from sql.tables import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_BUSY_SECONDS = 60
# At DEBUG SQLAlchemy logs every row that it reads; hide_parameters hides only what is written.
logging.getLogger("sqlalchemy.engine.Engine").addFilter(lambda record: record.levelno > logging.DEBUG)
_CONNECT_SECONDS = 10
SEARCH_PATH = ", ".join((*SCHEMAS, "public"))
# What a run reads in bulk it reads whole: to hand every row over from a parallel worker, or to compile the query, takes
# more of the server than it saves. The keys of a table of many gigabytes are each built by several.
_SETTINGS = {
    "search_path": SEARCH_PATH,
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "min_parallel_table_scan_size": "'10GB'",
}


def open_engine(url: str) -> Engine:
    """Make an engine for a database and connect once.

    ``postgresql://`` means psycopg 3. Raise UnreadableInput, without the password, where the URL cannot be
    used, the folder of a SQLite file is missing, or the server does not answer.
    """
    target = target_of(url)
    engine = _sqlite(target) if target.drivername.startswith("sqlite") else _postgres(target)
    try:
        with engine.connect():
            return engine
    except DBAPIError as error:
        engine.dispose()
        message = f"the database {_shown(target)} cannot be opened: {_cause(error, target)}"
        raise UnreadableInput(message) from None


def is_postgres(connection: Connection) -> bool:
    """Say whether a connection speaks to PostgreSQL; otherwise it is SQLite."""
    return connection.dialect.name == "postgresql"


def run_script(connection: Connection, script: str) -> None:
    """Run any number of statements at once, on PostgreSQL; a percent sign in them is no parameter's."""
    connection.exec_driver_sql(script, execution_options={"no_parameters": True})


def one_of(connection: Connection, query: str) -> str:
    """Spell that something is one of the values that a query finds.

    PostgreSQL finds them first: it then asks its indexes for them, also through a union, and knows that they are few.
    """
    return f"= ANY (ARRAY({query}))" if is_postgres(connection) else f"IN ({query})"


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection in one transaction that writes: all of it is kept, or nothing.

    On SQLite the transaction takes the one writer's place at its start, where waiting for it is still
    possible; raise Busy where another program does not leave it.
    """
    try:
        with (
            engine.connect().execution_options(sqlite_begin="BEGIN IMMEDIATE") as connection,
            connection.begin(),
        ):
            yield connection
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorname", None) == "SQLITE_BUSY":
            message = "another program is writing to the database and does not finish"
            raise Busy(message) from None
        raise


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that cannot write."""
    with engine.connect() as connection:
        if is_postgres(connection):
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            yield connection
            return
        connection.exec_driver_sql("PRAGMA query_only = ON")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("PRAGMA query_only = OFF")


def target_of(url: str) -> URL:
    """Read a database's URL; raise UnreadableInput, without quoting it, where it cannot be used."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        message = "the database URL cannot be read: expected sqlite:///FILE or postgresql://USER@HOST/NAME"
        raise UnreadableInput(message) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        message = f"the database URL names {parsed.drivername}: only sqlite and postgresql are known"
        raise UnreadableInput(message)
    return parsed.set(drivername=driver)


def _sqlite(target: URL) -> Engine:
    if target.database and target.database != ":memory:" and not target.database.startswith("file:"):
        folder = Path(target.database).parent
        if not folder.is_dir():
            message = f"the folder {folder} of the database {target.database} does not exist"
            raise UnreadableInput(message)
    timeout = {} if "timeout" in target.query else {"timeout": _BUSY_SECONDS}
    engine = create_engine(target, hide_parameters=True, connect_args=timeout)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    # The driver would begin transactions late and by itself; _begin_sqlite does it instead.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _postgres(target: URL) -> Engine:
    patient = target.update_query_dict({"connect_timeout": str(_CONNECT_SECONDS), **target.query})
    engine = create_engine(patient, hide_parameters=True, pool_pre_ping=True)
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_postgres(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection
    with connection.cursor() as cursor:
        for setting, value in _SETTINGS.items():
            cursor.execute(f"SET {setting} = {value}")
    connection.commit()


def _shown(target: URL) -> str:
    if target.host is None:
        return str(target.database)
    port = f":{target.port}" if target.port else ""
    return f"{target.host}{port}/{target.database}"


def _cause(error: DBAPIError, target: URL) -> str:
    lines = str(error.orig).splitlines()
    cause = lines[0] if lines else type(error.orig).__name__
    secrets = [target.password, *(value for key, value in target.query.items() if "pass" in key)]
    for secret in secrets:
        if secret:
            cause = cause.replace(str(secret), "***")
    return cause
