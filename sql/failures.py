"""Say what a database that fails has to say, without anything that it may quote."""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError

# What a server, a disk or a network does; other errors are this program's, and may quote a row.
_CAUSED_OUTSIDE = (sqlite3.OperationalError, psycopg.OperationalError, psycopg.InterfaceError)


def told(problem: BaseException) -> str | None:
    """Return the one line for the operator, or None where the problem is none of a database at work."""
    cause = problem.orig if isinstance(problem, DBAPIError) else problem
    if not isinstance(cause, _CAUSED_OUTSIDE):
        return None
    said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    lines = (said or str(cause)).splitlines() or [type(cause).__name__]
    return f"the database failed: {lines[0]}"
