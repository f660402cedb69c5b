"""Looking at all bytes of a column at once: the same answers as value by value, whatever stands around a value."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.unread import UNREAD
from mappings.core import load_core
from mappings.octets import changed_where, maybe_among, maybe_padded, mended_where, places_of, without
from mappings.profile import Kind
from mappings.reading import read

CORE = load_core("reference")
CODES = {"1": "SOLTEIRO", "9": "OUTRO"}
RAW = st.none() | st.one_of(
    st.text(st.sampled_from('ab0159.,-/() \t\u00a0\u2003é"\\\0' + UNREAD), max_size=8),
    st.sampled_from(
        [
            *(
                "N/A",
                " NA ",
                "NAO INFORMADO",
                "00/00/0000",
                "01/01/0001",
                "01/01/0001 00:00:00",
                "S",
                "N",
                "1",
                "9",
            ),
            *(
                "31/12/1899",
                "01/01/1900",
                "31/12/2099",
                "01/01/2100",
                "29/02/2024",
                "29/02/2023",
                "31/12/9999",
            ),
            *("31/12/9999 23:59:59", "20/11/2026 08:30:00", "04/11/2018 00:30:00", "01/02/1890 00:00:00"),
            *(
                "123.456.789-09",
                "191",
                "12.345.678/0001-95",
                "0007,50",
                "-0,0",
                "12",
                "2024",
                "000.000.000-00",
            ),
        ]
    ),
)
TEXT = st.none() | st.text(st.sampled_from('ab.-/ é"\\\n'), max_size=6)


@st.composite
def columns(draw: st.DrawFn, values: st.SearchStrategy[str | None] = TEXT) -> pa.Array:
    """Draw a column that begins anywhere in its buffers."""
    before, told = draw(st.lists(values, max_size=3)), draw(st.lists(values, max_size=12))
    return pa.array([*before, *told, *before], pa.string()).slice(len(before), len(told))


@pytest.mark.parametrize("kind", Kind)
@settings(max_examples=30)
@given(column=columns(RAW), times=st.sampled_from([1, 20]))
def test_a_column_is_read_as_each_of_its_cells_alone(kind: Kind, column: pa.Array, times: int) -> None:
    codes = CODES if kind is Kind.CODE else None
    alone = [read(column.slice(row, 1), kind, codes, CORE)[0].as_py() for row in range(len(column))]
    many = pa.concat_arrays([column] * times)
    assert read(many, kind, codes, CORE).to_pylist() == alone * times
    assert read(many.slice(1), kind, codes, CORE).to_pylist() == (alone * times)[1:]


@given(columns(), st.data())
def test_only_what_is_marked_changes_and_what_is_clean_may_be_mended(
    column: pa.Array, data: st.DataObject
) -> None:
    told = column.to_pylist()
    marked = np.array(data.draw(st.lists(st.booleans(), min_size=len(told), max_size=len(told))), bool)
    changed = changed_where(column, marked, lambda odd: pc.binary_join_element_wise(odd, "x", ""))
    assert changed.to_pylist() == [
        text if text is None or not mark else text + "x" for text, mark in zip(told, marked, strict=True)
    ]
    unclean = marked | np.array([text is not None and "a" in text for text in told], bool)
    mended = mended_where(column, unclean, lambda odd: pc.replace_substring(odd, "a", ""))
    assert mended.to_pylist() == [None if text is None else text.replace("a", "") for text in told]


@given(columns())
def test_signs_are_taken_out_of_every_value(column: pa.Array) -> None:
    told = column.to_pylist()
    found = without(column, b"-./ ")
    found.validate(full=True)
    assert found.to_pylist() == [
        None if text is None else "".join(sign for sign in text if sign not in "-./ ") for text in told
    ]


@given(columns(st.none() | st.sampled_from(["", "ab", "aéb", "b", "abba", "a-b", "0", "-1", "10", "é0"])))
def test_marks_never_miss(column: pa.Array) -> None:
    words = ("ab", "aéb", "b")
    among, padded = maybe_among(column, words), maybe_padded(column)
    for row, text in enumerate(column.to_pylist()):
        assert among[row] or text is None or (text and text not in words)
        assert padded[row] == (text is not None and text.startswith(("0", "-")))
    assert not maybe_among(pa.array(["a-b", "abba", "a"]), ("ab", "aéb"))[1:].any()


def test_a_code_that_is_a_filler_or_untidy_is_read_as_any_other_cell() -> None:
    codes = {"NA": "NADA", " x": "XIS", "S": "SIM"}
    told = read(pa.array(["NA", " x", "x", "S", " S ", None]), Kind.CODE, codes, CORE).to_pylist()
    assert told == [None, UNREAD + "x", UNREAD + "x", "SIM", "SIM", None]


@given(st.binary(max_size=40).map(lambda data: data.replace(b"\xff", b"\n\n")))
def test_a_byte_is_found_wherever_it_stands(data: bytes) -> None:
    wanted = [place for place, byte in enumerate(data) if byte == ord("\n")]
    assert places_of(ord("\n"), np.frombuffer(data, np.uint8)).tolist() == wanted
