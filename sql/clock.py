"""Time as the serving database knows it: several hosts read one clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sql.engine import is_postgres

if TYPE_CHECKING:
    from sqlalchemy import Connection


def now(connection: Connection) -> str:
    """Return the present time as the database writes it: UTC text with microseconds."""
    return as_text(_moment(connection))


def seconds_since(connection: Connection, moment: str) -> float:
    """Return the seconds that passed since a moment that the database wrote."""
    return (_moment(connection) - as_moment(moment)).total_seconds()


def as_moment(text: str) -> datetime:
    """Read a time that the database wrote, with or without a fraction.

    >>> as_moment("2026-11-20T02:00:00Z") < as_moment("2026-11-20T02:00:00.5Z")
    True
    """
    return datetime.fromisoformat(text)


def as_text(moment: datetime) -> str:
    """Write a time as the database has it.

    >>> as_text(as_moment("2026-11-20T02:00:00-03:00"))
    '2026-11-20T05:00:00.000000Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(connection: Connection) -> datetime:
    if is_postgres(connection):
        moment: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return moment
    return datetime.now(UTC)
