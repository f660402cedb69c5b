"""Choose and number the rows of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from customers.blocks import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def positions(parent: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the 0-based place of each row among those with the same parent; rows are sorted by parent."""
    starts = np.flatnonzero(np.append([True] * bool(len(parent)), parent[1:] != parent[:-1]))
    lengths = np.diff(np.append(starts, len(parent)))
    return (np.arange(len(parent)) - np.repeat(starts, lengths)).astype(np.int32)


def chosen_rows(rows: Rows, kept: NDArray[np.int64]) -> Rows:
    """Return chosen rows of a block, numbered anew; the block must have no child block."""
    picked = pa.array(kept)
    origins = {xpath: origin.at(kept) for xpath, origin in rows.origins.items()}
    columns = {xpath: values.take(picked) for xpath, values in rows.columns.items()}
    parent = rows.parent[kept]
    return Rows(rows.block, columns, rows.document[kept], parent, positions(parent), origins)
