"""What was served when: the periods of one customer's documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, bindparam, text

from sql.clock import as_moment
from sql.engine import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sql.store import Store

# Two steps: PostgreSQL finds a list of numbers through each partition's key, where a join would read them all.
DOCUMENTS = """
    SELECT document_id FROM documents WHERE customer_id IN :keys
    UNION SELECT document_id FROM documents WHERE tax_id IN :keys
"""
_BY_CORE_KEY = "UNION SELECT document_id FROM documents WHERE core_key IN :keys"
_PERIODS = """
    SELECT structure, version, customer_id, content_hash, run_id, valid_from, valid_to, document_id
    FROM history WHERE document_id IN :ids
"""


def periods(
    store: Store, keys: Iterable[str], structure: str | None = None, *, by_core_key: bool = False
) -> list[dict[str, object]]:
    """List the periods in which documents of a customer were served, oldest first.

    ``keys`` are ways to write one customer_id or tax id; ``by_core_key`` takes them for core keys, too, and reads all
    documents for it. A row has structure, version, customer_id, content_hash, run_id, valid_from, valid_to (None while
    it lasts) and document_id.
    """
    with reading(store.engine) as connection:
        find = text(f"{DOCUMENTS}{_BY_CORE_KEY if by_core_key else ''}").bindparams(
            bindparam("keys", type_=Text, expanding=True)
        )
        ids = list(connection.scalars(find, {"keys": sorted(set(keys))}))
        show = text(_PERIODS).bindparams(bindparam("ids", expanding=True))
        rows = [dict(row) for row in connection.execute(show, {"ids": ids}).mappings()]
    wanted = [row for row in rows if structure in {None, row["structure"]}]
    return sorted(wanted, key=lambda row: (as_moment(str(row["valid_from"])), str(row["structure"])))


def served_at(found: Iterable[dict[str, object]], moment: datetime) -> list[dict[str, object]]:
    """Keep the periods that a moment falls into; a document is served from its run's flip on."""
    return [
        row
        for row in found
        if as_moment(str(row["valid_from"])) <= moment
        and (row["valid_to"] is None or moment < as_moment(str(row["valid_to"])))
    ]


def documents(store: Store, document_ids: Sequence[int]) -> dict[int, str]:
    """Return the JSON text of documents by their number."""
    statement = text("SELECT document_id, document FROM documents WHERE document_id IN :ids")
    with reading(store.engine) as connection:
        rows = connection.execute(
            statement.bindparams(bindparam("ids", expanding=True)), {"ids": list(document_ids)}
        )
        return {row.document_id: row.document for row in rows}
