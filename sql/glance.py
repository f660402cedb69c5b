"""Look up one customer in the serving database, through the driver alone.

``cadastra explain`` has one second, of which importing SQLAlchemy would take a third. A glance cannot write, does not
bring tables up to date, and never makes a database that is not there.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customers.errors import UnreadableInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]

_SEARCH_PATH = "serving,quality,control,public"
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")
_SCHEME = re.compile(r"^(postgres|postgresql)(\+psycopg)?://")
_SQLITE = re.compile(r"^sqlite(\+pysqlite)?:///")

_REGISTERS = """
    SELECT DISTINCT d.core_key, d.customer_id, d.tax_id
    FROM documents AS d JOIN publications AS p ON p.run_seq = d.run_seq
    WHERE d.{column} = :value ORDER BY d.core_key
"""
_RUNS = """
    SELECT run_seq, run_id, core, kind, business_date, finished_at, mapping_version, batch_id, export
    FROM runs WHERE state = 'published' AND export IS NOT NULL ORDER BY run_seq DESC
"""
_SERVED = """
    SELECT structure, version, customer_id, run_id, published_at, update_date_time, stale_since, document
    FROM served WHERE customer_id = :customer_id
"""
# The latest published run that ended a period of each structure, with its moment.
_ENDED = """
    SELECT d.structure, d.version, p.run_seq, p.run_id, p.published_at
    FROM documents AS d
    JOIN retired AS r ON r.document_id = d.document_id
    JOIN publications AS p ON p.run_seq = r.run_seq
    WHERE d.customer_id = :customer_id
    ORDER BY p.run_seq
"""
_REFUSED = """
    SELECT n.structure, n.version, r.run_id, n.since
    FROM refused_now AS n JOIN runs AS r ON r.run_seq = n.run_seq
    WHERE n.customer_id = :customer_id
"""
# Of a customer of whom no document is served; runs that could be rolled back count, for they refused all the same.
_FIRST_REFUSED = """
    SELECT r.run_id, r.finished_at
    FROM runs AS r
    WHERE r.state IN ('published', 'rolled_back') AND r.run_seq > :after AND EXISTS (
        SELECT 1 FROM findings AS f
        WHERE f.run_id = r.run_id AND f.customer_ref = :customer_ref AND f.structure = :structure
          AND f.severity IN ('reject', 'halt'))
    ORDER BY r.run_seq LIMIT 1
"""
_PUBLISHED = "SELECT run_seq FROM publications LIMIT 1"
_FINDINGS = """
    SELECT structure, occurrence, rule, severity, shape, source_file, source_line
    FROM findings WHERE run_id = :run_id AND customer_ref = :customer_ref
"""
_RULES = """
    SELECT xpath, rule FROM rule_results
    WHERE run_id = :run_id AND structure = :structure AND applied > 0
    ORDER BY rule
"""


class Glance:
    """A database that is open for reading."""

    def __init__(self, connection: Any, *, postgres: bool) -> None:  # noqa: ANN401 (either driver's connection)
        self._connection, self._postgres = connection, postgres

    def rows(self, sql: str, **values: object) -> list[Row]:
        """Run a query with ``:named`` values."""
        statement = _PARAMETER.sub(r"%(\1)s", sql) if self._postgres else sql
        cursor = self._connection.execute(statement, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def registers(self, column: str, values: Sequence[str]) -> list[Row]:
        """Return core_key, customer_id and tax_id of whoever was ever published under one of the values.

        ``column`` is core_key, which takes a look at all documents, customer_id or tax_id.
        """
        found = [row for value in values for row in self.rows(_REGISTERS.format(column=column), value=value)]
        return list({(row["core_key"], row["customer_id"]): row for row in found}.values())

    def has_published(self) -> bool:
        """Say whether any run was ever published."""
        return bool(self.rows(_PUBLISHED))

    def runs(self) -> list[Row]:
        """Return the published runs over an export, newest first."""
        return self.rows(_RUNS)

    def served(self, customer_id: str) -> list[Row]:
        """Return the documents being served under a customer_id, with their text."""
        return self.rows(_SERVED, customer_id=customer_id)

    def ended(self, customer_id: str) -> list[Row]:
        """Return each time that a document of a customer_id ceased to be served, oldest first."""
        return self.rows(_ENDED, customer_id=customer_id)

    def refused(self, customer_id: str) -> list[Row]:
        """Return since when, and since which run, newer documents of a customer_id are refused."""
        return self.rows(_REFUSED, customer_id=customer_id)

    def first_refused(self, customer_ref: str, structure: str, after: int) -> list[Row]:
        """Return the first run after a number that refused a customer's document, as far as findings are kept."""
        return self.rows(_FIRST_REFUSED, customer_ref=customer_ref, structure=structure, after=after)

    def findings(self, run_id: str, customer_ref: str) -> list[Row]:
        """Return what a run found about a customer."""
        return self.rows(_FINDINGS, run_id=run_id, customer_ref=customer_ref)

    def rules(self, run_id: str, structure: str) -> list[Row]:
        """Return xpath and id of the rules that applied to anything of a structure in a run."""
        return self.rows(_RULES, run_id=run_id, structure=structure)


@contextmanager
def glance(url: str, patience: int | None = None) -> Iterator[Glance]:
    """Open a serving database for reading; wait so many seconds for a server.

    Raises UnreadableInput where there is none, or its tables are not those of this program.
    """
    postgres = _SCHEME.match(url) is not None
    connection, error = _postgres(url, patience) if postgres else _sqlite(url)
    try:
        yield Glance(connection, postgres=postgres)
    except error as problem:
        message = (
            f"the database cannot be read: {type(problem).__name__}; `cadastra db upgrade` makes its tables"
        )
        raise UnreadableInput(message) from None
    finally:
        connection.close()


def _sqlite(url: str) -> tuple[Any, type[Exception]]:
    if not _SQLITE.match(url):
        message = "the database URL cannot be read: expected sqlite:///FILE or postgresql://USER@HOST/NAME"
        raise UnreadableInput(message)
    path = Path(_SQLITE.sub("", url).split("?")[0])
    if not path.is_file():
        message = f"there is no database {path}"
        raise UnreadableInput(message)
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)
    connection.execute("PRAGMA query_only = ON")
    return connection, sqlite3.DatabaseError


def _postgres(url: str, patience: int | None) -> tuple[Any, type[Exception]]:
    import psycopg  # noqa: PLC0415 (an embedded database needs none)

    options = f"-c search_path={_SEARCH_PATH} -c default_transaction_read_only=on"
    try:
        target = _SCHEME.sub("postgresql://", url)
        return psycopg.connect(target, options=options, connect_timeout=patience), psycopg.DatabaseError
    except psycopg.OperationalError:
        # The driver's own words may quote the password.
        message = "the database server does not answer"
        raise UnreadableInput(message) from None
