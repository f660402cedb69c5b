"""Local time to UTC, against the standard library's own reading of the zone's history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.zones import local_offsets, to_utc

SAO_PAULO = "America/Sao_Paulo"
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (a clock on the wall)


def converted(moment: datetime, zone: str = SAO_PAULO) -> datetime:
    """Convert one local time."""
    seconds = np.array([(moment - EPOCH) // timedelta(seconds=1)], np.int64)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(to_utc(seconds, zone)[0]))


def expected(moment: datetime, zone: str = SAO_PAULO) -> datetime:
    """Read a local time as the standard library does with fold=0: a gap by the offset before it, a repeat as the first."""
    return moment.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def around_changes(zone: str) -> list[datetime]:
    """Return local times from two hours before to two hours after each change of the zone."""
    starts, _ = local_offsets(zone)
    steps = [
        timedelta(seconds=step)
        for step in (-7200, -3601, -3600, -3599, -1800, -389, -1, 0, 1, 388, 1800, 3599, 3600, 7200)
    ]
    return [EPOCH + timedelta(seconds=int(start)) + step for start in starts[1:] for step in steps]


@pytest.mark.parametrize("zone", [SAO_PAULO, "America/Manaus", "America/Noronha", "Europe/Lisbon", "UTC"])
def test_around_every_change_the_standard_library_agrees(zone: str) -> None:
    for moment in around_changes(zone):
        assert converted(moment, zone) == expected(moment, zone), moment


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))  # noqa: DTZ001 (as above)
def test_at_any_time_the_standard_library_agrees(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert converted(whole) == expected(whole)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("1913-12-31T23:59:59", "1914-01-01T03:06:27Z"),  # local mean time: 03:06:28 behind
        ("1914-01-01T00:06:28", "1914-01-01T03:06:28Z"),  # and three hours from then on
        ("2018-11-04T00:30:00", "2018-11-04T03:30:00Z"),  # skipped: moves forward to 01:30 summer time
        ("2018-11-04T01:30:00", "2018-11-04T03:30:00Z"),
        ("2019-02-16T23:30:00", "2019-02-17T01:30:00Z"),  # repeated: the first, still summer time
        ("2019-11-03T00:30:00", "2019-11-03T03:30:00Z"),  # no daylight saving any more
        ("2026-01-15T12:00:00", "2026-01-15T15:00:00Z"),
    ],
)
def test_the_zones_history(local: str, utc: str) -> None:
    assert converted(datetime.fromisoformat(local)) == datetime.fromisoformat(utc)


def test_no_time_at_all() -> None:
    assert to_utc(np.empty(0, np.int64), SAO_PAULO).tolist() == []
