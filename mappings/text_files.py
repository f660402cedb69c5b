"""Read CSV text: strict, and with the first physical line of every record and a hash of its bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from customers.errors import ExportRefused
from mappings.digests import of_stretches, salt
from mappings.encodings import has_plain_signs, is_wide, may_be_wrong, refuse_mark, utf8
from mappings.fields import between, fields_of
from mappings.first_fields import first_fields
from mappings.octets import places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from mappings.core import Core

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

    ``header`` names all columns of the file and is part of every hash. ``edges`` say where in the file (in its text,
    where that is wide) each record begins and the last one ends. Both are None where the file has no lines of text.
    ``keys`` are hashes of the one column that was asked for, where that is all that was read.
    """

    columns: pa.Table
    lines: NDArray[np.int64]
    words: NDArray[np.uint64] | None
    header: list[str]
    edges: NDArray[np.int64] | None = None
    keys: NDArray[np.uint64] | None = None


def read_csv(path: Path, data: bytes, core: Core) -> tuple[pa.Table, NDArray[np.int64]]:
    """Parse the bytes of a CSV file into text columns and the line on which each record begins.

    Raises what ``csv_chunks`` raises.
    """
    (chunk,) = _chunks(path, [data], core)
    return chunk.columns, chunk.lines


def csv_chunks(
    path: Path,
    core: Core,
    window: int = WINDOW,
    only: Collection[str] | None = None,
    see: Callable[[bytes], object] | None = None,
) -> Iterator[Chunk]:
    """Read a CSV file window by window: text columns, all of them or ``only`` some.

    ``see`` is given all bytes one after the other. At least one chunk comes, if only with the header. Raises
    ExportRefused for bytes that are not of the core's encoding, unbalanced quotes, an empty file, or a record with
    another number of fields than the header; messages never quote a record. Of who asks for the first column only
    a record is not looked at beyond it: it is known by its hash, or read again.
    """
    with path.open("rb") as file:
        pieces = windows(file, path.stat().st_size + 1 if is_wide(core) else window)
        if see is not None:
            pieces = _seen(pieces, see)
        yield from _chunks(path, pieces, core, only)


def _seen(pieces: Iterable[bytes], see: Callable[[bytes], object]) -> Iterator[bytes]:
    for piece in pieces:
        see(piece)
        yield piece


def windows(file: BinaryIO, size: int) -> Iterator[bytes]:
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
    reading = Reading(path, core)
    for piece in pieces:
        raw = reading.body(piece)
        if reading.header:
            yield reading.all(raw) if only is None else reading.some(raw, only)
    if not reading.header:
        msg = f"export refused: {path.name} has no header"
        raise ExportRefused(msg)


class Reading:
    """Read a file piece by piece, knowing its header and how many lines came before."""

    def __init__(self, path: Path, core: Core) -> None:
        self._path, self._core, self._line, self._begin, self._end = path, core, 0, 0, 0
        self.header, self.names = b"", list[str]()

    def body(self, piece: bytes) -> bytes:
        """Return what is behind the header as text in which records can be told apart; encoded, unless it is wide."""
        raw = self._verified(piece)
        self._begin, self._end = self._end, self._end + len(raw)
        if raw and not raw.endswith(b"\n"):
            raw += b"\n"  # pyarrow takes a header without a line end for no header
        if self.header:
            return raw
        cut = _first_end(raw)
        head = raw[:cut]
        if len(records(self._path, head)[0]):
            self.header = self._text(head)
            self.names = _parse(self._path, self.header, self._core, [], 0).column_names
        self._line += head.count(b"\n")
        self._begin += cut
        return raw[cut:]

    def all(self, raw: bytes) -> Chunk:
        """Parse the next text."""
        begins, lines = self._records(raw)
        return self._with_edges(self.chunk(raw, begins, lines), raw, begins)

    def some(self, raw: bytes, only: Collection[str]) -> Chunk:
        """Read a few columns of the next text, without a parser where that can be."""
        if len(raw) > _LONGEST_RECORD or not has_plain_signs(self._core.encoding, self._core.separator):
            chunk = None
        elif set(self.names[:1]) == set(only):
            chunk = self._known_by_hash(raw)
        else:
            chunk = self._cut(raw, only)
        return self.all(raw) if chunk is None else chunk

    def chunk(self, raw: bytes, begins: NDArray[np.int64], lines: NDArray[np.int64]) -> Chunk:
        """Parse records of which it is known where and on which lines they begin."""
        parsed = _parse(self._path, self.header + self._text(raw), self._core, self.names, len(begins))
        return Chunk(parsed, lines, self._words(raw, begins), self.names)

    def _records(self, raw: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the records of the next text begin, and their first lines."""
        begins, lines, ends = records(self._path, raw)
        lines = lines + self._line
        self._line += ends
        return begins, lines

    def _cut(self, raw: bytes, only: Collection[str]) -> Chunk | None:
        wanted = {name: place for place, name in enumerate(self.names) if name in only}
        fields = fields_of(raw, self._core.separator, len(self.names))
        if fields is None:
            return None
        columns = [fields.column(place) for place in wanted.values()]
        if any(column is None for column in columns):
            return None
        lines = fields.lines + self._line
        self._line += fields.count
        words = self._words(raw, fields.begins)
        chunk = Chunk(pa.table(columns, names=list(wanted)), lines, words, self.names)
        return self._with_edges(chunk, raw, fields.begins)

    def _known_by_hash(self, raw: bytes) -> Chunk | None:
        before = self._line
        begins, lines = self._records(raw)
        keys = first_fields(raw, begins, self._core.separator)
        if keys is None:
            self._line = before
            return None
        chunk = Chunk(pa.table({}), lines, self._words(raw, begins), self.names, keys=keys)
        return self._with_edges(chunk, raw, begins)

    def _with_edges(self, chunk: Chunk, raw: bytes, begins: NDArray[np.int64]) -> Chunk:
        return replace(chunk, edges=np.append(begins, len(raw)) + self._begin)

    def _words(self, raw: bytes, begins: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Hash records: what a line says depends on the header."""
        words = of_stretches(np.frombuffer(raw, np.uint8), begins, np.diff(begins, append=len(raw)))
        return words + salt("\x1f".join(self.names))

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


def records(path: Path, text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return where every record begins, its first physical line, and how many lines end.

    Blank lines are no records.
    """
    octets = np.frombuffer(text, np.uint8)
    ends = places_of(_NEWLINE, octets)
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


def _parse(path: Path, text: bytes, core: Core, names: Sequence[str], count: int) -> pa.Table:
    """Parse a header and so many records; every named column is text."""
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
            f"the first has {actual} ({count} records)"
        )
        raise ExportRefused(msg)
    if table.num_rows != count:
        counts = f"{count} records by their line ends, {table.num_rows} by their quotes"
        msg = f"export refused: {path.name}: {counts}"
        raise ExportRefused(msg)
    return table


def _block_size(text: bytes) -> int:
    return min(max(len(text), 1), _LONGEST_RECORD)
