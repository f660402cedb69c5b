"""Choose and number the rows of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.blocks import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def positions(parent: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the 0-based place of each row among those with the same parent; rows are sorted by parent."""
    another: NDArray[np.bool_] = parent[1:] != parent[:-1]
    if np.count_nonzero(another) == len(another):
        return np.zeros(len(parent), np.int32)
    starts = np.append(np.zeros(1, np.int64), np.flatnonzero(another) + 1)
    lengths = np.diff(np.append(starts, len(parent)))
    return (np.arange(len(parent)) - np.repeat(starts, lengths)).astype(np.int32)


def chosen_rows(rows: Rows, kept: NDArray[np.int64]) -> Rows:
    """Return chosen rows of a block, numbered anew; the block must have no child block."""
    picked = pa.array(kept)
    origins = {xpath: origin.at(kept) for xpath, origin in rows.origins.items()}
    columns = {xpath: values.take(picked) for xpath, values in rows.columns.items()}
    parent = rows.parent[kept]
    return Rows(rows.block, columns, rows.document[kept], parent, positions(parent), origins)


def united(rows: Rows) -> Rows:
    """Keep equal elements of a list once, the first of them (registers of one person are united)."""
    if rows.block.parent is None or len(rows) == 0:
        return rows
    several = np.flatnonzero(np.bincount(rows.document)[rows.document] > 1)
    chosen = pa.array(several)
    document = rows.document[several].astype(np.int64)
    codes = _coded([values.take(chosen) for values in rows.columns.values()])
    _, first = np.unique(document * (int(codes.max(initial=0)) + 1) + codes, return_index=True)
    if len(first) == len(several):
        return rows
    kept = np.ones(len(rows), bool)
    kept[several] = False
    kept[several[first]] = True
    return chosen_rows(rows, np.flatnonzero(kept))


def _coded(columns: list[pa.Array]) -> NDArray[np.int64]:
    """Give rows a number each, the same where all columns are the same."""
    texts = columns[0]
    if len(columns) > 1:
        cells = [pc.fill_null(values, "\x00") for values in columns]
        texts = pc.binary_join_element_wise(*cells, "\x1f")
    codes = texts.dictionary_encode(null_encoding="encode").indices
    return np.asarray(codes.to_numpy(zero_copy_only=False), np.int64)
