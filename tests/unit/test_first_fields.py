"""A key hashed by its bytes alone is the key that a parser reads; records known by their hash are read again as such."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customers.errors import ExportRefused
from mappings.core import load_core
from mappings.digests import digests
from mappings.first_fields import first_fields
from mappings.second_look import Chosen, chosen_chunks
from mappings.text_files import Chunk, csv_chunks
from tests.unit.test_fields import ANY, TABLE

CORE = load_core("reference")
KEY = st.text("K01", min_size=1, max_size=15)


@given(st.lists(st.tuples(KEY, st.text("x;K", max_size=20)), min_size=1, max_size=8))
def test_plain_keys_are_hashed_as_texts_are(rows: list[tuple[str, str]]) -> None:
    lines = [f"{key};{rest}\n".encode() for key, rest in rows]
    begins = np.cumsum([0, *map(len, lines[:-1])])
    found = first_fields(b"".join(lines), begins, ";")
    assert found is not None
    assert found.tolist() == digests(pa.array([key for key, _ in rows])).tolist()


@pytest.mark.parametrize(
    "odd",
    [b"", b" K", b"K ", b"K 1", b"K\x00", b"\xe9K", b"K\xa0", b'"K"', b"K" * 16, b"K" * 17, b"K\n", b"K\t"],
)
def test_a_parser_looks_at_every_other_key(odd: bytes) -> None:
    assert first_fields(b"K1;x\n" + odd + b";x\nK2;xxxxxxxxxxxxxxxxxxxxxxx\n", np.array([0, 5]), ";") is None
    assert first_fields(b"K1;x\n" + odd + b"\n", np.array([0, 5]), ";") is None


@given(
    st.one_of(ANY, TABLE),
    st.sampled_from([12, 40, 1000]),
    st.sampled_from(["cp1252", "utf-8", "utf-16-le", "cp932"]),
)
@example("K;x;S\r\nK2;x;S", 1000, "cp1252")
@example("K;x;S\n\n\nK2;x;S\n", 12, "cp1252")
@example("K;x;S\r\nK;x\r\n", 1000, "cp1252")
@example('K;"x\ny";S\nK2;a"b;z"\n', 1000, "utf-16-le")
def test_what_was_counted_by_its_keys_alone_is_read_and_refused_as_ever(
    body: str, window: int, encoding: str
) -> None:
    core = replace(CORE, encoding=encoding)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(f"a;b;c\r\n{body}".encode(encoding, "replace"))
        assert told(lambda: list(csv_chunks(path, core, window))) == told(lambda: twice(path, core, window))


def twice(path: Path, core: Any, window: int) -> list[Chunk]:  # noqa: ANN401 (a core)
    """Read the keys alone, and then all records by what that said of their places."""
    first = [chunk for chunk in csv_chunks(path, core, window, {"a"}) if len(chunk.lines)]
    chosen = []
    for chunk in first:
        assert chunk.edges is not None
        everyone = np.ones(len(chunk.lines), bool)
        chosen.append(Chosen(everyone, chunk.edges[:-1], chunk.edges[1:], chunk.lines))
    second = list(chosen_chunks(path, core, iter(chosen)))
    for keys, parsed in zip(first, second, strict=False):
        if keys.keys is not None:
            assert keys.keys.tolist() == digests(parsed.columns["a"].combine_chunks()).tolist()
        assert keys.words is not None
        assert np.array_equal(keys.words, np.asarray(parsed.words))
    return second


def told(read: Any) -> list[Any] | str:  # noqa: ANN401 (any reading)
    """Return all that reading says, or that it refuses: for which of several reasons depends on who looks when."""
    try:
        chunks = [chunk for chunk in read() if len(chunk.lines)]
    except ExportRefused:
        return "refused"
    return [
        (chunk.columns.to_pylist(), chunk.lines.tolist(), chunk.words.tolist(), chunk.header)
        for chunk in chunks
    ]


def test_a_line_says_something_else_under_another_header() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        words = []
        for header in ("a;b;c", "a;c;b"):
            path.write_bytes(f"{header}\nK;x;y\n".encode())
            words += [chunk.words.tolist() for chunk in csv_chunks(path, CORE) if chunk.words is not None]
    assert words[0] != words[1]
