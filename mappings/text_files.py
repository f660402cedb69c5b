"""Read CSV text: strict, and with the first physical line of every record and a hash of its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from customers.errors import ExportRefused
from mappings.digests import of_stretches
from mappings.encodings import has_plain_signs, is_wide, may_be_wrong, refuse_mark, utf8
from mappings.fields import between, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from mappings.core import Core

    Masks = Iterator[NDArray[np.bool_]]

_QUOTE, _NEWLINE, _RETURN = 34, 10, 13
# A line of so many bytes, its end among them, is not blank.
_SOME = 3
_MEBIBYTE = 1 << 20
# pyarrow refuses a record that is longer than a block.
_LONGEST_RECORD = 64 * _MEBIBYTE
WINDOW = 4 * _MEBIBYTE


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a file: columns, and of each the line on which it begins and a hash of its bytes.

    ``header`` names all columns of the file; ``words`` are None where the file has no lines of text.
    """

    columns: pa.Table
    lines: NDArray[np.int64]
    words: NDArray[np.uint64] | None
    header: list[str]


def read_csv(path: Path, data: bytes, core: Core) -> tuple[pa.Table, NDArray[np.int64]]:
    """Parse the bytes of a CSV file into text columns and the line on which each record begins.

    Raises what ``csv_chunks`` raises.
    """
    (chunk,) = _chunks(path, [data], core)
    return chunk.columns, chunk.lines


def csv_chunks(  # noqa: PLR0913, PLR0917 (what is read, and how)
    path: Path,
    core: Core,
    window: int = WINDOW,
    only: Collection[str] | None = None,
    rows: Masks | None = None,
    see: Callable[[bytes], object] | None = None,
) -> Iterator[Chunk]:
    """Read a CSV file window by window: text columns, all of them or ``only`` some.

    ``rows`` says of each window that has records which are wanted, of a file that was read before; ``see`` is given all
    bytes one after the other. At least one chunk comes, if only with the header. Raises ExportRefused for bytes that
    are not of the core's encoding, unbalanced quotes, an empty file, or a record with another number of fields than
    the header; messages never quote a record.
    """
    with path.open("rb") as file:
        pieces = _windows(file, path.stat().st_size + 1 if is_wide(core) else window)
        if see is not None:
            pieces = _seen(pieces, see)
        yield from _chunks(path, pieces, core, only) if rows is None else _chosen(path, pieces, core, rows)


def _seen(pieces: Iterable[bytes], see: Callable[[bytes], object]) -> Iterator[bytes]:
    for piece in pieces:
        see(piece)
        yield piece


