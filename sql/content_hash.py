"""Hash the content of a table while it streams by: the same rows, the same hash, however they come in batches."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from sql.copy_binary import value_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence


class ContentHash:
    """Hash columns, each by the lengths of its values (-1 for null) and by their text."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = {name: (hashlib.sha256(), hashlib.sha256()) for name in columns}

    def update(self, rows: pa.RecordBatch) -> None:
        """Take in the next rows."""
        for name, (lengths, values) in self._columns.items():
            texts = rows.column(name).cast(pa.string())
            lengths.update(pc.fill_null(pc.binary_length(texts), -1).to_numpy())
            values.update(value_bytes(pc.fill_null(texts, "")))

    def hexdigest(self) -> str:
        """Return the hash of everything so far."""
        whole = hashlib.sha256()
        for name, (lengths, values) in self._columns.items():
            whole.update(name.encode() + b"\0" + lengths.digest() + values.digest())
        return whole.hexdigest()
