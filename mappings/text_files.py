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
# A line of so many bytes, its end among them, is not blank.
_SOME = 3
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

    ``rows`` says of each window that has records which are wanted, of a file that was read before. At least one chunk
    comes, if only with the header. Raises ExportRefused for bytes that are not of the core's encoding, unbalanced
    quotes, an empty file, or a record with another number of fields than the header; messages never quote a record.
    """
    with path.open("rb") as file:
        pieces = _windows(file, path.stat().st_size + 1 if _is_wide(core) else window)
        yield from _chunks(path, pieces, core, only) if rows is None else _chosen(path, pieces, core, rows)


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
    path: Path, pieces: Iterable[bytes], core: Core, only: Collection[str] | None = None
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
            words = of_stretches(np.frombuffer(text, np.uint8), begins, sizes)
            columns = names if only is None else [name for name in names if name in only]
            yield Chunk(_parse(path, header + text, core, names, len(lines), columns), lines, words, names)
    if not header:
        msg = f"export refused: {path.name} has no header"
        raise ExportRefused(msg)


def _chosen(path: Path, pieces: Iterable[bytes], core: Core, rows: Masks) -> Iterator[Chunk]:
    """Do what ``_chunks`` does with a file that it has read before, of each piece only for the records of a mask.

    Where there are no more masks nobody wants the rest.
    """
    header, line, came = b"", 0, False
    names: list[str] = []
    for piece in pieces:
        raw = _utf8(path, piece, core, line) if _is_wide(core) else piece
        raw += b"" if raw.endswith(b"\n") else b"\n"
        begins, lines, ends = _records(path, raw)
        lines = lines + line
        line += ends
        if len(begins) and not header:
            cut = int(begins[1]) if len(begins) > 1 else len(raw)
            header, raw, begins, lines = (
                _narrow(path, raw[:cut], core),
                raw[cut:],
                begins[1:] - cut,
                lines[1:],
            )
            names = _parse(path, header, core, [], 0).column_names
        if len(begins) == 0:
            continue
        mask = next(rows, None)
        if mask is None:
            break
        if mask.any():
            text, came = _narrow(path, _only(raw, begins, mask), core), True
            begins, _, _ = _records(path, text)
            words = of_stretches(np.frombuffer(text, np.uint8), begins, np.diff(begins, append=len(text)))
            yield Chunk(_parse(path, header + text, core, names, len(begins)), lines[mask], words, names)
    if not came:
        nothing = np.empty(0, np.int64)
        yield Chunk(_parse(path, header, core, names, 0), nothing, nothing.astype(np.uint64), names)


def _only(raw: bytes, begins: NDArray[np.int64], mask: NDArray[np.bool_]) -> bytes:
    """Leave out the records that nobody wants."""
    edges = np.append(begins, len(raw)).astype(np.int64)
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(raw)]
    kept = pa.Array.from_buffers(pa.large_binary(), len(begins), buffers).filter(pa.array(mask))
    content: bytes = kept.buffers()[2].to_pybytes()[: int(np.diff(edges)[mask].sum())]
    return content


def _is_wide(core: Core) -> bool:
    """Say whether no byte is a line end by itself, as in UTF-16."""
    return not "\n\n".encode(core.encoding).endswith(b"\n\n")


def _narrow(path: Path, raw: bytes, core: Core) -> bytes:
    return raw if _is_wide(core) else _utf8(path, raw, core, 1)


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
    if b'"' not in text and (sizes := np.diff(ends, prepend=-1)).min(initial=_SOME) >= _SOME:
        # each line is a record
        return ends + 1 - sizes, np.arange(1, count + 1, dtype=np.int64), count
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
