"""The views of the serving database: one file each, the same text on SQLite and PostgreSQL.

A file begins with a comment that says what a row is; on PostgreSQL it becomes the view's own comment. A changed
view needs a migration step, if only an empty one: views are made anew after the last step.
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.exc import ProgrammingError

from customers.structures import STRUCTURES
from sql.engine import is_postgres, run_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_FOLDER = Path(__file__).parent
_QUALITY = ("runs", "conformance", "completeness", "top_rules", "quarantine", "unmapped_codes", "freshness")
# What PostgreSQL says of a view whose columns are not those of the one it replaces and more.
_OTHER_COLUMNS = "42P16"


class View(NamedTuple):
    """Name a view, its schema on PostgreSQL, and the statement that makes it, behind its comment."""

    name: str
    schema: str
    text: str


def make_views(connection: Connection) -> None:
    """Make every view as its file says, whether or not there is one of its name.

    On PostgreSQL one that only gains columns is replaced, so that what others built on it stays.
    """
    if not is_postgres(connection):
        drop_views(connection)
        for view in _views():
            connection.exec_driver_sql(view.text)
        return
    try:
        with connection.begin_nested():
            _replace(connection)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _OTHER_COLUMNS:
            raise
        drop_views(connection)
        _replace(connection)


def drop_views(connection: Connection) -> None:
    """Drop every view, each before those it reads."""
    for view in reversed(list(_views())):
        name = f"{view.schema}.{view.name}" if is_postgres(connection) else view.name
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def _replace(connection: Connection) -> None:
    run_script(connection, ";\n".join(statement for view in _views() for statement in _statements(view)))


def _statements(view: View) -> Iterator[str]:
    name = f"{view.schema}.{view.name}"
    yield view.text.replace("CREATE VIEW ", f"CREATE OR REPLACE VIEW {view.schema}.", 1)
    comment = " ".join(line.removeprefix("-- ") for line in _comment(view.text)).replace("'", "''")
    yield f"COMMENT ON VIEW {name} IS '{comment}'"


def _comment(statement: str) -> Iterator[str]:
    return takewhile(lambda line: line.startswith("--"), statement.splitlines())


def _views() -> Iterator[View]:
    """Yield the views, each after those it reads."""
    for name in ("periods", "refused_now", "served"):
        yield View(name, "serving", _text(name))
    for structure in STRUCTURES:
        yield View(structure.name, "serving", _text("structure").format(structure=structure.name))
    for name in ("customers", "history"):
        yield View(name, "serving", _text(name))
    for name in _QUALITY:
        yield View(f"quality_{name}", "quality", _text(f"quality_{name}"))


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
