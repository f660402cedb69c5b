"""The mark that a value keeps when staging could not read it, so that nothing unreadable is dropped.

A staged or mapped cell is canonical text (``1990-05-21``, ``true``, ``2021``, ``1500.00``), missing, or *unread*:
the mark followed by the raw text. The mark travels with the value through the mapping, and the check stage turns it
into exactly one finding on the field: dates ``S-format``, decimals ``S-pattern``, codes ``S-enum`` (a brand
``X-UNMAPPED``), flags and years ``S-type``.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# A Unicode noncharacter, reserved for use inside a program: no export can hold it as text.
UNREAD = "\ufdd0"
_FIRST_OCTET = UNREAD.encode()[:1]


def is_unread(values: pa.Array) -> pa.BooleanArray:
    """Say which cells carry the mark; missing cells do not."""
    if not may_be_marked(values):
        return pa.array(np.zeros(len(values), dtype=np.bool_))
    return pc.fill_null(pc.starts_with(values, UNREAD), False)  # noqa: FBT003 (Arrow's positional fill value)


def may_be_marked(values: pa.Array) -> bool:
    """Say whether any cell may carry the mark: hardly any column has its first byte, and all are looked at at once."""
    if not isinstance(values, pa.StringArray):
        return True
    _, offsets, data = values.buffers()
    if data is None or len(values) == 0:
        return False
    edges = np.frombuffer(offsets, np.int32)
    return (
        _FIRST_OCTET in memoryview(data)[edges[values.offset] : edges[values.offset + len(values)]].tobytes()
    )


def marked(values: pa.Array, read: pa.Array) -> pa.Array:
    """Return what was read, and behind the mark every value that could not be."""
    if read.null_count == values.null_count:
        return read
    lost = pc.and_(pc.is_null(read), pc.is_valid(values))
    return pc.replace_with_mask(read, lost, pc.binary_join_element_wise(UNREAD, values.filter(lost), ""))


def raw(values: pa.Array) -> pa.Array:
    """Return the text behind the mark, and other text as it is."""
    return pc.if_else(pc.starts_with(values, UNREAD), pc.utf8_slice_codeunits(values, start=1), values)
