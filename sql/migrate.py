"""Bring a serving database to the present tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text
from sqlalchemy.exc import ProgrammingError

from customers.errors import UnreadableInput
from sql.engine import SEARCH_PATH, is_postgres, open_engine, run_script, writing
from sql.roles import keep_roles
from sql.tables import SCHEMAS
from sql.views import drop_views, make_views

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

# Any number that no other program on the server takes for its own advisory lock.
_LOCK = 7_241_120_221
_MIGRATIONS = Path(__file__).parent / "migrations"
_HEAD = "head"
# Every process asks whether a database is up to date, and few have to import Alembic, which only upgrades older ones.
REVISIONS = tuple(sorted(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*.py")))


# What stands between two statements of ``steps_file``, and in none of them.
STEPS_APART = ";\n\n"


def upgrade(url: str, to: str = _HEAD) -> None:
    """Run the migrations that a database still lacks, all of them or none; two callers at once take turns.

    The views are made anew after the last step, and only then: those of an earlier revision are not kept.
    """
    engine = open_engine(url)
    try:
        upgrade_engine(engine, to)
    finally:
        engine.dispose()


def upgrade_engine(engine: Engine, to: str = _HEAD) -> None:
    """Do what ``upgrade`` does, on an engine already open."""
    with writing(engine) as connection:
        if is_postgres(connection):
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            _create_schemas(connection)
        is_new = _known_revision(connection) is None
        if not (is_new or is_postgres(connection)):
            # SQLite changes no table that a view reads before it has understood every view.
            drop_views(connection)
        if is_new and to == _HEAD:
            _run_all_steps(connection)
        else:
            _run_missing_steps(connection, to)
        if at_head(connection):
            make_views(connection)
        if is_postgres(connection):
            _keep_search_path(connection)
            keep_roles(connection)


def at_head(connection: Connection) -> bool:
    """Say whether a database is up to date; raise UnreadableInput where a newer program made it."""
    return _known_revision(connection) == REVISIONS[-1]


def is_empty(connection: Connection) -> bool:
    """Say whether no migration ever ran on a database."""
    return _revision(connection) is None


def _known_revision(connection: Connection) -> str | None:
    revision = _revision(connection)
    if revision is not None and revision not in REVISIONS:
        message = (
            f"the database is at revision {revision}, which this program does not know: install a newer one"
        )
        raise UnreadableInput(message)
    return revision


def _revision(connection: Connection) -> str | None:
    schema = "control" if is_postgres(connection) else None
    if not inspect(connection).has_table("alembic_version", schema):
        return None
    table = "alembic_version" if schema is None else f"{schema}.alembic_version"
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608 (one of two names)
    return revision


def steps_file(dialect: str) -> Path:
    """Return the file of what all steps together do to an empty database; ``tests.spec.write_steps`` writes it."""
    return _MIGRATIONS / f"all_steps.{dialect}.sql"


def alembic_config(**attributes: object) -> Config:
    """Configure Alembic with what ``sql/migrations/env.py`` asks for."""
    from alembic.config import Config  # noqa: PLC0415 (see REVISIONS)

    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _run_missing_steps(connection: Connection, to: str) -> None:
    from alembic import command  # noqa: PLC0415 (see REVISIONS)

    command.upgrade(alembic_config(connection=connection), to)


def _run_all_steps(connection: Connection) -> None:
    script = steps_file(connection.dialect.name).read_text(encoding="utf-8")
    if is_postgres(connection):
        run_script(connection, script)
    else:
        for statement in script.split(STEPS_APART):
            connection.exec_driver_sql(statement)


def _create_schemas(connection: Connection) -> None:
    present = set(connection.scalars(text("SELECT nspname FROM pg_namespace")))
    # IF NOT EXISTS would ask for the right to create even where an administrator already did.
    for schema in [name for name in SCHEMAS if name not in present]:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")


def _keep_search_path(connection: Connection) -> None:
    """Let plain new connections of this role, and of every role where we own the database, find the names."""
    name = connection.dialect.identifier_preparer.quote(
        connection.scalars(text("SELECT current_database()")).one()
    )
    connection.exec_driver_sql(f"ALTER ROLE CURRENT_USER IN DATABASE {name} SET search_path = {SEARCH_PATH}")
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"ALTER DATABASE {name} SET search_path = {SEARCH_PATH}")
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
            raise


_INSUFFICIENT_PRIVILEGE = "42501"
