"""A few columns read without a parser are those that the parser reads, and what it refuses is refused in its words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customers.errors import ExportRefused
from mappings.core import load_core
from mappings.fields import fields_of
from mappings.text_files import csv_chunks

CORE = load_core("reference")
ANY = st.text('K; "\r\nxé', max_size=30)
FIELD = st.sampled_from(
    ["", "K1", "S", " x ", "é", '"a;b"', '"a""b"', '""', '"c\nd"', '"c\r\nd"', 'a"b', '"e"f', "\r"]
)
LINES = st.lists(st.tuples(FIELD, FIELD, FIELD).map(";".join), max_size=6)
TABLE = st.tuples(LINES, st.sampled_from(["\n", "\r\n"])).map(lambda drawn: drawn[1].join([*drawn[0], ""]))


def told(text: bytes, window: int, encoding: str, only: set[str] | None) -> list[Any] | str:
    """Return all that reading says of the first and the last column, or why it refuses."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(text)
        try:
            chunks = list(csv_chunks(path, replace(CORE, encoding=encoding), window, only))
        except ExportRefused as refused:
            return str(refused)
    return [
        (
            chunk.columns.select(["a", "c"]).to_pylist(),
            chunk.lines.tolist(),
            chunk.words.tolist(),
            chunk.header,
        )
        for chunk in chunks
        if chunk.words is not None
    ]


@given(
    st.one_of(ANY, TABLE),
    st.sampled_from([12, 40, 1000]),
    st.sampled_from(["cp1252", "utf-8", "utf-16-le", "cp932"]),
)
@example('K;"x";S\r\n"K";;\r\n', 1000, "cp1252")
@example('K;"x\ny";S\n;;"z"\n', 1000, "cp1252")
@example("K;x;S\rK;x;S\r", 1000, "cp1252")
@example("K;x\nK;x;S;x\n", 1000, "cp1252")
@example('K;"x";"S"";"\r\nK;x;"\r"\r\n', 1000, "cp1252")
def test_a_few_columns_are_read_as_the_parser_reads_all(body: str, window: int, encoding: str) -> None:
    text = f"a;b;c\r\n{body}".encode(encoding, "replace")
    assert told(text, window, encoding, {"a", "c"}) == told(text, window, encoding, None)


@pytest.mark.parametrize("byte", [b"\x81", b"\x9d"])
def test_a_byte_in_a_column_that_is_not_read_refuses_all_the_same(byte: bytes) -> None:
    text = b"a;b;c\nK;x;S\nK;" + byte + b";S\n"
    assert "table.csv, line 3: a byte that cp1252 does not have" in told(text, 1000, "cp1252", {"a", "c"})
    assert told(text, 1000, "cp1252", {"a", "c"}) == told(text, 1000, "cp1252", None)


@pytest.mark.parametrize(
    ("text", "width", "regular"),
    [
        (b'K;"x;\r\ny";\r\n', 3, True),
        (b'K;x"y;\n', 3, False),
        (b'"K"x;;\n', 3, False),
        (b"K;x\r;\n", 3, False),
        (b"K;x;\n\n", 3, False),
        (b"K;x\nK;x;;\n", 3, False),
        (b"", 3, True),
    ],
)
def test_only_what_a_parser_would_read_in_the_same_way_is_found(
    text: bytes, width: int, *, regular: bool
) -> None:
    assert (fields_of(text, ";", width) is not None) is regular