def _windows(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Cut a file behind a record's last line end; at least one piece comes, if only an empty one."""
    begin, wanted = 0, size
    while True:
        file.seek(begin)
        data = file.read(wanted)
        if len(data) < wanted:
            break  # the end of the file is also that of its last record
        end = _last_end(data)
        if end:
            yield data[:end]
        begin, wanted = begin + end, size if end else 2 * wanted
    if data or begin == 0:
        yield data


def _last_end(data: bytes) -> int:
    """Return where the last record that is whole ends, 0 where none does."""
    end = data.rfind(b"\n") + 1
    octets = np.frombuffer(data, np.uint8)
    if b'"' not in data or np.count_nonzero(octets[:end] == _QUOTE) % 2 == 0:
        return end
    ends = np.flatnonzero(octets == _NEWLINE)
    closing = ends[np.searchsorted(np.flatnonzero(octets == _QUOTE), ends) % 2 == 0]
    return int(closing[-1]) + 1 if len(closing) else 0


def _chunks(
    path: Path, pieces: Iterable[bytes], core: Core, only: Collection[str] | None = None
) -> Iterator[Chunk]:
    reading = _Reading(path, core)
    for piece in pieces:
        raw = reading.body(piece)
        if reading.header:
            cut = None if only is None else reading.cut(raw, only)
            yield reading.chunk(raw, *reading.records(raw), only) if cut is None else cut
    if not reading.header:
        msg = f"export refused: {path.name} has no header"
        raise ExportRefused(msg)


def _chosen(path: Path, pieces: Iterable[bytes], core: Core, rows: Masks) -> Iterator[Chunk]:
    """Do what ``_chunks`` does with a file that it has read before, of each piece only for the records of a mask.

    Where there are no more masks nobody wants the rest.
    """
    reading, came = _Reading(path, core), False
    for piece in pieces:
        raw = reading.body(piece)
        begins, lines = reading.records(raw)
        if len(begins) == 0:
            continue
        mask = next(rows, None)
        if mask is None:
            break
        if mask.any():
            came = True
            chosen = _only(raw, begins, mask)
            yield reading.chunk(chosen, _records(path, chosen)[0], lines[mask])
    if not came:
        nothing = np.empty(0, np.int64)
        yield reading.chunk(b"", nothing, nothing)


class _Reading:
    """Read a file piece by piece, knowing its header and how many lines came before."""

    def __init__(self, path: Path, core: Core) -> None:
        self._path, self._core, self._line = path, core, 0
        self.header, self.names = b"", list[str]()

    def body(self, piece: bytes) -> bytes:
        """Return what is behind the header as text in which records can be told apart; encoded, unless it is wide."""
        raw = self._verified(piece)
        if raw and not raw.endswith(b"\n"):
            raw += b"\n"  # pyarrow takes a header without a line end for no header
        if self.header:
            return raw
        cut = _first_end(raw)
        head = raw[:cut]
        if len(_records(self._path, head)[0]):
            self.header = self._text(head)
            self.names = _parse(self._path, self.header, self._core, [], 0).column_names
        self._line += head.count(b"\n")
        return raw[cut:]

    def records(self, raw: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the records of the next text begin, and their first lines."""
        begins, lines, ends = _records(self._path, raw)
        lines = lines + self._line
        self._line += ends
        return begins, lines

    def chunk(
        self,
        raw: bytes,
        begins: NDArray[np.int64],
        lines: NDArray[np.int64],
        only: Collection[str] | None = None,
    ) -> Chunk:
        """Parse records of which it is known where and on which lines they begin."""
        columns = [name for name in self.names if only is None or name in only]
        text = self.header + self._text(raw)
        parsed = _parse(self._path, text, self._core, self.names, len(begins), columns)
        return Chunk(parsed, lines, _words(raw, begins), self.names)

    def cut(self, raw: bytes, only: Collection[str]) -> Chunk | None:
        """Read a few columns of the next text without a parser; None where that cannot be."""
        wanted = {name: place for place, name in enumerate(self.names) if name in only}
        if len(raw) > _LONGEST_RECORD or not has_plain_signs(self._core.encoding, self._core.separator):
            return None
        fields = fields_of(raw, self._core.separator, len(self.names))
        if fields is None:
            return None
        columns = [fields.column(place) for place in wanted.values()]
        if any(column is None for column in columns):
            return None
        lines = fields.lines + self._line
        self._line += fields.count
        return Chunk(pa.table(columns, names=list(wanted)), lines, _words(raw, fields.begins), self.names)

    def _verified(self, piece: bytes) -> bytes:
        """Refuse bytes that are not of the encoding, with as little work as it takes to tell."""
        refuse_mark(self._path, piece, self._core, self._line)
        if is_wide(self._core):
            return utf8(self._path, piece, self._core, self._line)
        if may_be_wrong(piece, self._core.encoding):
            utf8(self._path, piece, self._core, self._line)
        return piece

    def _text(self, raw: bytes) -> bytes:
        return raw if is_wide(self._core) else utf8(self._path, raw, self._core, self._line)


def _first_end(raw: bytes) -> int:
    """Return where the first record ends that is not blank."""
    begin, end, quotes = 0, 0, 0
    while line_end := raw.find(b"\n", end) + 1:
        quotes += raw.count(b'"', end, line_end)
        is_blank = line_end - begin < _SOME and not raw[begin:line_end].strip(b"\r\n")
        end = line_end
        if is_blank:
            begin = end
        elif quotes % 2 == 0:
            break
    return end


def _words(raw: bytes, begins: NDArray[np.int64]) -> NDArray[np.uint64]:
    return of_stretches(np.frombuffer(raw, np.uint8), begins, np.diff(begins, append=len(raw)))


def _only(raw: bytes, begins: NDArray[np.int64], mask: NDArray[np.bool_]) -> bytes:
    """Leave out the records that nobody wants."""
    edges = np.append(begins, len(raw)).astype(np.int64)
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(raw)]
    kept = pa.Array.from_buffers(pa.large_binary(), len(begins), buffers).filter(pa.array(mask))
    content: bytes = kept.buffers()[2].to_pybytes()[: int(np.diff(edges)[mask].sum())]
    return content


def _records(path: Path, text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return where every record begins, its first physical line, and how many lines end.

    Blank lines are no records.
    """
    octets = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(octets == _NEWLINE)
    count, lines = len(ends), np.arange(1, len(ends) + 2, dtype=np.int64)
    if b'"' in text:
        quotes = np.flatnonzero(octets == _QUOTE)
        if len(quotes) % 2:
            msg = f"export refused: {path.name}: a quote is opened and never closed"
            raise ExportRefused(msg)
        within = between(ends, quotes)
        ends, lines = np.delete(ends, within), np.delete(lines, within + 1)
    if text.endswith(b"\n") and (sizes := np.diff(ends, prepend=-1)).min(initial=_SOME) >= _SOME:
        # each line is a record
        return ends + 1 - sizes, lines[:-1], count
    begins = np.concatenate(([0], ends + 1))
    stops = np.concatenate((ends, [len(octets)]))
    lengths = stops - begins
    only_return = (
        (lengths == 1) & (octets[np.minimum(begins, len(octets) - 1)] == _RETURN) if len(octets) else False
    )
    filled = (lengths > 0) & ~np.asarray(only_return)
    return np.asarray(begins[filled], np.int64), np.asarray(lines[filled], np.int64), count


def _parse(  # noqa: PLR0913, PLR0917 (a header and records)
    path: Path, text: bytes, core: Core, names: Sequence[str], records: int, columns: Sequence[str] = ()
) -> pa.Table:
    """Parse a header and so many records; every named column is text, and only ``columns`` come, if any are named."""
    wrong: list[tuple[int, int]] = []

    def remember(row: csv.InvalidRow) -> str:
        wrong.append((row.expected_columns, row.actual_columns))
        return "skip"

    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(block_size=_block_size(text), use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=core.separator,
                newlines_in_values=b'"' in text,
                invalid_row_handler=remember,
            ),
            convert_options=csv.ConvertOptions(
                include_columns=None if len(columns) == len(names) else columns,
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                check_utf8=False,  # it was just encoded
            ),
        )
    except pa.ArrowInvalid as problem:
        msg = f"export refused: {path.name} cannot be parsed as CSV"
        raise ExportRefused(msg) from problem
    if wrong:
        expected, actual = wrong[0]
        msg = (
            f"export refused: {path.name}: {len(wrong)} records do not have the {expected} fields of the header, "
            f"the first has {actual} ({records} records)"
        )
        raise ExportRefused(msg)
    if table.num_rows != records:
        counts = f"{records} records by their line ends, {table.num_rows} by their quotes"
        msg = f"export refused: {path.name}: {counts}"
        raise ExportRefused(msg)
    return table


def _block_size(text: bytes) -> int:
    return min(max(len(text), 1), _LONGEST_RECORD)
