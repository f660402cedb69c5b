"""PostgreSQL's binary COPY format, made from Arrow columns without a Python loop per row.

A row is a count of fields (2 bytes), then each field as its length (4 bytes, -1 for null) and its bytes; all
numbers are big-endian. Lengths come from the Arrow offsets, and one kernel joins them with the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_BLOCK_BYTES = 16 * 1024 * 1024
_NUMBERS = {pa.int32(): ">i4", pa.int64(): ">i8"}


def payload(data: pa.Table) -> Iterator[bytes | memoryview]:
    """Yield the whole payload of a COPY in pieces of about 16 MB.

    Columns are text (string), bigint (int64) or integer (int32); TypeError names any other.
    """
    yield HEADER
    rows = max(1, _BLOCK_BYTES * data.num_rows // max(data.nbytes, 1))
    for start in range(0, data.num_rows, rows):
        yield _block(data.slice(start, rows))
    yield TRAILER


def value_bytes(values: pa.Array) -> memoryview:
    """Return the bytes of all values of a string or binary array, end to end, without copying them."""
    offsets_buffer, data_buffer = values.buffers()[1:]
    if len(values) == 0 or data_buffer is None:
        return memoryview(b"")
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)
    first, last = offsets[values.offset], offsets[values.offset + len(values)]
    return memoryview(data_buffer)[first:last]


def _block(rows: pa.Table) -> memoryview:
    pieces: list[pa.Array | pa.Scalar] = [pa.scalar(rows.num_columns.to_bytes(2, "big"), pa.binary())]
    for name in rows.column_names:
        pieces.extend(_field(name, rows.column(name).combine_chunks()))
    return value_bytes(pc.binary_join_element_wise(*pieces, b""))


def _field(name: str, column: pa.Array) -> tuple[pa.Array, pa.Array]:
    values = _bytes_of(name, column)
    lengths = pc.fill_null(pc.binary_length(values), -1)
    return _big_endian(lengths), pc.fill_null(values, b"")


def _bytes_of(name: str, column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type):
        return column.cast(pa.binary())
    if column.type in _NUMBERS:
        numbers = _big_endian(pc.fill_null(column, 0))
        return pc.if_else(column.is_valid(), numbers, pa.scalar(None, pa.binary()))
    message = f"column {name}: {column.type} has no binary form here"
    raise TypeError(message)


def _big_endian(numbers: pa.Array) -> pa.Array:
    swapped = numbers.to_numpy().astype(_NUMBERS[numbers.type])
    fixed = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(swapped.itemsize), len(swapped), [None, pa.py_buffer(swapped)]
    )
    return fixed.cast(pa.binary())
