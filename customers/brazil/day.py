"""When a day ends: the dates of the standard are Brazil's, its date-times are in UTC."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

_CLOCK = ZoneInfo("America/Sao_Paulo")
_LAST_SECOND = dt.time(23, 59, 59)


def end_of_day(day: dt.date) -> dt.datetime:
    """Return the last second of a day in Brazil, as an instant in UTC.

    >>> end_of_day(dt.date(2026, 11, 20)).isoformat()
    '2026-11-21T02:59:59+00:00'
    """
    return dt.datetime.combine(day, _LAST_SECOND, tzinfo=_CLOCK).astimezone(dt.UTC)


def today() -> dt.date:
    """Return the day that it is in Brazil."""
    return dt.datetime.now(tz=_CLOCK).date()
