"""Who may do what on PostgreSQL: the script ``sql/roles.sql``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from customers.errors import UsageError
from sql.engine import is_postgres, open_engine, run_script, writing

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROLES = ("cadastra_etl", "cadastra_api", "cadastra_quality")
_SCRIPT = Path(__file__).with_name("roles.sql")
_INSUFFICIENT_PRIVILEGE = "42501"


def apply_roles(url: str) -> None:
    """Make the roles of a server's database, whose tables must be there, and give each its rights.

    Raise UsageError on SQLite, which has no roles, and where the user may not make them.
    """
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            if not is_postgres(connection):
                message = "SQLite has no roles: guard the file with the rights of the file system"
                raise UsageError(message)
            _run(connection)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
            raise
        message = (
            "this user may not make roles or hand over the tables: use one with CREATEROLE that owns them"
        )
        raise UsageError(message) from None
    finally:
        engine.dispose()


def keep_roles(connection: Connection) -> None:
    """Give the roles their rights on what a migration made, if the database has roles at all."""
    owner = "SELECT tableowner = 'cadastra_etl' FROM pg_tables WHERE schemaname = 'serving' AND tablename = 'documents'"
    if connection.scalars(text(owner)).one_or_none():
        _run(connection)


def _run(connection: Connection) -> None:
    run_script(connection, _SCRIPT.read_text(encoding="utf-8"))
