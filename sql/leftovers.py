"""What a run wrote ahead and will never show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from sql import partitions, tables
from sql.engine import is_postgres

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_UNSEEN = (
    tables.served_again,
    tables.retired,
    tables.stale_marks,
    tables.customer_states,
    tables.fingerprints,
)


def discard(connection: Connection, run_seqs: Sequence[int]) -> dict[str, int]:
    """Delete everything that some runs wrote unseen and return the number of rows by table.

    None of the runs may be published, or still at work.
    """
    if not run_seqs:
        return dict.fromkeys(["documents", *(table.name for table in _UNSEEN)], 0)
    counts = {"documents": _discard_documents(connection, run_seqs)}
    for table in _UNSEEN:
        statement = delete(table).where(table.c.run_seq.in_(run_seqs))
        counts[table.name] = connection.execute(statement).rowcount
    return counts


def _discard_documents(connection: Connection, run_seqs: Sequence[int]) -> int:
    if is_postgres(connection):
        return partitions.discard(connection, run_seqs)
    documents = tables.documents
    return connection.execute(delete(documents).where(documents.c.run_seq.in_(run_seqs))).rowcount
