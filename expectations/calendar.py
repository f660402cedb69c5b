"""Real days and moments in the one form that staging writes, seen by their bytes and not by a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from customers.formats import DATE, DATE_TIME, UTC_DATE_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from expectations.cells import Booleans, Texts

DAY, MOMENT = "0000-00-00", "0000-00-00T00:00:00Z"
# Patterns that match every real day, or moment, of the years 1 to 9999; the last of each is the dictionary's.
PROVEN = {
    DATE: DAY,
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$": DAY,
    DATE_TIME: MOMENT,
    UTC_DATE_TIME: MOMENT,
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$": MOMENT,
}
_ZERO, _TEN = ord("0"), 10
_LENGTHS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_FEBRUARY, _MONTHS = 2, 12


def real(texts: Texts, shape: str) -> Booleans:
    """Say which values are a real day, or a real moment in UTC, in the form of a shape; the caller may keep it."""
    if shape not in texts.memo:
        texts.memo[shape] = _real(texts, shape)
    found: Booleans = texts.memo[shape].copy()
    return found


def _real(texts: Texts, shape: str) -> Booleans:
    good: Booleans = texts.sizes == len(shape)
    places = _places(texts, good, len(shape))
    fine = np.ones(len(places[0]), dtype=np.bool_)
    for sign, wanted in zip(places, shape.encode(), strict=True):
        fine &= sign - _ZERO < _TEN if wanted == _ZERO else sign == wanted
    fine &= _is_day(_number(places[:4]), _number(places[5:7]), _number(places[8:10]))
    if shape == MOMENT:
        for place, limit in ((11, 24), (14, 60), (17, 60)):
            fine &= _number(places[place : place + 2]) < limit
    good[good] = fine
    return good


def _places(texts: Texts, chosen: Booleans, width: int) -> NDArray[np.uint8]:
    """Return the bytes of chosen values of one width, a line for each place in the value."""
    if chosen.all():
        used = texts.octets[texts.offsets[0] : texts.offsets[-1]]
        return np.ascontiguousarray(used.reshape(-1, width).T)
    begin = texts.offsets[:-1][chosen]
    return np.stack([texts.octets[begin + place] for place in range(width)])


def _number(places: NDArray[np.uint8]) -> NDArray[np.int32]:
    number = np.zeros(len(places[0]), dtype=np.int32)
    for sign in places:
        number = number * 10 + (sign - _ZERO)
    return number


def _is_day(year: NDArray[np.int32], month: NDArray[np.int32], day: NDArray[np.int32]) -> Booleans:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = _LENGTHS[np.where(month <= _MONTHS, month, 0)] + (leap & (month == _FEBRUARY))
    return np.asarray((year > 0) & (day > 0) & (day <= length))
