"""Look at all bytes of a text column at once: most columns are clean, and that is seen faster than by any pattern.

Every answer may err on one side only: a clean value that is marked costs a slower look, never a wrong value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_BLANK = 0x20
# UTF-8: a byte of a character beyond ASCII; C2 A0 is NBSP, C2 85 is NEL; from E0 on characters of three bytes begin.
_FIRST_WIDE, _LATIN, _NBSP, _NEL, _THREE_BYTES = 0x80, 0xC2, 0xA0, 0x85, 0xE0
_QUOTE, _BACKSLASH = 0x22, 0x5C
_ZERO, _NINE = 0x30, 0x39


def octets(values: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return the bytes of a column and where in them each value begins (one entry more than values)."""
    _, offsets, data = values.buffers()
    edges = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    if data is None or len(values) == 0:
        return np.empty(0, np.uint8), np.zeros(len(values) + 1, np.int32)
    return np.frombuffer(data, np.uint8)[edges[0] : edges[-1]], edges - edges[0]


def _values_at(places: NDArray[np.int64], edges: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark the values in which given bytes stand."""
    marked = np.zeros(len(edges) - 1, bool)
    marked[np.searchsorted(edges, places, side="right") - 1] = True
    return marked


def maybe_untidy(values: pa.StringArray) -> NDArray[np.bool_]:
    """Mark values that may have a blank at an end, two blanks in a row, or a blank that is no space."""
    data, edges = octets(values)
    blank = data == _BLANK
    doubled = np.flatnonzero(blank[1:] & blank[:-1])
    marked = _values_at(np.concatenate((np.flatnonzero(data < _BLANK), doubled, _wide_blanks(data))), edges)
    filled = np.flatnonzero(edges[1:] > edges[:-1])
    marked[filled[blank[edges[filled]] | blank[edges[filled + 1] - 1]]] = True
    return marked


def _wide_blanks(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return where NBSP, NEL or a character of the blocks that hold other blanks may stand."""
    if not (data >= _FIRST_WIDE).any():
        return np.empty(0, np.int64)
    latin = np.flatnonzero(data[:-1] == _LATIN)
    following = data[latin + 1]
    return np.concatenate(
        (latin[(following == _NBSP) | (following == _NEL)], np.flatnonzero(data >= _THREE_BYTES))
    )


def maybe_masked(values: pa.StringArray) -> NDArray[np.bool_]:
    """Mark values that have a character that is no ASCII digit."""
    data, edges = octets(values)
    return _values_at(np.flatnonzero((data < _ZERO) | (data > _NINE)), edges)


def maybe_escaped(values: pa.StringArray) -> NDArray[np.bool_]:
    """Mark values in which JSON has to escape something: a quote, a backslash, a control character."""
    data, edges = octets(values)
    return _values_at(np.flatnonzero((data < _BLANK) | (data == _QUOTE) | (data == _BACKSLASH)), edges)


def of_width(values: pa.StringArray, width: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the rows whose value has exactly so many bytes, and those bytes, one row each."""
    data, edges = octets(values)
    there = pc.is_valid(values).to_numpy(zero_copy_only=False)  # a missing value may have bytes all the same
    rows = np.flatnonzero((np.diff(edges) == width) & there)
    if len(rows) * width == len(data):
        return rows, data.reshape(-1, width)
    return rows, data[edges[rows][:, None] + np.arange(width)]


def number_at(octets_of_rows: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.int64]:
    """Read digits that stand in the same place of every row as a number."""
    number = np.zeros(len(octets_of_rows), np.int64)
    for place in range(start, stop):
        number = number * 10 + (octets_of_rows[:, place] - _ZERO)
    return number


def has_shape(octets_of_rows: NDArray[np.uint8], shape: bytes) -> NDArray[np.bool_]:
    """Say which rows have a digit where the shape has a 9, and the shape's own sign everywhere else."""
    model = np.frombuffer(shape, np.uint8)
    digit = (octets_of_rows >= _ZERO) & (octets_of_rows <= _NINE)
    return np.asarray(np.where(model == _NINE, digit, octets_of_rows == model).all(axis=1), bool)


def changed_where(
    values: pa.StringArray, marked: NDArray[np.bool_], change: Callable[[pa.StringArray], pa.StringArray]
) -> pa.StringArray:
    """Change only the marked values."""
    if not marked.any():
        return values
    mask = pa.array(marked)
    return pc.replace_with_mask(values, mask, change(values.filter(mask)))


def fixed_width(octets_of_rows: NDArray[np.uint8], missing: NDArray[np.bool_]) -> pa.StringArray:
    """Make a column of texts of one width, given as bytes, one row each."""
    rows, width = octets_of_rows.shape
    valid = pa.array(~missing).buffers()[1] if missing.any() else None
    edges = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    data = np.ascontiguousarray(octets_of_rows)
    return pa.Array.from_buffers(pa.string(), rows, [valid, pa.py_buffer(edges), pa.py_buffer(data)])
