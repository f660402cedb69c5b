"""What a bucket has to write, kept until all of it can be written at once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from sql.store import Store


class Draft:
    """Take rows as ``Store`` does and write none; what is stored already is looked up in ``store``."""

    def __init__(self, store: Store, *, has_retired: bool) -> None:
        self._store, self._has_retired = store, has_retired
        self._parts: dict[str, list[pa.Table]] = defaultdict(list)

    def has_retired(self) -> bool:
        """Say whether any period of being served ever ended."""
        return self._has_retired

    def stored_before(self, structure: str, version: str, wanted: pa.Table) -> pa.Table:
        """Find the wanted documents that were served once and are not now, as the store does."""
        return self._store.stored_before(structure, version, wanted)

    def write_documents(self, documents: pa.Table) -> None:
        """Keep documents."""
        self._add("documents", documents)

    def serve_again(self, document_ids: pa.Array | pa.ChunkedArray) -> None:
        """Keep the numbers of documents to be served anew."""
        self._add("served_again", pa.table({"document_id": document_ids}))

    def retire(self, periods: pa.Table) -> None:
        """Keep periods of being served that end."""
        self._add("retired", periods)

    def mark_stale(self, marks: pa.Table) -> None:
        """Keep marks of staleness."""
        self._add("stale_marks", marks)

    def write_customer_states(self, states: pa.Table) -> None:
        """Keep the states of persons."""
        self._add("customer_states", states)

    def write_fingerprints(self, rows: pa.Table) -> None:
        """Keep what registers were made of."""
        self._add("fingerprints", rows)

    def forget(self, core_keys: pa.Array, *, gone: bool) -> None:
        """Keep registers that are not remembered as they are now."""
        flags = pa.repeat(pa.scalar(int(gone), pa.int32()), len(core_keys))
        self._add("forgotten", pa.table({"core_key": core_keys, "gone": flags}))

    def write_findings(self, findings: pa.Table) -> None:
        """Keep findings."""
        self._add("findings", findings)

    def rows(self) -> dict[str, pa.Table]:
        """Return everything by table."""
        return {name: pa.concat_tables(parts) for name, parts in self._parts.items()}

    def size(self) -> int:
        """Return how many bytes all of it is."""
        return sum(part.nbytes for parts in self._parts.values() for part in parts)

    def _add(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            self._parts[table].append(rows)
