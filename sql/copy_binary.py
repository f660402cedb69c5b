"""PostgreSQL's binary COPY format, made from Arrow columns without a Python loop per row.

A row is a count of fields (2 bytes), then each field as its length (4 bytes, -1 for null) and its bytes; all
numbers are big-endian. Lengths come from the Arrow offsets. What has the same width in all rows of a block, lengths
above all, is laid out by numpy; one kernel joins that with the values of any length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Octets = NDArray[np.uint8]

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_BLOCK_BYTES = 16 * 1024 * 1024
_NUMBERS = {pa.int32(): ">i4", pa.int64(): ">i8"}


def payload(data: pa.Table) -> Iterator[bytes | memoryview]:
    """Yield the whole payload of a COPY in pieces of at most about 16 MB.

    Columns are text (string), bigint (int64) or integer (int32); TypeError names any other.
    """
    yield HEADER
    rows = max(1, _BLOCK_BYTES * data.num_rows // max(data.nbytes, 1))
    for block in data.to_batches(max_chunksize=rows):
        if block.num_rows:
            yield _block(block)
    yield TRAILER


def value_bytes(values: pa.Array) -> memoryview:
    """Return the bytes of all values of a string or binary array, end to end, without copying them."""
    offsets_buffer, data_buffer = values.buffers()[1:]
    if len(values) == 0 or data_buffer is None:
        return memoryview(b"")
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)
    first, last = offsets[values.offset], offsets[values.offset + len(values)]
    return memoryview(data_buffer)[first:last]


def _block(rows: pa.RecordBatch) -> memoryview:
    """Join the rows of a block; what has one width in all of them is joined before, with the lengths around it."""
    fields = np.array(rows.num_columns, ">i2").tobytes()
    fixed: list[Octets] = [np.broadcast_to(np.frombuffer(fields, np.uint8), (rows.num_rows, len(fields)))]
    pieces: list[pa.Array] = []
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        values = _bytes_of(name, column)
        lengths = pc.fill_null(pc.binary_length(values), -1).to_numpy()
        fixed.append(lengths.astype(">i4").view(np.uint8).reshape(len(lengths), -1))
        width = int(lengths[0])
        if width > 0 and (lengths == width).all():
            fixed.append(np.frombuffer(value_bytes(values), np.uint8).reshape(len(lengths), width))
        else:
            pieces += [_joined(fixed), values]
            fixed = []
    if fixed:
        pieces.append(_joined(fixed))
    if len(pieces) == 1:
        return value_bytes(pieces[0])
    joined = pc.binary_join_element_wise(*pieces, b"", null_handling="replace", null_replacement=b"")
    return value_bytes(joined)


def _joined(fixed: list[Octets]) -> pa.Array:
    """Join bytes, a row each, into a binary column."""
    return _binary(np.concatenate(fixed, axis=1))


def _bytes_of(name: str, column: pa.Array) -> pa.Array:
    if pa.types.is_string(column.type):
        return column.cast(pa.binary())
    if column.type in _NUMBERS:
        swapped = pc.fill_null(column, 0).to_numpy().astype(_NUMBERS[column.type])
        numbers = _binary(swapped.view(np.uint8).reshape(len(swapped), -1))
        return (
            pc.if_else(column.is_valid(), numbers, pa.scalar(None, pa.binary()))
            if column.null_count
            else numbers
        )
    message = f"column {name}: {column.type} has no binary form here"
    raise TypeError(message)


def _binary(octets: Octets) -> pa.Array:
    rows, width = octets.shape
    data = pa.py_buffer(np.ascontiguousarray(octets))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [None, data]).cast(pa.binary())
