"""Look at all bytes of a text column at once: most columns are clean, and that is seen faster than by any pattern.

Every answer may err on one side only: a clean value that is marked costs a slower look, never a wrong value.
"""

from __future__ import annotations

from functools import cache
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
_ZERO, _NINE, _MINUS = 0x30, 0x39, 0x2D
_WORD, _BITS, _ONE = 8, np.uint8(3), np.uint64(1)


def octets(values: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return the bytes of a column and where in them each value begins (one entry more than values)."""
    _, offsets, data = values.buffers()
    if data is None or len(values) == 0:
        return np.empty(0, np.uint8), np.zeros(len(values) + 1, np.int32)
    edges = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    first = edges[0]
    return np.frombuffer(data, np.uint8)[first : edges[-1]], edges - first if first else edges


def places_of(sign: int, data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return where a byte stands, in half the time that it takes numpy if it is rare enough."""
    marks = np.zeros(-(-len(data) // _WORD) * _WORD, bool)
    np.equal(data, sign, out=marks[: len(data)])
    words = marks.view("<u8")
    place = np.flatnonzero(words != 0)
    found = words[place]
    if (found & (found - _ONE)).any():  # several in a word of eight
        return np.flatnonzero(marks)
    place *= _WORD
    place += np.bitwise_count(found - _ONE) >> _BITS
    return place


def _values_at(places: NDArray[np.int64], edges: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark the values in which given bytes stand."""
    marked = np.zeros(len(edges) - 1, bool)
    if len(places):
        marked[edges.searchsorted(places, side="right") - 1] = True
    return marked


def maybe_untidy(values: pa.StringArray) -> NDArray[np.bool_]:
    """Mark values that may have a blank at an end, two blanks in a row, or a blank that is no space."""
    data, edges = octets(values)
    if data.min(initial=_FIRST_WIDE) > _BLANK and data.max(initial=0) < _FIRST_WIDE:
        return np.zeros(len(values), bool)
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
    return _values_at((data - _ZERO > _NINE - _ZERO).nonzero()[0], edges)


@cache
def _signs_of(words: tuple[str, ...]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which lengths, which first and which last bytes words have; the greatest length stands for all beyond it."""
    spelt = [word.encode() for word in words if word]
    lengths = np.zeros(max(map(len, spelt), default=0) + 2, bool)
    lengths[[0, *map(len, spelt)]] = True
    first, last = np.zeros(256, bool), np.zeros(256, bool)
    first[[word[0] for word in spelt]] = True
    last[[word[-1] for word in spelt]] = True
    return lengths, first, last


def maybe_among(values: pa.StringArray, words: tuple[str, ...]) -> NDArray[np.bool_]:
    """Mark values that have the length, the first and the last byte of one of some words, and empty ones."""
    lengths, first, last = _signs_of(words)
    data, edges = octets(values)
    sizes = edges[1:] - edges[:-1]
    marked: NDArray[np.bool_] = lengths[np.minimum(sizes, len(lengths) - 1)]
    rows = (marked & (sizes > 0)).nonzero()[0]
    marked[rows] = first[data[edges[rows]]] & last[data[edges[rows + 1] - 1]]
    return marked


def maybe_padded(values: pa.StringArray) -> NDArray[np.bool_]:
    """Mark numbers that begin with a zero or a sign."""
    data, edges = octets(values)
    filled = np.flatnonzero(edges[1:] > edges[:-1])
    first = data[edges[filled]]
    marked = np.zeros(len(values), bool)
    marked[filled[(first == _ZERO) | (first == _MINUS)]] = True
    return marked


def maybe_escaped(values: pa.StringArray) -> NDArray[np.bool_]:
    """Mark values in which JSON has to escape something: a quote, a backslash, a control character."""
    data, edges = octets(values)
    return _values_at(((data < _BLANK) | (data == _QUOTE) | (data == _BACKSLASH)).nonzero()[0], edges)


def of_width(values: pa.StringArray, width: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the rows whose value has exactly so many bytes, and those bytes: a line for each place in the value."""
    data, edges = octets(values)
    right = np.diff(edges) == width
    if values.null_count:  # a missing value may have bytes all the same
        right &= pc.is_valid(values).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(right)
    if len(rows) * width == len(data):
        return rows, np.ascontiguousarray(data.reshape(-1, width).T)
    begin = edges[rows]
    return rows, np.stack([data[begin + place] for place in range(width)])


def number_at(places: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.int32]:
    """Read digits that stand in the same places of every value as a number."""
    number = np.zeros(places.shape[1], np.int32)
    for place in range(start, stop):
        number = number * 10 + (places[place] - _ZERO)
    return number


def has_shape(places: NDArray[np.uint8], shape: bytes) -> NDArray[np.bool_]:
    """Say which values have a digit where the shape has a 9, and the shape's own sign everywhere else."""
    good = np.ones(places.shape[1], bool)
    for sign, wanted in zip(places, shape, strict=True):
        good &= sign - _ZERO <= _NINE - _ZERO if wanted == _NINE else sign == wanted
    return good


def changed_where(
    values: pa.StringArray, marked: NDArray[np.bool_], change: Callable[[pa.StringArray], pa.StringArray]
) -> pa.StringArray:
    """Change only the marked values."""
    rows = marked.nonzero()[0]
    if len(rows) == 0:
        return values
    changed = change(values.take(pa.array(rows)))
    # Arrow's own replace_with_mask takes twice as long for texts.
    place = np.arange(len(values), dtype=np.int32)
    place[rows] = np.arange(len(values), len(values) + len(rows), dtype=np.int32)
    return pa.concat_arrays([values, changed]).take(pa.array(place))


def mended_where(
    values: pa.StringArray, marked: NDArray[np.bool_], mend: Callable[[pa.StringArray], pa.StringArray]
) -> pa.StringArray:
    """Mend the marked values, or all where most are marked: what is clean stays as it is in any case."""
    if np.count_nonzero(marked) * 2 > len(marked):
        return mend(values)
    return changed_where(values, marked, mend)


def without(values: pa.StringArray, signs: bytes) -> pa.StringArray:
    """Take some ASCII signs out of every value."""
    data, edges = octets(values)
    unwanted = np.zeros(256, bool)
    unwanted[list(signs)] = True
    kept = ~unwanted[data]
    before = np.zeros(len(data) + 1, np.int32)
    np.cumsum(kept, out=before[1:])
    return _text_array(before[edges], data[kept], pc.is_null(values).to_numpy(zero_copy_only=False))


def fixed_width(octets_of_rows: NDArray[np.uint8], missing: NDArray[np.bool_]) -> pa.StringArray:
    """Make a column of texts of one width, given as bytes, one row each."""
    rows, width = octets_of_rows.shape
    edges = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    return _text_array(edges, np.ascontiguousarray(octets_of_rows), missing)


def _text_array(
    edges: NDArray[np.int32], data: NDArray[np.uint8], missing: NDArray[np.bool_]
) -> pa.StringArray:
    valid = pa.array(~missing).buffers()[1] if missing.any() else None
    buffers = [valid, pa.py_buffer(np.ascontiguousarray(edges)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(missing), buffers)
