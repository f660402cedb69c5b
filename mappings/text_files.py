"""Read CSV text: strict, and with the first physical line of every record and a hash of its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from customers.errors import ExportRefused
from mappings.digests import of_stretches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from mappings.core import Core

    Masks = Iterator[NDArray[np.bool_]]

_QUOTE, _NEWLINE, _RETURN = 34, 10, 13
_BLANK_LINES = (b"\n", b"\r\n")
_BLANK = tuple(b"\n" + blank for blank in _BLANK_LINES)
_MEBIBYTE = 1 << 20
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
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


def csv_chunks(
    path: Path,
    core: Core,
    window: int = WINDOW,
    only: Collection[str] | None = None,
    rows: Masks | None = None,
) -> Iterator[Chunk]:
    """Read a CSV file window by window: text columns, all of them or ``only`` some.

    ``rows`` says of each window that has records which are wanted. At least one chunk comes, if only with the header.
    Raises ExportRefused for bytes that are not of the core's encoding, unbalanced quotes, an empty file, or a record
    with another number of fields than the header; messages never quote a record.
    """
    whole = not "\n\n".encode(core.encoding).endswith(b"\n\n")  # of UTF-16 no byte is a line end by itself
    with path.open("rb") as file:
        yield from _chunks(
            path, _windows(file, path.stat().st_size + 1 if whole else window), core, only, rows
        )


def _windows(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Cut a file behind a record's last line end; at least one piece comes, if only an empty one."""
    rest, came = b"", False
    while data := file.read(size):
        rest += data
        if len(data) < size:
            break  # the end of the file is also that of its last record
        end = _last_end(rest)
        if end:
            came = True
            yield rest[:end]
            rest = rest[end:]
    if rest or not came:
        yield rest


def _last_end(data: bytes) -> int:
    """Return where the last record that is whole ends, 0 where none does."""
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    octets = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(octets == _NEWLINE)
    closing = ends[np.searchsorted(np.flatnonzero(octets == _QUOTE), ends) % 2 == 0]
    return int(closing[-1]) + 1 if len(closing) else 0


def _chunks(
    path: Path,
    pieces: Iterable[bytes],
    core: Core,
    only: Collection[str] | None = None,
    rows: Masks | None = None,
) -> Iterator[Chunk]:
    header, line = b"", 0
    names: list[str] = []
    for piece in pieces:
        text = _utf8(path, piece, core, line)
        if text and not text.endswith(b"\n"):
            text += b"\n"  # pyarrow takes a header without a line end for no header
        begins, lines, ends = _records(path, text)
        lines = lines + line
        line += ends
        if len(begins) and not header:
            cut = int(begins[1]) if len(begins) > 1 else len(text)
            header, text, begins, lines = text[:cut], text[cut:], begins[1:] - cut, lines[1:]
            names = _parse(path, header, core, [], 0).column_names
        if header:
            sizes = np.diff(begins, append=len(text))
            if rows is not None and len(begins):
                text, begins, sizes, lines = _chosen(text, begins, lines, next(rows))
            words = of_stretches(np.frombuffer(text, np.uint8), begins, sizes)
            columns = names if only is None else [name for name in names if name in only]
            yield Chunk(_parse(path, header + text, core, names, len(lines), columns), lines, words, names)
    if not header:
        msg = f"export refused: {path.name} has no header"
        raise ExportRefused(msg)


def _chosen(
    text: bytes, begins: NDArray[np.int64], lines: NDArray[np.int64], mask: NDArray[np.bool_]
) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Leave out the records that nobody wants; return the text, where each begins, its size and its line."""
    edges = np.append(begins, len(text)).astype(np.int64)
    records = pa.Array.from_buffers(
        pa.large_binary(), len(begins), [None, pa.py_buffer(edges), pa.py_buffer(text)]
    )
    kept = records.filter(pa.array(mask))
    sizes = np.diff(edges)[mask]
    content = kept.buffers()[2].to_pybytes()[: int(sizes.sum())]
    return content, np.cumsum(sizes) - sizes, sizes, lines[mask]


def _utf8(path: Path, data: bytes, core: Core, lines_before: int) -> bytes:
    if lines_before == 0 and data.startswith(_MARKS) and not core.encoding.startswith(("utf-16", "utf_16")):
        msg = (
            f"export refused: {path.name} begins with a byte order mark of Unicode, which is none of its columns' "
            f"name: core {core.name} wants {core.encoding} without one"
        )
        raise ExportRefused(msg)
    try:
        return data if data.isascii() else data.decode(core.encoding).encode()
    except UnicodeDecodeError as problem:
        line = lines_before + data.count(b"\n", 0, problem.start) + 1
        msg = f"export refused: {path.name}, line {line}: a byte that {core.encoding} does not have (is it UTF-8?)"
        raise ExportRefused(msg) from problem


def _records(path: Path, text: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return where every record begins, its first physical line, and how many lines end.

    Blank lines are no records.
    """
    octets = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(octets == _NEWLINE)
    count = len(ends)
    if b'"' not in text and not text.startswith(_BLANK_LINES) and not any(blank in text for blank in _BLANK):
        # each line is a record
        return np.append([0], ends[:-1] + 1)[:count], np.arange(1, count + 1, dtype=np.int64), count
    lines = np.arange(1, count + 2, dtype=np.int64)
    if b'"' in text:
        quotes = np.flatnonzero(octets == _QUOTE)
        if len(quotes) % 2:
            msg = f"export refused: {path.name}: a quote is opened and never closed"
            raise ExportRefused(msg)
        closing = np.searchsorted(quotes, ends) % 2 == 0
        lines = np.concatenate(([1], np.flatnonzero(closing) + 2))
        ends = ends[closing]
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
