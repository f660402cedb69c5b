"""Read CSV text: strict, and with the first physical line of every record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv

from customers.errors import ExportRefused

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mappings.core import Core

_QUOTE, _NEWLINE, _RETURN = 34, 10, 13
_MEBIBYTE = 1 << 20
# pyarrow refuses a record that is longer than a block.
_LONGEST_RECORD = 64 * _MEBIBYTE


def read_csv(path: Path, data: bytes, core: Core) -> tuple[pa.Table, NDArray[np.int64]]:
    """Parse the bytes of a CSV file into text columns and the line on which each record begins.

    Raises ExportRefused for bytes that are not of the core's encoding, unbalanced quotes, an empty file, or a record
    with another number of fields than the header; messages never quote a record.
    """
    text = _utf8(path, data, core)
    if text and not text.endswith(b"\n"):
        text += b"\n"  # pyarrow takes a header without a line end for no header
    starts = _record_lines(path, text)
    if len(starts) == 0:
        msg = f"export refused: {path.name} has no header"
        raise ExportRefused(msg)
    table = _parse(path, text, core, starts)
    if table.num_rows != len(starts) - 1:
        counts = f"{len(starts) - 1} records by their line ends, {table.num_rows} by their quotes"
        msg = f"export refused: {path.name}: {counts}"
        raise ExportRefused(msg)
    return table, starts[1:]


def _utf8(path: Path, data: bytes, core: Core) -> bytes:
    try:
        return data if data.isascii() else data.decode(core.encoding).encode()
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        msg = f"export refused: {path.name}, line {line}: a byte that {core.encoding} does not have (is it UTF-8?)"
        raise ExportRefused(msg) from problem


def _record_lines(path: Path, text: bytes) -> NDArray[np.int64]:
    """Return the first physical line of the header and of every record; blank lines are none."""
    octets = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(octets == _NEWLINE)
    lines = np.arange(1, len(ends) + 2, dtype=np.int64)
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
    return np.asarray(lines[(lengths > 0) & ~np.asarray(only_return)], np.int64)


def _parse(path: Path, text: bytes, core: Core, starts: NDArray[np.int64]) -> pa.Table:
    wrong: list[tuple[int, int]] = []

    def remember(row: csv.InvalidRow) -> str:
        wrong.append((row.expected_columns, row.actual_columns))
        return "skip"

    names = {core.key, *(source.column for source in core.tables[path.stem].columns.values())}
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
            ),
        )
    except pa.ArrowInvalid as problem:
        msg = f"export refused: {path.name} cannot be parsed as CSV"
        raise ExportRefused(msg) from problem
    if wrong:
        expected, actual = wrong[0]
        msg = (
            f"export refused: {path.name}: {len(wrong)} records do not have the {expected} fields of the header, "
            f"the first has {actual} ({len(starts) - 1} records)"
        )
        raise ExportRefused(msg)
    return table


def _block_size(text: bytes) -> int:
    return min(max(len(text), 1), _LONGEST_RECORD)
