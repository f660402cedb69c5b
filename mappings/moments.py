"""Read dates and timestamps, whole columns by their bytes: Brazilian text or native cells in, ISO text out.

What no calendar or clock has stays unread (``customers.unread``); missing stays missing.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.unread import marked
from mappings.octets import fixed_width, has_shape, number_at, octets, of_width
from mappings.zones import to_utc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

_DATE = b"99/99/9999"
_TIMESTAMP = b"99/99/9999 99:99:99"
# The years 1 to 9999, in seconds since 1970.
_YEARS = (-62_135_596_800, 253_402_300_800)
_DAY_SECONDS = 86_400
# Days that are written so often that their texts are kept: those of the years 1900 to 2099, counted from 1970.
_USUAL_DAYS = (-25_567, 47_482)
_UTC_TEXT = np.dtype([("day", "V10"), ("between", "V1"), ("clock", "V8"), ("zone", "V1")])
_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@cache
def _months() -> tuple[Integers, Integers]:
    """Return the first day, since 1970, and the length of each month of the years 1 to 9999."""
    first = np.arange(np.datetime64("0001-01"), np.datetime64("10000-02")).astype("datetime64[D]")
    days = first.astype(np.int64)
    return days[:-1], np.diff(days)


@cache
def _usual_days() -> NDArray[np.void]:
    days = pa.array(np.arange(*_USUAL_DAYS, dtype=np.int32)).cast(pa.date32()).cast(pa.string())
    return octets(days)[0].view("V10")


@cache
def _seconds_of_a_day() -> NDArray[np.void]:
    clock = pa.array(np.arange(_DAY_SECONDS, dtype=np.int32)).cast(pa.time32("s")).cast(pa.string())
    return octets(clock)[0].view("V8")


def _day_texts(days: Integers) -> NDArray[np.void]:
    """Write days since 1970, all of them in the years 1 to 9999, as ISO dates of ten bytes."""
    first, end = _USUAL_DAYS
    if ((days >= first) & (days < end)).all():
        return _usual_days()[days - first]
    return octets(pa.array(days.astype(np.int32)).cast(pa.date32()).cast(pa.string()))[0].view("V10")


def _days_of(places: NDArray[np.uint8]) -> tuple[Integers, NDArray[np.bool_]]:
    """Return days since 1970 of ``dd/mm/aaaa`` and whether each is a real calendar date."""
    year, month, day = number_at(places, 6, 10), number_at(places, 3, 5), number_at(places, 0, 2)
    sane = (year >= 1) & (month >= 1) & (month <= 12)  # noqa: PLR2004 (months of a year)
    first, lengths = _months()
    number = np.where(sane, year * 12 + month - 13, 0)
    return first[number] + day - 1, sane & (day >= 1) & (day <= lengths[number])


def read_dates(values: pa.Array) -> pa.Array:
    """Read ``dd/mm/aaaa`` (or native dates) as ISO dates; a day that no calendar has stays unread.

    >>> from customers.unread import UNREAD
    >>> read_dates(pa.array(["29/02/2024", None, "31/02/1990", "1/1/90"])).to_pylist() == [
    ...     "2024-02-29", None, UNREAD + "31/02/1990", UNREAD + "1/1/90"]
    True
    """
    if not pa.types.is_string(values.type):
        return _native_dates(values.cast(pa.date32(), safe=False))
    rows, text = of_width(values, len(_DATE))
    shaped = has_shape(text, _DATE)
    if not shaped.all():
        rows, text = rows[shaped], text[:, shaped]
    days, real = _days_of(text)
    all_days = np.zeros(len(values), np.int64)
    all_days[rows] = np.where(real, days, 0)
    missing = np.ones(len(values), bool)
    missing[rows] = ~real
    text = _day_texts(all_days).view(np.uint8).reshape(len(values), len(_DATE))
    return marked(values, fixed_width(text, missing))


def _native_dates(days: pa.Array) -> pa.Array:
    """Write dates; one that four digits of a year cannot say stays unread."""
    numbers, text = days.cast(pa.int32()), days.cast(pa.string())
    first, end = (seconds // _DAY_SECONDS for seconds in _YEARS)
    said = pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, end))
    return marked(text, pc.if_else(said, text, pa.scalar(None, pa.string())))


def _utc_text(seconds: Integers, missing: NDArray[np.bool_]) -> pa.Array:
    """Write seconds since 1970 as UTC text; what four digits of a year cannot say is missing."""
    missing = missing | (seconds < _YEARS[0]) | (seconds >= _YEARS[1])
    seconds = np.where(missing, 0, seconds)
    days = seconds // _DAY_SECONDS
    text = np.empty(len(seconds), _UTC_TEXT)
    text["day"], text["clock"] = _day_texts(days), _seconds_of_a_day()[seconds - days * _DAY_SECONDS]
    text["between"], text["zone"] = b"T", b"Z"
    return fixed_width(text.view(np.uint8).reshape(len(text), text.itemsize), missing)


def _native_timestamps(values: pa.Array, zone: str) -> pa.Array:
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("s"))
    missing = pc.is_null(values).to_numpy(zero_copy_only=False)
    zoned = values.type.tz is not None
    ticks = pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    seconds = ticks // _TICKS[values.type.unit]  # whole seconds, down, also before 1970
    return marked(values.cast(pa.string()), _utc_text(seconds if zoned else to_utc(seconds, zone), missing))


def read_timestamps(values: pa.Array, zone: str) -> pa.Array:
    """Read local ``dd/mm/aaaa HH:MM:SS`` (or native timestamps, naive ones local) as UTC ``…T…Z``.

    >>> from customers.unread import UNREAD
    >>> read_timestamps(pa.array(["21/03/2020 05:30:00"]), "America/Sao_Paulo").to_pylist()
    ['2020-03-21T08:30:00Z']
    >>> read_timestamps(pa.array(["21/03/2020 25:30:00"]), "America/Sao_Paulo").to_pylist()[0] == (
    ...     UNREAD + "21/03/2020 25:30:00")
    True
    """
    if not pa.types.is_string(values.type):
        return _native_timestamps(values, zone)
    rows, text = of_width(values, len(_TIMESTAMP))
    shaped = has_shape(text, _TIMESTAMP)
    if not shaped.all():
        rows, text = rows[shaped], text[:, shaped]
    days, real = _days_of(text)
    hour, minute, second = (number_at(text, at, at + 2) for at in (11, 14, 17))
    real &= (hour < 24) & (minute < 60) & (second < 60)  # noqa: PLR2004 (a clock)
    stamps = np.zeros(len(values), np.int64)
    stamps[rows] = days * _DAY_SECONDS + hour * 3_600 + minute * 60 + second
    missing = np.ones(len(values), bool)
    missing[rows] = ~real
    return marked(values, _utc_text(to_utc(stamps, zone), missing))
