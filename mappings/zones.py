"""Local time of a zone to UTC, with the zone's whole history, without a Python loop per row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST, _LAST = datetime(1880, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No zone that a bank lives in keeps an offset for less than a week.
_STEP = timedelta(days=7)


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    offset = instant.astimezone(zone).utcoffset()
    if offset is None:  # pragma: no cover (an aware time always has one)
        raise ValueError(zone.key)
    return round(offset.total_seconds())


def _moment_of_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the second at which the offset changes between two instants."""
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after


@cache
def local_offsets(name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (local seconds from which an offset holds, offset in seconds), the first entry for all time before.

    A local time that a change skipped takes the offset before it, so it moves forward by the length of the gap; one
    that a change repeated is the first of the two. Both follow from letting a new offset begin at the later of the
    two local readings of the moment of change.
    """
    zone = ZoneInfo(name)
    starts, offsets = [np.iinfo(np.int64).min], [_offset(zone, _FIRST)]
    instant = _FIRST
    while instant < _LAST:
        following = instant + _STEP
        new = _offset(zone, following)
        if new != offsets[-1]:
            change = _moment_of_change(zone, instant, following)
            starts.append(round((change - _EPOCH).total_seconds()) + max(offsets[-1], new))
            offsets.append(new)
        instant = following
    return np.array(starts, np.int64), np.array(offsets, np.int64)


def to_utc(local_seconds: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Turn seconds since 1970 on the zone's wall clock into seconds since 1970 UTC.

    >>> wall = np.array(["1913-12-31T12:00:00", "2018-11-04T00:30:00", "2026-11-20T08:30:00"], "datetime64[s]")
    >>> to_utc(wall.astype(np.int64), "America/Sao_Paulo").astype("datetime64[s]").tolist()[0].isoformat()
    '1913-12-31T15:06:28'
    >>> to_utc(wall.astype(np.int64), "America/Sao_Paulo").astype("datetime64[s]").tolist()[1].isoformat()
    '2018-11-04T03:30:00'
    """
    starts, offsets = local_offsets(zone)
    return local_seconds - offsets[np.searchsorted(starts, local_seconds, side="right") - 1]
