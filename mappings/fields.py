"""Find the fields of CSV text by its bytes alone, where every record is as the header says.

A parser is not needed for the few columns of a census; but where it might see other records or fields than are found
here, or has something to refuse, nothing is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Octets = NDArray[np.uint8]
    Places = NDArray[np.int64]

_QUOTE, _NEWLINE, _RETURN, _FIRST_WIDE = 34, 10, 13, 0x80


@dataclass(frozen=True, slots=True)
class Fields:
    """Say where the records of a text begin and on which line, and where each of their fields ends."""

    text: bytes
    begins: Places
    lines: Places
    count: int  # of line ends
    edges: Places  # of each record and field the place of the sign behind it

    def column(self, place: int) -> pa.Array | None:
        """Return one field of every record, empty ones missing; None where some are quoted or not of ASCII."""
        octets = np.frombuffer(self.text, np.uint8)
        starts = self.begins if place == 0 else self.edges[:, place - 1] + 1
        stops = self.edges[:, place]
        if place == self.edges.shape[1] - 1:
            stops = stops - (octets[stops - 1] == _RETURN)
        if (octets[starts] == _QUOTE).any():
            return None
        rows = np.arange(0, 2 * len(starts), 2)
        bounds = np.append(np.stack((starts, stops), axis=1).ravel(), len(octets)).astype(np.int32)
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(self.text)]
        fields = pa.Array.from_buffers(pa.binary(), 2 * len(starts), buffers).take(pa.array(rows))
        if np.frombuffer(fields.buffers()[2] or b"", np.uint8).max(initial=0) >= _FIRST_WIDE:
            return None
        fields = fields.cast(pa.string())
        missing = pa.scalar(None, pa.string())
        return fields if (stops > starts).all() else pc.if_else(pc.equal(fields, ""), missing, fields)


def fields_of(text: bytes, separator: str, width: int) -> Fields | None:
    """Find so many fields in every record of a text that ends with a line end; None where a parser has to look."""
    octets = np.frombuffer(text, np.uint8)
    ends = octets == _NEWLINE
    count = int(np.count_nonzero(ends))
    ends |= octets == ord(separator)
    edges = np.flatnonzero(ends)
    quoted = edges[:0]
    if b'"' in text:
        within = _within_quotes(octets, edges, separator)
        if within is None:
            return None
        quoted, edges = edges[within], np.delete(edges, within)
        quoted = quoted[octets[quoted] == _NEWLINE]
    rows = count - len(quoted)
    last = edges[width - 1 :: width]
    if len(edges) != rows * width or (octets[last] != _NEWLINE).any() or _other_returns(text, last, quoted):
        return None
    lines = np.arange(1, rows + 1)
    if len(quoted):
        lines += np.cumsum(np.bincount(np.searchsorted(last, quoted) + 1, minlength=rows + 1))[:rows]
    return Fields(text, np.append(0, last + 1)[:-1], lines, count, edges.reshape(rows, width))


def _within_quotes(octets: Octets, edges: Places, separator: str) -> Places | None:
    """Return which edges stand within quotes; None where a quote does not stand at an end of a field.

    Two quotes side by side are one that is meant, or nothing.
    """
    quotes = np.flatnonzero(octets == _QUOTE)
    if len(quotes) % 2:
        return None
    opening, closing = quotes[::2], quotes[1::2]
    doubled = opening[1:] == closing[:-1] + 1
    before, behind = octets[opening - 1], octets[closing + 1]
    begins = (before == ord(separator)) | (before == _NEWLINE)  # the last sign of all is a line end, too
    begins[1:] |= doubled
    ends = (behind == ord(separator)) | (behind == _NEWLINE) | (behind == _RETURN)
    ends[:-1] |= doubled
    if not (begins.all() and ends.all()):
        return None
    return between(edges, quotes)


def between(edges: Places, quotes: Places) -> Places:
    """Return which edges stand between a quote and the next one, of every pair."""
    first, behind_last = np.searchsorted(edges, quotes[::2]), np.searchsorted(edges, quotes[1::2])
    counts = behind_last - first
    return np.repeat(behind_last - np.cumsum(counts), counts) + np.arange(counts.sum())


def _other_returns(text: bytes, *line_ends: Places) -> bool:
    """Say whether a carriage return stands anywhere but before a line end: it ends a line by itself."""
    if b"\r" not in text:
        return False
    octets = np.frombuffer(text, np.uint8)
    before = sum(int(np.count_nonzero(octets[ends - 1] == _RETURN)) for ends in line_ends)
    return int(np.count_nonzero(octets == _RETURN)) != before
