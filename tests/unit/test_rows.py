"""Choosing rows: what is taken in one piece is what is taken row by row, and equal elements stay once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from customers.blocks import Origin, Rows, blocks
from mappings.columns import arrow
from mappings.profile import Emails
from mappings.rows import positions, united
from mappings.staging import Staged

PF = "personal_financial_relations"
BY_PATH = {block.path: block for block in blocks(PF)}
TEXT = st.none() | st.sampled_from(["", "a", "b", "é"])


@given(st.lists(TEXT, min_size=1, max_size=8), st.data())
def test_a_view_has_the_chosen_rows_whether_or_not_they_follow_each_other(
    values: list[str | None], data: st.DataObject
) -> None:
    columns = {"is_main": pa.array(values, pa.string()), "email": pa.array(values[::-1], pa.string())}
    columns["updated_at"] = pa.nulls(len(values), pa.string())
    whole = np.arange(len(values))
    staged = Staged(Emails, "emails.csv", columns, whole, whole + 2)
    rows = data.draw(st.lists(st.integers(-1, len(values) - 1), max_size=8))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(values))] * 2)))
    for chosen in (rows, list(range(start, end))):
        view = staged.view(np.array(chosen, np.int64))
        for name, column in (("is_main", values), ("email", values[::-1])):
            assert arrow(getattr(view, name)).to_pylist() == [
                None if row < 0 else column[row] for row in chosen
            ]


@given(st.lists(st.tuples(st.integers(0, 3), TEXT, TEXT), max_size=12), st.integers(1, 2))
def test_equal_elements_of_a_document_stay_once_the_first_of_them(
    drawn: list[tuple[int, str | None, str | None]], width: int
) -> None:
    drawn = sorted(drawn, key=lambda row: row[0])
    document = np.array([row[0] for row in drawn], np.int32)
    columns = {
        f"/data/{place}": pa.array([row[place] for row in drawn], pa.string()) for place in (1, 2)[:width]
    }
    lines = np.arange(len(drawn)) + 2
    block = BY_PATH["/data/accounts"]
    origins = {xpath: Origin("contas.csv", lines) for xpath in columns}
    found = united(Rows(block, columns, document, document, positions(document), origins))
    first = list(dict.fromkeys(row[: width + 1] for row in drawn))
    told = zip(
        found.document.tolist(), *(column.to_pylist() for column in found.columns.values()), strict=True
    )
    assert list(told) == first
    assert found.position.tolist() == positions(found.document).tolist()
    assert next(iter(found.origins.values())).lines.tolist() == [
        2 + [row[: width + 1] for row in drawn].index(row) for row in first
    ]
