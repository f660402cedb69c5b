"""The bytes of a binary COPY, held against the format as PostgreSQL's manual tells it."""

from __future__ import annotations

import struct

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sql.copy_binary import HEADER, TRAILER, payload

TEXT = st.none() | st.sampled_from(["", "a", "é", "ab", "abc" * 30])
SAME = st.sampled_from(["ab", "é", "cd"])
ROWS = st.lists(
    st.tuples(st.integers(-(2**31), 2**31 - 1), TEXT, SAME, st.none() | st.integers(-(2**63), 2**63 - 1)),
    max_size=8,
)
SCHEMA = pa.schema([("a", pa.int32()), ("b", pa.string()), ("c", pa.string()), ("d", pa.int64())])


def field(value: str | int | None, width: int) -> bytes:
    if value is None:
        return struct.pack(">i", -1)
    content = value.encode() if isinstance(value, str) else value.to_bytes(width, "big", signed=True)
    return struct.pack(">i", len(content)) + content


@given(st.lists(ROWS, max_size=3), st.integers(0, 2), st.permutations(SCHEMA.names))
def test_a_payload_is_the_rows_as_the_manual_says(
    parts: list[list[tuple[int, str | None, str, int | None]]], start: int, order: list[str]
) -> None:
    tables = [
        pa.table([list(column) for column in zip(*rows, strict=True)], SCHEMA) for rows in parts if rows
    ]
    data = pa.concat_tables([SCHEMA.empty_table(), *tables]).slice(start).select(order)
    told = b"".join(payload(data))
    rows = [dict(zip(SCHEMA.names, row, strict=True)) for part in parts for row in part][start:]
    expected = [
        struct.pack(">h", 4) + b"".join(field(row[name], 4 if name == "a" else 8) for name in order)
        for row in rows
    ]
    assert told == HEADER + b"".join(expected) + TRAILER
