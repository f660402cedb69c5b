"""Which failures of a database may pass when the same is tried again."""

from __future__ import annotations

import sqlite3

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from customers.errors import Busy, MayPass

# Connections that drop, servers that stop or start, transactions that meet others.
_PASSING = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.TooManyConnections,
)


def may_pass(problem: BaseException | None) -> bool:
    """Say whether a failure may pass: a dropped connection, a serialization failure; never a full disk or a bad row."""
    if isinstance(problem, (MayPass, Busy)):
        return isinstance(problem, MayPass)
    cause = problem.orig if isinstance(problem, DBAPIError) else problem
    if isinstance(cause, _PASSING):
        return True
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorname", "") in {"SQLITE_BUSY", "SQLITE_LOCKED"}
    lost = isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError))
    return lost and getattr(cause, "sqlstate", None) is None
