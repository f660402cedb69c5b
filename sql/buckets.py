"""Write everything that one bucket of a run has to say, with the row of the ledger that says so, or nothing of it.

A process that died left either; one that is given a finished bucket again writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from sqlalchemy import select, text

from sql import ledger, partitions, sequences, stamps, tables
from sql.bulk import append
from sql.engine import is_postgres, writing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Engine, Table

_BY_RUN_SEQ = {
    table.name: table
    for table in (
        tables.served_again,
        tables.retired,
        tables.stale_marks,
        tables.customer_states,
        tables.fingerprints,
        tables.forgotten,
    )
}
_FINISH = text(
    "INSERT INTO run_buckets (run_seq, bucket, outcome, stamps) VALUES (:run_seq, :bucket, :outcome, :stamps)"
    " ON CONFLICT DO NOTHING"
)


def write(engine: Engine, run_seq: int, bucket: int, rows: Mapping[str, pa.Table], outcome: str) -> bool:
    """Write the rows of a bucket by table, unseen, in one transaction with its outcome; False if that was done before.

    Raise CadastraError unless the run is running.
    """
    documents = rows.get("documents")
    values = {"run_seq": run_seq, "bucket": bucket, "outcome": outcome, "stamps": None}
    with writing(engine) as connection:
        ledger.claim(connection, run_seq)  # else a run that was given up would have its tables made again
        if is_postgres(connection):  # here, where nobody has to wait for the rows
            partitions.prepare(connection, run_seq, [t for t in partitions.PARTITIONED if t.name in rows])
        if documents is not None:
            documents = _numbered(connection, run_seq, documents)
            first_load = stamps.all_waited(connection, run_seq)
    if documents is not None and first_load:
        values["stamps"] = stamps.packed(documents)
    with writing(engine) as connection:
        ledger.claim(connection, run_seq)
        if connection.execute(_FINISH, values).rowcount == 0:
            return False
        if documents is not None:
            _append(connection, run_seq, tables.documents, documents)
        for name, table in _BY_RUN_SEQ.items():
            if name in rows:
                _append(connection, run_seq, table, with_number(rows[name], run_seq))
        if "findings" in rows:
            append(connection, tables.findings, _with_id(connection, run_seq, rows["findings"]))
    return True


def finished(connection: Connection, run_seq: int) -> dict[int, str]:
    """Return the outcome of each bucket of a run that is finished."""
    buckets = tables.run_buckets
    rows = connection.execute(select(buckets.c.bucket, buckets.c.outcome).where(buckets.c.run_seq == run_seq))
    return {row.bucket: row.outcome for row in rows}


def outcome_of(connection: Connection, run_seq: int, bucket: int) -> str | None:
    """Return the outcome of a bucket of a run, None while it is not finished."""
    buckets = tables.run_buckets
    chosen = (buckets.c.run_seq == run_seq) & (buckets.c.bucket == bucket)
    return connection.scalars(select(buckets.c.outcome).where(chosen)).one_or_none()


def with_number(rows: pa.Table, run_seq: int) -> pa.Table:
    """Add the number of the run to every row."""
    return rows.append_column("run_seq", pa.repeat(pa.scalar(run_seq, pa.int32()), rows.num_rows))


def _append(connection: Connection, run_seq: int, table: Table, rows: pa.Table) -> None:
    """Add rows to the run's own table, or in order of the key if there is one: neighbours go to the same page."""
    keys = table.primary_key.columns.keys()
    if is_postgres(connection) and table in partitions.PARTITIONED:
        append(connection, table, rows, into=partitions.table_of(table, run_seq))
    else:
        append(connection, table, rows.sort_by(keys[0]) if keys else rows)


def _with_id(connection: Connection, run_seq: int, rows: pa.Table) -> pa.Table:
    run_id = pa.scalar(ledger.run_id_of(connection, run_seq), pa.string())
    return rows.append_column("run_id", pa.repeat(run_id, rows.num_rows))


def _numbered(connection: Connection, run_seq: int, documents: pa.Table) -> pa.Table:
    """Give documents their numbers."""
    first = sequences.reserve(connection, "documents", documents.num_rows)
    ids = pa.array(np.arange(first, first + documents.num_rows, dtype=np.int64))
    return with_number(documents, run_seq).append_column("document_id", ids)
