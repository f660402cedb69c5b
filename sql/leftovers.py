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
    tables.documents,
    tables.served_again,
    tables.retired,
    tables.stale_marks,
    tables.customer_states,
    tables.fingerprints,
    tables.forgotten,
)


def discard(connection: Connection, run_seqs: Sequence[int]) -> dict[str, int]:
    """Delete everything that some runs wrote unseen and return the number of rows by table.

    None of the runs may be published, or still at work.
    """
    if not run_seqs:
        return dict.fromkeys([table.name for table in _UNSEEN], 0)
    apart = partitions.discard(connection, run_seqs) if is_postgres(connection) else {}
    rest = [table for table in _UNSEEN if table.name not in apart]
    gone = {
        table.name: connection.execute(delete(table).where(table.c.run_seq.in_(run_seqs))).rowcount
        for table in rest
    }
    return {table.name: {**apart, **gone}[table.name] for table in _UNSEEN}
